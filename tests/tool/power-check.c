/* SPDX-License-Identifier: ISC */
/*
 * What is in a queue, and does it work: for tests/crash/power.py. A request a line on
 * stdin, each answered by a child that may die of what it reads:
 *
 *   PATH LOG NAME [RECEIPT...]
 *
 * The queue is looked at, then used up to the last message, with pushes of NAME1 and
 * NAME2; it is made if there is none. With a LOG other than "-" shim-record, preloaded,
 * writes it. The receipts are of leases that are lost: none may settle what is leased
 * anew. The answer ends with "end STATUS":
 *
 *   stat READY DELAYED LEASED DEAD PUSHED ENDED    as a look finds it
 *   opt NUMBER VALUE
 *   m ID STATE DELIVERY FAILURES NAME              "?" for NAME: not a body of ours
 *   t ID DELIVERY NAME                             taken, and acknowledged
 *   f RECEIPT CODE                                 an old receipt's answer
 *   e WHAT CODE TEXT                               a call that failed
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "q.h"

enum { LINE = 1 << 16, SECONDS = 20, WORDS = 512, MOST = 1000 };

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	printf("e %s %d %s\n", what, rc, q_errmsg());
	fflush(stdout);
	_exit(1);
}

static void
mark(const char *format, ...)
{
	static void (*record)(const char *);
	char text[128];
	va_list ap;

	if (record == NULL)
		*(void **)&record = dlsym(RTLD_DEFAULT, "record_mark");
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (record != NULL)
		record(text);
}

/* NAME:SIZE: and SIZE bytes that follow from both. Sets name, "?" if it is not so. */
static void
name_of(const char *body, size_t size, char name[32])
{
	unsigned long number, fill;
	int head = 0;

	strcpy(name, "?");
	if (size == 0 ||
	    sscanf(body, "%*[a-z]%lu:%lu:%n", &number, &fill, &head) != 2 ||
	    head == 0 || size != (size_t)head + fill)
		return;
	for (size_t i = 0; i < fill; i++)
		if (body[(size_t)head + i] != (char)('A' + (i * 7 + number) % 26))
			return;
	(void)snprintf(name, 32, "%.*s", (int)strcspn(body, ":"), body);
}

static void
name_message(struct q *q, const struct q_msg *m, char name[32])
{
	char *body = NULL;
	int fd;

	strcpy(name, "?");
	if (m->damaged)
		return;
	if (!m->blob) {
		name_of(m->body, m->body_size, name);
		return;
	}
	check(q_msg_open(q, m, &fd), "blob");
	if ((body = calloc(1, m->size + 1)) != NULL &&
	    read(fd, body, m->size + 1) == (ssize_t)m->size)
		name_of(body, m->size, name);
	free(body);
	(void)close(fd);
}

static void
print_stat(struct q *q, const char *word)
{
	struct q_stat s;

	check(q_stat(q, &s), "stat");
	printf("%s %lu %lu %lu %lu %lu %lu\n", word, (unsigned long)s.count[Q_READY],
	    (unsigned long)s.count[Q_DELAYED], (unsigned long)s.count[Q_LEASED],
	    (unsigned long)s.count[Q_DEAD], (unsigned long)s.pushed,
	    (unsigned long)(s.done + s.expired + s.purged));
}

static void
look(struct q *q)
{
	struct q_list list = { .n = 1000 };
	struct q_batch *page, *one;
	char name[32];
	uint64_t value;
	int rc;

	print_stat(q, "stat");
	for (int i = 0; i < Q_OPTIONS; i++) {
		check(q_option_get(q, (enum q_option)i, &value), "option");
		printf("opt %d %lu\n", i, (unsigned long)value);
	}
	while ((rc = q_list(q, &list, &page)) == 0) {
		for (size_t i = 0; i < q_batch_count(page); i++) {
			const struct q_msg *m;

			check(q_get(q, q_batch_get(page, i)->id, &one), "get");
			m = q_batch_get(one, 0);
			name_message(q, m, name);
			printf("m %lu %s %u %zu %s\n", (unsigned long)m->id,
			    q_state_name(m->state), m->delivery, m->failure_count,
			    name);
			q_batch_free(one);
		}
		q_batch_free(page);
	}
	check(rc == Q_EMPTY ? 0 : rc, "list");
}

