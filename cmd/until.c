/* SPDX-License-Identifier: ISC */
/* Waiting until a condition is met, or a message has ended. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "diag.h"
#include "json_result.h"
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
	q_time until = now_after(timeout), looked;
	struct q_stat st;
	int rc;

	for (;;) {
		looked = now_monotonic();
		if ((rc = q_stat(q, &st)) != 0)
			return (queue_fail(name, rc));
		if (cond_met(&u->cond, &st, now_wall()))
			return (DIAG_DONE);
		if (stop_signal() != 0 || now_monotonic() >= until)
			return (out_of_time(name, u->text, timeout));
		q_wait_change(q, until);
		pause_for(LOOK_STEP - (now_monotonic() - looked));
	}
}

/* The wait for the end of a message. */
struct end {
	struct q *q;
	const char *name;
	uint64_t id;
	q_time timeout;
	struct q_events *events; /* NULL: they cannot be seen */
	struct q_event event;    /* how it ended, if one told; else its kind is 0 */
	struct q_result *result; /* if one is kept */
	char why[256];           /* there is none */
};

/* With which a message is no longer in its queue. */
static const bool ends[Q_EVENTS] = {
	[Q_EVENT_ACKNOWLEDGED] = true,
	[Q_EVENT_EXPIRED] = true,
	[Q_EVENT_PURGED] = true,
	[Q_EVENT_MOVED] = true,
};

/* Of most messages no result is kept; but who watches sees them end. */
static void
read_events(struct end *e)
{
	struct q_event event;

	while (e->events != NULL && q_events_next(e->events, &event) == 0)
		if (event.id == e->id && ends[event.kind])
			e->event = event;
}

/* What no event is left of: it may have been acknowledged before anybody watched. */
static int
look_back(struct end *e)
{
	q_time when;
	int rc = q_result_done(e->q, e->id, &when);

	if (rc == 0)
		e->event = (struct q_event){
			.kind = Q_EVENT_ACKNOWLEDGED, .id = e->id, .when = when
		};
	else if (rc != Q_ENOENT)
		(void)snprintf(e->why, sizeof(e->why), "%s", q_errmsg());
	return (rc == 0 ? Q_ENOENT : rc);
}

/* As q_result_get(), with events read before others take their places. */
static int
await(struct end *e)
{
	q_time until = now_after(e->timeout), looked;
	int rc;

	if (q_events_open(e->q, &e->events) != 0)
		e->events = NULL;
	for (;;) {
		looked = now_monotonic();
		if ((rc = q_result_get(e->q, e->id, 0, &e->result)) != Q_EMPTY)
			break;
		read_events(e);
		if (stop_signal() != 0 || now_monotonic() >= until)
			break;
		q_wait_change(e->q, until);
		pause_for(LOOK_STEP - (now_monotonic() - looked));
	}
	(void)snprintf(e->why, sizeof(e->why), "%s", q_errmsg());
	if (rc == Q_ENOENT)
		read_events(e);
	if (rc == Q_ENOENT && e->event.kind == 0)
		rc = look_back(e);
	q_events_close(e->events);
	return (rc);
}

/* The exit status where there is no result. */
static int
without_result(const struct end *e, int rc)
{
	unsigned long long id = (unsigned long long)e->id;
	char what[32];

	(void)snprintf(what, sizeof(what), "%llu", id);
	if (rc == Q_EMPTY)
		return (out_of_time(e->name, what, e->timeout));
	if (rc != Q_ENOENT || e->event.kind == 0) {
		diag_error(e->name, "%llu: %s", id, e->why);
		return (diag_status(rc));
	}
	if (e->event.kind == Q_EVENT_ACKNOWLEDGED)
		return (DIAG_DONE);
	diag_error(e->name, "%llu: %s%s%s", id, q_event_name(e->event.kind),
	    e->event.kind == Q_EVENT_MOVED ? " to " : "", e->event.detail);
	return (DIAG_NO);
}

/* Done is not dead: that it may be redriven is no reason to wait for ever. */
static int
refuse_dead(const struct end *e)
{
	const struct q_result *r = e->result;
	unsigned long long id = (unsigned long long)e->id;

	if (r->state != Q_DEAD)
		return (DIAG_DONE);
	diag_error(e->name, "%llu: dead: %s; see 'qstat %s %llu'", id,
	    *r->reason != '\0' ? r->reason : q_how_name(r->how), e->name, id);
	return (DIAG_NO);
}

int
until_wait(struct q *q, const char *name, const struct until *u, q_time timeout)
{
	struct end e = { .q = q, .name = name, .id = u->id, .timeout = timeout };
	int rc, status;

	if (u->id == 0)
		return (wait_numbers(q, name, u, timeout));
	rc = await(&e);
	status = rc == 0 ? refuse_dead(&e) : without_result(&e, rc);
	q_result_free(e.result);
	return (status);
}

int
until_ended(struct q *q, const char *name, uint64_t id, q_time timeout, bool json)
{
	struct end e = { .q = q, .name = name, .id = id, .timeout = timeout };
	int rc = await(&e), status;

	if (rc == Q_ENOENT && json && e.event.kind != 0)
		json_result_event(name, &e.event, stdout);
	status = rc == 0 ? call_end(q, name, e.result, json) : without_result(&e, rc);
	if (rc != 0 && status == DIAG_DONE && !json)
		diag_note(name, "%llu: done; its output was not kept",
		    (unsigned long long)id);
	q_result_free(e.result);
	return (status);
}
