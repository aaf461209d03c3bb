/* SPDX-License-Identifier: ISC */
/* Waiting until a condition is met, or a message has ended. */
#include <string.h>
#include <time.h>

#include "call.h"
#include "diag.h"
#include "now.h"
#include "parse.h"
#include "queue.h"
#include "stop.h"
#include "text.h"

#include "until.h"

/* Between looks at a queue that changes all the time. */
#define LOOK_STEP (20 * Q_SECOND / 1000)

const char *
until_parse(const char *text, struct until *u)
{
	size_t done = strlen("done");
	struct until got = { .text = text };
	const char *why;

	if (strncmp(text, "done", done) == 0 && text[done] == ' ') {
		text += done;
		text += strspn(text, " ");
		why = parse_count(text, 1, UINT64_MAX, &got.id);
	} else {
		why = cond_parse(text, &got.cond);
	}
	if (why == NULL)
		*u = got;
	return (why);
}

static int
out_of_time(const char *name, const char *what, q_time timeout)
{
	char limit[TEXT_DURATION];

	if (stop_signal() != 0)
		stop_exit();
	diag_note(name, "%s: not in %s", what, text_duration(limit, timeout));
	return (DIAG_NO);
}

static void
pause_for(q_time left)
{
	struct timespec ts = { .tv_sec = (time_t)(left / Q_SECOND),
		.tv_nsec = (long)(left % Q_SECOND) };

	if (left > 0)
		(void)nanosleep(&ts, NULL);
}

/* What is committed while we pause is seen by the look that follows. */
static int
wait_numbers(struct q *q, const char *name, const struct until *u, q_time timeout)
{
	q_time begun = now_monotonic(), looked;
	struct q_stat st;
	int rc;

	for (;;) {
		looked = now_monotonic();
		if ((rc = q_stat(q, &st)) != 0)
			return (queue_fail(name, rc));
		if (cond_met(&u->cond, &st, now_wall()))
			return (DIAG_DONE);
		if (stop_signal() != 0 ||
		    (timeout != Q_FOREVER && now_monotonic() - begun >= timeout))
			return (out_of_time(name, u->text, timeout));
		q_wait_change(q, timeout != Q_FOREVER ? begun + timeout : Q_FOREVER);
		pause_for(LOOK_STEP - (now_monotonic() - looked));
	}
}

/* Whether events tell of a message's end, in *end. */
static void
listen(struct q_events *events, uint64_t id, enum q_event_kind *end)
{
	struct q_event e;

	while (events != NULL && q_events_next(events, &e) == 0)
		if (e.id == id &&
		    (e.kind == Q_EVENT_ACKNOWLEDGED || e.kind == Q_EVENT_EXPIRED ||
			e.kind == Q_EVENT_PURGED))
			*end = e.kind;
}

/*
 * The end of a message: its result, or Q_ENOENT and what was seen of it, 0 if nothing.
 * Most queues keep no result of what is done, so who waits watches the events, too.
 */
static int
await(struct q *q, uint64_t id, q_time timeout, struct q_result **r,
    enum q_event_kind *seen)
{
	q_time until = timeout != Q_FOREVER ? now_monotonic() + timeout : Q_FOREVER;
	struct q_events *events = NULL;
	int rc;

	*seen = 0;
	(void)q_events_open(q, &events);
	while ((rc = q_result_get(q, id, 0, r)) == Q_EMPTY && stop_signal() == 0 &&
	       now_monotonic() < until) {
		listen(events, id, seen);
		q_wait_change(q, until);
	}
	if (rc == Q_ENOENT)
		listen(events, id, seen);
	q_events_close(events);
	return (rc);
}

/* The exit status for a message of which there is no result. */
static int
no_result(const char *name, uint64_t id, int rc, enum q_event_kind seen, q_time timeout)
{
	char what[32];

	(void)snprintf(what, sizeof(what), "%llu", (unsigned long long)id);
	if (rc == Q_EMPTY)
		return (out_of_time(name, what, timeout));
	if (rc == Q_ENOENT && seen == Q_EVENT_ACKNOWLEDGED)
		return (DIAG_DONE);
	diag_error(name, "%s: %s", what,
	    rc != Q_ENOENT ? q_errmsg()
	    : seen != 0    ? q_event_name(seen)
			   : "ended or never was, and no result is kept");
	return (diag_status(rc));
}

/* Done is not dead: that it may be redriven is no reason to wait for ever. */
static int
wait_done(struct q *q, const char *name, const struct until *u, q_time timeout)
{
	enum q_event_kind seen;
	struct q_result *r;
	int rc = await(q, u->id, timeout, &r, &seen), status = DIAG_DONE;

	if (rc != 0)
		return (no_result(name, u->id, rc, seen, timeout));
	if (r->state == Q_DEAD) {
		diag_error(name, "%llu: dead: %s; see 'qstat %s %llu'",
		    (unsigned long long)u->id,
		    *r->reason != '\0' ? r->reason : q_how_name(r->how), name,
		    (unsigned long long)u->id);
		status = DIAG_NO;
	}
	q_result_free(r);
	return (status);
}

int
until_wait(struct q *q, const char *name, const struct until *u, q_time timeout)
{
	return (u->id != 0 ? wait_done(q, name, u, timeout)
			   : wait_numbers(q, name, u, timeout));
}

int
until_ended(struct q *q, const char *name, uint64_t id, q_time timeout)
{
	enum q_event_kind seen;
	struct q_result *r;
	int rc = await(q, id, timeout, &r, &seen), status;

	if (rc != 0) {
		status = no_result(name, id, rc, seen, timeout);
		if (status == DIAG_DONE)
			diag_note(name, "%llu: done; its output was not kept",
			    (unsigned long long)id);
		return (status);
	}
	status = call_end(q, name, r);
	q_result_free(r);
	return (status);
}