static void
push(struct q *q, const char *prefix, int number)
{
	char body[64];
	struct q_push p = { .body = body };
	size_t stored;

	p.size = (size_t)snprintf(body, sizeof(body), "%s%d:0:", prefix, number);
	mark("+%s%d", prefix, number);
	check(q_push(q, &p, 1, 0, &stored, NULL), "push");
	mark("!%s%d", prefix, number);
}

static void
try_receipts(struct q *q, char **receipts)
{
	static const struct q_settle how[] = { { .verb = Q_ACK },
		{ .verb = Q_RELEASE } };
	struct q_receipt r;
	struct q_settled result;

	for (; *receipts != NULL; receipts++) {
		check(q_receipt_parse(*receipts, &r), "receipt");
		for (int i = 0; i < 2; i++) {
			check(q_settle(q, &how[i], &r, 1, &result), "settle");
			printf("f %s %d\n", *receipts, result.again ? 1 : result.code);
		}
	}
}

/* One batch: what was taken, by name, is acknowledged. */
static void
finish(struct q *q, struct q_batch *b, char **receipts)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	static char name[MOST][32];
	size_t n = q_batch_count(b);

	for (size_t i = 0; i < n; i++) {
		const struct q_msg *m = q_batch_get(b, i);

		name_message(q, m, name[i]);
		printf("t %lu %u %s\n", (unsigned long)m->id, m->delivery, name[i]);
	}
	try_receipts(q, receipts);
	for (size_t i = 0; i < n; i++)
		mark("-%s", name[i]);
	check(q_batch_settle(q, &ack, b, 0, n), "ack");
	for (size_t i = 0; i < n; i++)
		mark("~%s", name[i]);
}

/* Take everything there is, under lease or held. */
static void
drain(struct q *q, q_time lease, char **receipts)
{
	const struct q_take take = { .n = MOST, .lease = lease };
	struct q_batch *b;
	int rc;

	while ((rc = q_take(q, &take, &b)) == 0) {
		finish(q, b, receipts);
		q_batch_free(b);
	}
	check(rc == Q_EMPTY ? 0 : rc, "take");
}

static int
serve(char **word, size_t words)
{
	const struct q_open args = { .lock_wait = Q_SECOND };
	const struct q_open make = { .flags = Q_CREATE | Q_PARENTS };
	struct q *q;
	int rc;

	(void)alarm(SECONDS);
	if (words < 3)
		return (2);
	if (strcmp(word[1], "-") != 0)
		(void)setenv("RECORD", word[1], 1);
	if ((rc = q_open(word[0], &args, &q)) == Q_ENOQUEUE) {
		printf("e open %d %s\n", rc, q_errmsg());
		check(q_open(word[0], &make, &q), "create");
		mark("Q");
	} else {
		check(rc, "open");
		look(q);
	}
	push(q, word[2], 1);
	drain(q, 0, word + 3);
	push(q, word[2], 2);
	drain(q, Q_SECOND * 3600, word + words);
	print_stat(q, "left");
	q_close(q);
	return (fflush(stdout) == 0 ? 0 : 1);
}

int
main(void)
{
	static char line[LINE], *word[WORDS + 1];
	int status;
	pid_t pid;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t n = 0;

		for (char *p = strtok(line, " \n"); p != NULL && n < WORDS;
		     p = strtok(NULL, " \n"))
			word[n++] = p;
		word[n] = NULL;
		if ((pid = fork()) == 0)
			_exit(serve(word, n));
		if (pid == -1 || waitpid(pid, &status, 0) != pid)
			return (1);
		printf("\nend %d\n", status);
		if (fflush(stdout) != 0)
			return (1);
	}
	return (0);
}
