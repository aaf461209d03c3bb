/* SPDX-License-Identifier: ISC */
/* qctl create, set, get and ls: queues and their options. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "json.h"
#include "queue.h"
#include "root.h"
#include "value.h"

#include "admin.h"

/* Before anything is opened, so that a mistake changes nothing. */
static void
parse_values(const struct ctl *c, struct value values[Q_OPTIONS])
{
	for (size_t i = 0; i < c->n; i++) {
		const char *why = value_parse(c->rest[i], &values[i]);

		if (why != NULL)
			diag_usage("%s", why);
		for (size_t j = 0; j < i; j++)
			if (values[j].option == values[i].option)
				diag_usage("%s is given twice",
				    q_option_info(values[i].option)->name);
	}
}

static int
set_values(const struct ctl *c, struct q *q, const struct value values[])
{
	int rc;

	for (size_t i = 0; i < c->n; i++)
		if ((rc = q_option_set(q, values[i].option, values[i].value)) != 0)
			return (queue_fail(c->queue, rc));
	return (0);
}

/* Not by queue_open(): that a queue exists is what is wrong here. */
int
ctl_create(const struct ctl *c)
{
	struct q_open open = c->create;
	struct value values[Q_OPTIONS];
	char *path = NULL;
	struct q *q = NULL;
	int rc, status;

	parse_values(c, values);
	if ((rc = q_path(c->queue, &path)) != 0)
		return (queue_fail(c->queue, rc));
	open.flags = Q_CREATE | Q_EXCL | (opt_common.force ? Q_FORCE : 0) |
	             (strchr(c->queue, '/') == NULL ? Q_PARENTS : 0);
	open.lock_wait = opt_common.lock_wait;
	rc = q_open(path, &open, &q);
	free(path);
	if (rc != 0) {
		status = queue_fail(c->queue, rc);
		return (rc == Q_EINVAL ? DIAG_FAILED : status);
	}
	diag_queue(c->queue);
	status = set_values(c, q, values);
	q_close(q);
	return (status);
}

int
ctl_set(const struct ctl *c)
{
	struct value values[Q_OPTIONS];
	struct q *q;
	int status;

	parse_values(c, values);
	q = queue_open(c->queue, NULL);
	status = set_values(c, q, values);
	q_close(q);
	return (status);
}

/* The options asked for, or all; returns how many. */
static size_t
parse_names(const struct ctl *c, struct value values[Q_OPTIONS])
{
	for (size_t i = 0; i < c->n; i++) {
		const char *why = value_option(c->rest[i], &values[i].option);

		if (why != NULL)
			diag_usage("%s", why);
	}
	if (c->n > 0)
		return (c->n);
	for (size_t i = 0; i < Q_OPTIONS; i++)
		values[i].option = (enum q_option)i;
	return (Q_OPTIONS);
}

static void
print_values(const struct value values[], size_t n)
{
	char text[VALUE_TEXT];

	for (size_t i = 0; i < n; i++)
		printf("%s %s\n", q_option_info(values[i].option)->name,
		    value_format(text, &values[i]));
}

static json_t *
json_of(const struct q_option_info *info, uint64_t value)
{
	switch (info->kind) {
	case Q_DURATION:
		return (json_real((double)value / (double)Q_SECOND));
	case Q_CHOICE:
		return (json_string(info->choices[value]));
	default:
		return (json_integer((json_int_t)value));
	}
}

/* Names as in other JSON of ours, numbers as there: bytes, and seconds. */
static void
print_json(const char *queue, const struct value values[], size_t n)
{
	json_t *object = json_object();

	json_set(object, "queue", json_text(queue));
	for (size_t i = 0; i < n; i++) {
		const struct q_option_info *info = q_option_info(values[i].option);
		char name[64], *dash;

		snprintf(name, sizeof(name), "%s", info->name);
		while ((dash = strchr(name, '-')) != NULL)
			*dash = '_';
		json_set(object, name, json_of(info, values[i].value));
	}
	json_line(object, stdout);
}

int
ctl_get(const struct ctl *c)
{
	static const struct q_open args = { .flags = Q_RDONLY };
	struct value values[Q_OPTIONS];
	size_t n = parse_names(c, values);
	struct q *q = queue_open(c->queue, &args);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = q_option_get(q, values[i].option, &values[i].value);
	q_close(q);
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	if (ctl_has(c, CTL_JSON))
		print_json(c->queue, values, n);
	else
		print_values(values, n);
	return (0);
}

int
ctl_ls(const struct ctl *c)
{
	int status = 0;
	size_t n;
	char **names = root_names(&n, &status);

	(void)c;
	for (char **name = names; name != NULL && *name != NULL; name++)
		printf("%s\n", *name);
	root_free(names);
	return (status);
}
