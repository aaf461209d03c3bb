/* SPDX-License-Identifier: ISC */
/* What the board of qwatch shows of the queue that is opened: some of its messages. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_guard.h"
#include "now.h"

#include "live_detail.h"

enum { CANDIDATES = 256 }; /* dead or delayed messages that may have failed last */

static const q_time at_least = 5 * Q_SECOND; /* for what changes without a change */

/* ---- a message ---- */

/* What the process runs: its arguments, with blanks between them. */
static void
command_of(pid_t pid, char *buf, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	buf[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, buf, size - 1);
	(void)close(fd); /* it was only read */
	while (n > 0 && buf[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\0')
			buf[i] = ' ';
	buf[n > 0 ? n : 0] = '\0';
}

static void
copy_message(struct live_message *out, const struct q_msg *m)
{
	*out = (struct live_message){ .id = m->id,
		.since = m->state == Q_LEASED ? m->changed : m->pushed,
		.due = m->due,
		.pid = m->pid,
		.ahead = m->ahead,
		.damaged = m->damaged,
		.blob = m->blob };
	if (m->state == Q_LEASED)
		command_of(m->pid, out->command, sizeof(out->command));
	if (m->body == NULL)
		return;
	out->body_size = m->body_size < LIVE_TEXT ? m->body_size : (size_t)LIVE_TEXT;
	memcpy(out->body, m->body, out->body_size);
}

static int
read_oldest(struct q *q, struct live_message *out)
{
	const struct q_msg *oldest;
	struct q_batch *b = NULL;
	int rc = q_peek(q, Q_READY, Q_MAX_PEEK, LIVE_TEXT, &b);

	*out = (struct live_message){ 0 };
	if (rc != 0)
		return (rc == Q_EMPTY ? 0 : rc);
	oldest = q_batch_get(b, 0);
	for (size_t i = 1; i < q_batch_count(b); i++)
		if (q_batch_get(b, i)->pushed < oldest->pushed)
			oldest = q_batch_get(b, i);
	copy_message(out, oldest);
	q_batch_free(b);
	return (0);
}

static int
longest_first(const void *a, const void *b)
{
	const struct live_message *x = a, *y = b;

	return ((x->since > y->since) - (x->since < y->since));
}

static int
read_leased(struct q *q, struct live_detail *d)
{
	struct q_batch *b = NULL;
	int rc = q_peek(q, Q_LEASED, LIVE_ROWS, LIVE_TEXT, &b);

	d->leased_count = 0;
	if (rc != 0)
		return (rc == Q_EMPTY ? 0 : rc);
	for (size_t i = 0; i < q_batch_count(b); i++)
		copy_message(&d->leased[d->leased_count++], q_batch_get(b, i));
	q_batch_free(b);
	qsort(d->leased, d->leased_count, sizeof(d->leased[0]), longest_first);
	return (0);
}

/* ---- failures ---- */

/* A message that may have failed, and when it came into its state. */
struct candidate {
	uint64_t id;
	q_time changed;
};

static int
newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return ((x->changed < y->changed) - (x->changed > y->changed));
}

/* What failed is dead, or waits for its next attempt. */
static int
find_candidates(struct q *q, enum q_state state, struct candidate *out, size_t *n)
{
	struct q_batch *b = NULL;
	int rc = q_peek(q, state, CANDIDATES, 0, &b);

	if (rc != 0)
		return (rc == Q_EMPTY ? 0 : rc);
	for (size_t i = 0; i < q_batch_count(b); i++) {
		const struct q_msg *m = q_batch_get(b, i);

		if (m->delivery > 0)
			out[(*n)++] = (struct candidate){ m->id, m->changed };
	}
	q_batch_free(b);
	return (0);
}

/* The reason, and the last line that the command has written to its stderr. */
static void
say_why(const struct q_failure *f, char *buf, size_t size)
{
	const char *from = f->report.output, *end = from + f->report.output_size, *line;

	while (end > from && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
		end--;
	for (line = end; line > from && line[-1] != '\n';)
		line--;
	snprintf(buf, size, "%s%s%.*s", f->reason, line < end ? ": " : "",
	    (int)(end - line), line);
}

static int
read_failure(struct q *q, uint64_t id, struct live_detail *d)
{
	struct live_failure *out = &d->failure[d->failure_count];
	struct q_batch *b = NULL;
	const struct q_failure *f;
	const struct q_msg *m;
	int rc = q_get(q, id, &b);

	if (rc != 0)
		return (rc == Q_ENOENT || rc == Q_ECORRUPT ? 0 : rc);
	m = q_batch_get(b, 0);
	if (m->failure_count > 0) {
		f = &m->failures[m->failure_count - 1];
		*out = (struct live_failure){ m->id, f->delivery, f->when, m->state,
			m->attempt, m->max_attempts, "" };
		say_why(f, out->reason, sizeof(out->reason));
		d->failure_count++;
	}
	q_batch_free(b);
	return (0);
}

static int
read_failures(struct q *q, struct live_detail *d)
{
	struct candidate list[2 * CANDIDATES];
	size_t n = 0;
	int rc;

	d->failure_count = 0;
	if ((rc = find_candidates(q, Q_DEAD, list, &n)) != 0 ||
	    (rc = find_candidates(q, Q_DELAYED, list, &n)) != 0)
		return (rc);
	qsort(list, n, sizeof(list[0]), newest_first);
	for (size_t i = 0; i < n && i < LIVE_FAILURES && rc == 0; i++)
		rc = read_failure(q, list[i].id, d);
	return (rc);
}

/* ---- all of it ---- */

/* Whether these numbers leave everything that is shown as it was. */
static bool
same(const struct q_stat *a, const struct q_stat *b)
{
#define FIELD(name) \
	{ \
		offsetof(struct q_stat, name), sizeof(a->name) \
	}
	static const struct {
		size_t at, size;
	} fields[] = { FIELD(uuid), FIELD(count), FIELD(pushed), FIELD(done),
		FIELD(delivered), FIELD(failed), FIELD(released), FIELD(lapsed),
		FIELD(died), FIELD(purged), FIELD(expired) };
#undef FIELD

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (memcmp((const char *)a + fields[i].at,
			(const char *)b + fields[i].at, fields[i].size) != 0)
			return (false);
	return (true);
}

struct reading {
	struct q *q;
	struct live_detail *d;
};

static int
read_detail(void *arg)
{
	struct reading *c = arg;
	int rc;

	if ((rc = read_oldest(c->q, &c->d->oldest)) != 0 ||
	    (rc = read_leased(c->q, c->d)) != 0)
		return (rc);
	return (read_failures(c->q, c->d));
}

void
live_detail_read(struct live_queue *q, struct live_detail *d)
{
	struct reading c = { q->q, d };
	q_time now = now_monotonic();

	if (q->health != LIVE_WELL || q->q == NULL ||
	    (d->read != 0 && now - d->read < at_least && same(&d->of, &q->stat)))
		return;
	d->of = q->stat;
	d->read = now;
	/* What is wrong is met by the next round. */
	(void)live_guard(q, read_detail, &c);
}
