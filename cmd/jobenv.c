/* SPDX-License-Identifier: ISC */
/* Arguments and environment of a COMMAND. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobenv.h"

extern char **environ;

bool
jobenv_has_mark(char **command, const char *mark)
{
	for (size_t i = 1; command[0] != NULL && command[i] != NULL; i++)
		if (strstr(command[i], mark) != NULL)
			return (true);
	return (false);
}

void
jobenv_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static char *
replace(const char *argument, const char *mark, const char *text)
{
	size_t n = 0, size = strlen(argument) + 1;
	const char *p, *hit;
	char *out, *to;

	for (p = argument; (p = strstr(p, mark)) != NULL; p += strlen(mark))
		n++;
	if (n > 0)
		size += n * strlen(text);
	if ((out = to = malloc(size)) == NULL)
		return (NULL);
	for (p = argument; (hit = strstr(p, mark)) != NULL; p = hit + strlen(mark)) {
		to = mempcpy(to, p, (size_t)(hit - p));
		to = stpcpy(to, text);
	}
	memcpy(to, p, strlen(p) + 1);
	return (out);
}

char **
jobenv_arguments(char **command, const char *mark, const char *text)
{
	size_t n = 0;
	char **list;

	while (command[n] != NULL)
		n++;
	if ((list = calloc(n + 2, sizeof(*list))) == NULL ||
	    (list[0] = strdup("sh")) == NULL)
		goto failed;
	for (size_t i = 0; i < n; i++) {
		list[i + 1] =
		    i == 0 ? strdup(command[i]) : replace(command[i], mark, text);
		if (list[i + 1] == NULL)
			goto failed;
	}
	return (list);
failed:
	jobenv_free(list);
	return (NULL);
}

/* Variables of another message, when a worker runs below a worker. */
static bool
is_ours(const char *variable)
{
	static const char *const names[] = { "Q_QUEUE=", "Q_ID=", "Q_RECEIPT=",
		"Q_ATTEMPT=", "Q_H_", "Q_COUNT=", "Q_IDS=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return (true);
	return (false);
}

/* The next of a list that has room for it. */
__attribute__((format(printf, 3, 4))) static bool
append(char **list, size_t *n, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vasprintf(&list[*n], fmt, ap);
	va_end(ap);
	if (rc == -1)
		list[*n] = NULL;
	else
		++*n;
	return (rc != -1);
}

/* content-type=x becomes Q_H_CONTENT_TYPE=x. */
static void
shell_name(char *variable)
{
	for (char *p = variable; *p != '='; p++) { /* the library has checked that */
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (*p == '-' || *p == '.')
			*p = '_';
	}
}

static bool
append_headers(char **list, size_t *n, const struct q_msg *m)
{
	for (const char *h = m->headers; h < m->headers + m->headers_size;
	     h += strlen(h) + 1) {
		if (!append(list, n, "Q_H_%s", h))
			return (false);
		shell_name(list[*n - 1]);
	}
	return (true);
}

/* Ours, without what is of another message, and room for more. *n: how many. */
static char **
inherit(size_t room, size_t *n)
{
	char **list;

	for (*n = 0; environ[*n] != NULL;)
		(*n)++;
	if ((list = calloc(*n + room + 1, sizeof(*list))) == NULL)
		return (NULL);
	*n = 0;
	for (char **e = environ; *e != NULL; e++) {
		if (is_ours(*e))
			continue;
		if ((list[(*n)++] = strdup(*e)) == NULL) {
			jobenv_free(list);
			return (NULL);
		}
	}
	return (list);
}

char **
jobenv_environment(const char *queue, const struct q_msg *m)
{
	char receipt[Q_MAX_RECEIPT], **list;
	size_t n, room = 4;

	for (size_t i = 0; i < m->headers_size; i++)
		room += m->headers[i] == '\0';
	if ((list = inherit(room, &n)) == NULL)
		return (NULL);
	q_receipt_format(&m->receipt, receipt);
	if (append(list, &n, "Q_QUEUE=%s", queue) &&
	    append(list, &n, "Q_ID=%" PRIu64, m->id) &&
	    append(list, &n, "Q_RECEIPT=%s", receipt) &&
	    append(list, &n, "Q_ATTEMPT=%" PRIu32, m->delivery) &&
	    append_headers(list, &n, m))
		return (list);
	jobenv_free(list);
	return (NULL);
}

/* "Q_IDS=1 2 3", to be freed. */
static char *
ids(const struct item *items, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return (NULL);
	(void)fputs("Q_IDS=", f);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(f, "%s%" PRIu64, i > 0 ? " " : "", items[i].msg->id);
	if (fclose(f) == 0)
		return (text);
	free(text);
	return (NULL);
}

char **
jobenv_of_batch(const char *queue, const struct item *items, size_t count)
{
	size_t n;
	char **list = inherit(3, &n);

	if (list == NULL)
		return (NULL);
	if (append(list, &n, "Q_QUEUE=%s", queue) &&
	    append(list, &n, "Q_COUNT=%zu", count) &&
	    (list[n] = ids(items, count)) != NULL)
		return (list);
	jobenv_free(list);
	return (NULL);
}
