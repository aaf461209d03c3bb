/* SPDX-License-Identifier: ISC */
/* Messages in, commands, and what has become of them. */
#include <stdio.h>

#include "body.h"
#include "diag.h"
#include "queue.h"
#include "stop.h"

#include "work.h"

#define HAND_STEP (Q_SECOND / 4) /* tries to hand over to a queue that is full */

void
work_worse(struct worker *w, int status)
{
	if (status == DIAG_COMMAND && w->status != 0)
		return;
	w->status = status;
}

static void
finish(
    struct worker *w, const struct item *item, const struct verdict *v, struct job *job)
{
	bool output = job != NULL && job->output != -1 && v->verb == Q_ACK;

	ended_add(w->handover.q != NULL && output ? &w->done : &w->ended, item, v, job);
	w->tell_at = work_sooner(w->tell_at, w->now + ahead_step(&w->ahead));
	if (v->failed)
		work_worse(w, v->unable ? DIAG_FAILED : DIAG_COMMAND);
	if (v->unable || (v->failed && w->plan->stop_on_failure))
		w->closed = true;
}

/* What was not begun goes back to where it was. */
static void
give_back(struct worker *w)
{
	struct verdict v = { 0 };
	struct item item;

	while (ahead_get(&w->ahead, &item, 1, w->now) > 0) {
		v.verb = item.msg->ahead ? Q_RETURN : Q_RELEASE;
		w->taken -= item.msg->ahead;
		finish(w, &item, &v, NULL);
		w->tell_at = w->now;
	}
}

static void
refuse(struct worker *w, const struct item *item, int rc, const char *why)
{
	struct verdict v = { .failed = true };

	v.verb = rc == JOB_UNABLE ? Q_RELEASE : Q_KILL;
	v.unable = rc == JOB_UNABLE;
	v.unfit = rc != JOB_UNABLE;
	(void)snprintf(v.reason, sizeof(v.reason), "%s", why);
	finish(w, item, &v, NULL);
	if (rc == JOB_DAMAGED)
		work_worse(w, DIAG_CORRUPT);
}

/* The messages of one command, without those that cannot be lines. */
static void
fill(struct worker *w, struct job *j)
{
	size_t most = w->plan->job.batch > 0 ? w->plan->job.batch : 1;
	size_t n = ahead_get(&w->ahead, j->items, most, w->now);
	const char *why = NULL;

	j->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (w->plan->job.batch > 0)
			why = body_no_line(j->items[i].msg);
		if (why == NULL)
			j->items[j->count++] = j->items[i];
		else
			refuse(w, &j->items[i], JOB_UNFIT, why);
	}
}

void
work_start(struct worker *w)
{
	const char *why = NULL;
	struct job *j;
	int rc;

	while (w->ahead.count > 0 && !w->closed && (j = crew_place(&w->crew)) != NULL) {
		fill(w, j);
		if (j->count == 0)
			continue;
		rc = job_start(j, &w->plan->job, w->q, w->now, &why);
		if (rc == 0)
			crew_add(&w->crew, j);
		else
			for (size_t i = 0; i < j->count; i++)
				refuse(w, &j->items[i], rc, why);
		if (rc == 0 && j->ahead)
			w->tell_at =
			    work_sooner(w->tell_at, w->now + ahead_step(&w->ahead));
	}
	if (w->now >= ahead_until(&w->ahead)) {
		ahead_doubt(&w->ahead);
		give_back(w);
	}
	if (w->closed)
		give_back(w);
}

void
work_reap(struct worker *w)
{
	struct job *j;

	while ((j = crew_ended(&w->crew, w->now)) != NULL) {
		q_time limit = j->timed_out ? w->plan->job.timeout : 0;
		struct verdict all = verdict_of(j->status, &w->plan->dead, limit), v;

		if (j->told && all.verb != Q_ACK) /* we ended it: that is no attempt */
			all = (struct verdict){ .verb = Q_RELEASE };
		for (size_t i = 0; i < j->count; i++) {
			const struct item *item = &j->items[i];

			v = item->said == -1 ? all
			                     : verdict_said(item->said, &w->plan->dead);
			finish(w, item, &v, j);
		}
		work_hand_over(w);
		ahead_learn_command(&w->ahead, w->now - j->started);
		w->look_at = 0;
	}
}

/* Whether the next stage may have room in time: for ever, unless we are to end. */
static bool
worth_waiting(struct worker *w)
{
	if (stop_count() == 1 && w->hand_until == 0)
		w->hand_until = w->now + w->plan->job.kill_after;
	return (stop_count() == 0 || (stop_count() == 1 && w->now < w->hand_until));
}

/* It was not handed over. */
static struct verdict
undone(struct worker *w, int rc)
{
	/* Done in vain: it is done again when there is a next stage. */
	struct verdict v = { .verb = Q_RELEASE };

	if (rc != Q_ETOOBIG) {
		work_worse(w, queue_fail(w->handover.name, rc));
		w->closed = true;
		return (v);
	}
	/* Nor would a next stage at another time have taken this. */
	v.verb = Q_FAIL;
	v.failed = true;
	(void)snprintf(v.reason, sizeof(v.reason), "printed too much: %s", q_errmsg());
	work_worse(w, DIAG_COMMAND);
	if (w->plan->stop_on_failure)
		w->closed = true;
	return (v);
}

void
work_hand_over(struct worker *w)
{
	const struct q_msg *m;
	struct verdict v;
	int rc, fd;

	while (w->done.count > 0 && w->now >= w->hand_at) {
		fd = ended_output(&w->done, 0, &m);
		rc = handover_push(&w->handover, m, fd);
		if (q_temporary(rc) && !q_is_dead(w->handover.q) && worth_waiting(w)) {
			if (w->hand_at == 0)
				diag_warn(w->handover.name, "%s; waiting", q_errmsg());
			w->hand_at = w->now + HAND_STEP;
			return;
		}
		w->hand_at = 0;
		if (rc != 0)
			v = undone(w, rc);
		ended_move(&w->done, &w->ended, rc == 0 ? NULL : &v);
		w->tell_at = work_sooner(w->tell_at, w->now + ahead_step(&w->ahead));
	}
}
