/* SPDX-License-Identifier: ISC */
/* Printing what happens to queues, as it happens. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diag.h"
#include "event_line.h"
#include "now.h"
#include "queue.h"
#include "stop.h"
#include "watched.h"

#include "events.h"

/* Between looks at several queues: one cannot sleep on more than one of them. The more
 * there are, the more a look costs. */
#define LOOK_STEP (50 * Q_SECOND / 1000)
#define LOOK_MOST (Q_SECOND / 2)
enum { LOOK_MANY = 100 };

enum { AT_ONCE = 256 }; /* events of one queue before the next has its turn */

/* A queue that is watched. */
struct source {
	const char *name;
	struct q *q; /* NULL: there is none */
	struct q_events *events;
	bool closed; /* a new one, that cannot be watched: that was said */
};

struct printer {
	const struct events *how;
	struct source *sources;
	size_t n;
	struct watched_root root;
	uint64_t printed, damaged;
	q_time until; /* monotonic */
};

static void
close_source(struct source *s)
{
	q_events_close(s->events);
	q_close(s->q);
	s->events = NULL;
	s->q = NULL;
}

static int
begin_source(const struct printer *p, struct source *s)
{
	int status, rc;

	rc = p->how->since < 0 ? q_events_open(s->q, &s->events)
	                       : q_events_since(s->q, p->how->since, &s->events);
	if (rc == 0)
		return (0);
	status = queue_fail(s->name, rc);
	close_source(s);
	return (status);
}

static void
say(const struct printer *p, const char *name, const char *what, uint64_t n)
{
	if (p->how->json)
		event_json_note(name, what, n, stdout);
}

/* It may come back; who watches it wants to know that, too. */
static void
lose(const struct printer *p, struct source *s)
{
	q_events_close(s->events);
	watched_lost(s->name, s->q);
	s->events = NULL;
	s->q = NULL;
	say(p, s->name, "removed", 0);
}

static int
look_again(const struct printer *p, struct source *s)
{
	int status;

	if ((s->q = watched_again(s->name, &status)) == NULL ||
	    (status = begin_source(p, s)) != 0)
		return (status);
	say(p, s->name, "created", 0);
	return (0);
}

static bool
is_over(const struct printer *p)
{
	return ((p->how->count != 0 && p->printed >= p->how->count) ||
		ferror(stdout) != 0 || stop_signal() != 0);
}

/* What cannot be read keeps nobody from the rest; the exit status tells of it. */
static void
skip_damaged(struct printer *p, const struct source *s)
{
	if (p->damaged++ == 0)
		diag_error(s->name,
		    "a row of the log is damaged, and left out; run "
		    "'qctl check %s'",
		    s->name);
	say(p, s->name, "damaged", 0);
}

static void
print_one(struct printer *p, const struct source *s, const struct q_event *e)
{
	if (e->missed == UINT64_MAX)
		diag_warn(s->name, "events are missed, nobody knows how many");
	else if (e->missed > 0)
		diag_warn(s->name, "%llu event%s missed", (unsigned long long)e->missed,
		    e->missed == 1 ? " is" : "s are");
	if (e->missed > 0)
		say(p, s->name, "missed", e->missed);
	(p->how->json ? event_json : event_line)(s->name, e, stdout);
	p->printed++;
}

/* What has happened to one queue; *any: there may be more. */
static int
print_new(struct printer *p, struct source *s, bool *any)
{
	struct q_event e;
	int rc = 0;

	if (s->closed)
		return (0);
	if (s->q == NULL)
		return (look_again(p, s));
	for (int i = 0; i < AT_ONCE && rc == 0 && !is_over(p); i++) {
		if ((rc = q_events_next(s->events, &e)) != 0)
			break;
		if (e.damaged)
			skip_damaged(p, s);
		else
			print_one(p, s, &e);
	}
	*any |= rc == 0;
	if (rc == 0 || rc == Q_EMPTY)
		return (0);
	if (rc != Q_ENOQUEUE)
		return (queue_fail(s->name, rc));
	lose(p, s);
	return (0);
}

/* ---- which there are ---- */

static struct source *
add_source(struct printer *p, const char *name)
{
	struct source *s;

	p->sources = reallocarray(p->sources, p->n + 1, sizeof(*p->sources));
	if (p->sources == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	s = &p->sources[p->n++];
	*s = (struct source){ .name = name };
	return (s);
}

/* It ends nothing if it cannot be watched. */
static void
add_new(void *arg, const char *name)
{
	struct printer *p = arg;
	struct source *s = add_source(p, name);
	int status;

	s->q = watched_open(s->name, &status);
	s->closed = s->q == NULL || begin_source(p, s) != 0;
	if (s->closed)
		return;
	diag_warn(s->name, "is new");
	say(p, s->name, "created", 0);
}

/* ---- the loop ---- */

/* The reason is known here, and lost where the stream is closed. */
static int
flush(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return (0);
	if (errno != EPIPE && !diag_reader_gone())
		diag_error(
		    "stdout", "%s", errno != 0 ? strerror(errno) : "write failed");
	return (-1);
}

static void
rest(const struct printer *p)
{
	q_time until = p->until, left = until - now_monotonic();
	q_time step = LOOK_STEP * (q_time)(1 + p->n / LOOK_MANY);
	struct timespec ts = { 0 };

	if (p->root.used && p->root.next < until)
		until = p->root.next;

	if (step > LOOK_MOST)
		step = LOOK_MOST;
	if (left > step)
		left = step;
	if (p->n == 1 && p->sources[0].q != NULL) {
		q_wait_change(p->sources[0].q, until);
	} else if (left > 0) {
		ts.tv_nsec = (long)left;
		(void)nanosleep(&ts, NULL);
	}
}

static int
watch(struct printer *p)
{
	int status = 0;

	while (status == 0 && !is_over(p)) {
		bool any = false;

		for (size_t i = 0; i < p->n && status == 0; i++)
			status = print_new(p, &p->sources[i], &any);
		if (status == 0 && !p->how->once)
			watched_more(&p->root, add_new, p);
		if (any)
			continue;
		if (flush() != 0)
			return (DIAG_FAILED);
		if (status != 0)
			return (status);
		if (p->how->once || now_monotonic() >= p->until)
			return (p->how->count != 0 ? DIAG_NO : DIAG_DONE);
		/* Nobody reads: that is no reason to wait for the next event. */
		if (is_over(p) || diag_reader_gone())
			break;
		rest(p);
	}
	return (status);
}

int
events_print(const struct events *how)
{
	struct printer p = { .how = how, .root.used = how->all };
	int status = 0;

	p.until = now_after(how->timeout);
	watched_many(true);
	for (size_t i = 0; i < how->n && status == 0; i++) {
		struct source *s = add_source(&p, watched_know(&p.root, how->names[i]));

		s->q = watched_open(s->name, &status);
		if (status == 0)
			status = begin_source(&p, s);
	}
	if (status == 0)
		status = watch(&p);
	for (size_t i = 0; i < p.n; i++)
		close_source(&p.sources[i]);
	free(p.sources);
	watched_forget(&p.root);
	if (p.damaged > 1)
		diag_error(NULL, "%llu rows of logs are damaged",
		    (unsigned long long)p.damaged);
	if (p.damaged > 0 && status <= DIAG_NO)
		status = DIAG_CORRUPT;
	if (status != DIAG_FAILED && flush() != 0)
		status = DIAG_FAILED;
	if (stop_signal() != 0)
		stop_exit();
	return (status);
}
