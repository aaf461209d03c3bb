/* SPDX-License-Identifier: ISC */
/*
 * When a worker commits, and what. A place that is free is not kept waiting; otherwise
 * what has ended waits a little for more, as long as there are messages in stock.
 */
#include <stdlib.h>

#include "diag.h"
#include "now.h"
#include "queue.h"

#include "turn.h"

#define LOOK_STEP  (20 * Q_SECOND / 1000) /* looks for a message while none is there */
#define LOCK_STEP  Q_SECOND               /* nothing else is done for so long */
#define LOCK_LEAST (Q_SECOND / 1000)
#define RETRY_STEP Q_SECOND
#define RETRY_MOST (1800 * Q_SECOND)

static void
put_all(struct worker *w, struct q_batch *b)
{
	struct share *s = share_new(b);
	size_t n = q_batch_count(b);

	w->any = true;
	w->taken += n;
	w->idle_since = w->now = now_monotonic();
	for (size_t i = 0; i < n; i++)
		ahead_put(&w->ahead, q_batch_get(b, i), s, w->now);
}

/* Whether a try that failed is worth another; then, when. */
static bool
retry(struct worker *w, int rc, q_time most)
{
	if (w->failing_since == 0)
		w->failing_since = w->now; /* of before the try */
	w->now = now_monotonic();
	if (!q_temporary(rc) || q_is_dead(w->q) || w->now - w->failing_since >= most)
		return (false);
	/* The wait for the lock was one already. */
	w->again_at = w->now + (rc == Q_EBUSY ? 0 : RETRY_STEP);
	return (true);
}

/* Nothing was taken. */
static void
none_taken(struct worker *w, int rc, uint64_t damaged, q_time later)
{
	if (rc == Q_EMPTY && later > 0) { /* there may be some; it is not their time */
		w->now = now_monotonic();
		w->failing_since = 0;
		w->look_at = w->now + later;
		return;
	}
	/* A pause is waited out like an empty queue, but is not taken for one. */
	if (rc == Q_EMPTY ||
	    (rc == Q_EPAUSED && now_monotonic() - w->idle_since < w->plan->wait)) {
		w->now = now_monotonic();
		w->failing_since = 0;
		w->empty = w->plan->wait > 0;
		/* Without --wait, the end of a command is the time to look again. */
		w->look_at = w->plan->wait > 0 ? w->now + LOOK_STEP : Q_FOREVER;
		if (w->crew.running > 0 || w->now - w->idle_since < w->plan->wait)
			return;
		w->closed = true;
		if (!w->any) /* it is status 1, and -v says why */
			(void)queue_fail(w->name, w->plan->wait > 0 ? Q_ETIMEDOUT : rc);
		return;
	}
	if (rc == Q_EBUSY && retry(w, rc, w->plan->lock_wait))
		return;
	work_worse(w, queue_fail(w->name, rc));
	if (damaged == 0)
		w->closed = true;
}

/* How many messages in stock are worth having. */
static size_t
depth(const struct worker *w)
{
	/* A batch is a stock by itself. */
	if (w->plan->job.batch > 0 || w->plan->id != 0)
		return (0);
	return (ahead_depth(&w->ahead, w->plan->parallel));
}

/* How many to take: for the free places, and the stock. */
static size_t
wanted(const struct worker *w, size_t *ahead)
{
	size_t each = w->plan->job.batch > 0 ? w->plan->job.batch : 1;
	size_t places = (w->plan->parallel - w->crew.running) * each;
	size_t stock = depth(w), n;
	uint64_t left = w->plan->count - w->taken;

	*ahead = 0;
	if (w->closed || w->now < w->look_at || w->done.count > 0)
		return (0);
	n = places + stock > w->ahead.count ? places + stock - w->ahead.count : 0;
	n = left < n ? (size_t)left : n;
	*ahead = n > places ? n - places : 0;
	return (n);
}

bool
turn_due(const struct worker *w)
{
	size_t ahead;
	bool low = w->ahead.count * 2 <= depth(w);
	bool idle = w->crew.running < w->plan->parallel;

	return (w->now >= w->again_at &&
		(w->now >= w->tell_at ||
		    (low && (w->ended.count > 0 || (idle && wanted(w, &ahead) > 0)))));
}

/* Commands whose messages were taken ahead have begun. */
static void
tell_begun(struct worker *w)
{
	for (size_t i = 0; i < w->plan->parallel; i++) {
		struct job *j = &w->crew.jobs[i];

		for (size_t k = 0; j->pid != 0 && j->ahead && k < j->count; k++)
			ended_begin(&w->ended, j->items[k].msg);
		j->ahead = false;
	}
}

static void
acknowledged(void *arg, const struct q_msg *m)
{
	struct worker *w = arg;

	handover_done(&w->handover, m);
}

/* Settle what has ended, perhaps with a take; whether that is done, for *code. */
static bool
settle(struct worker *w, const struct q_take *take, struct q_batch **b, int *code)
{
	q_time begun = now_monotonic();
	struct q_finish *f;
	int rc;

	ended_read_outputs(&w->ended, w->q);
	f = ended_finish(&w->ended);
	rc = q_exchange(w->q, f, w->ended.count, take, b);
	ahead_learn_commit(&w->ahead, now_monotonic() - begun);
	*code = rc;
	/* It may be the take that failed: then settle without. */
	if (!ended_settled(&w->ended) && take != NULL && !q_temporary(rc))
		rc = q_exchange(w->q, f, w->ended.count, NULL, NULL);
	if (!ended_settled(&w->ended)) {
		/* The work is done: a busy or full machine is no reason to forget. */
		if (!retry(w, rc, RETRY_MOST)) {
			work_worse(w, queue_fail(w->name, rc));
			exit(w->status);
		}
		return (false);
	}
	if (w->ended.count > 0) {
		w->idle_since = now_monotonic();
		w->failing_since = 0;
	}
	if (!ended_clear(&w->ended, w->name, w->plan->job.command[0],
		w->handover.q != NULL ? acknowledged : NULL, w))
		work_worse(w, DIAG_CORRUPT);
	w->tell_at = Q_FOREVER;
	return (true);
}

/* How long to wait for the queue: commands have their time limits meanwhile, and
 * signals come. */
static q_time
patience(const struct worker *w)
{
	q_time most = work_sooner(LOCK_STEP, w->plan->lock_wait),
	       left = w->serve_at - w->now;

	return (left > most ? most : left > LOCK_LEAST ? left : LOCK_LEAST);
}

void
turn(struct worker *w)
{
	struct q_batch *b = NULL;
	uint64_t damaged = 0;
	q_time later = 0;
	struct q_take take = {
		.durable = true,
		.damaged = &damaged,
		.id = w->plan->id,
		.group = w->plan->group,
		.every = w->plan->every,
		.later = &later,
	};
	int rc;

	take.n = wanted(w, &take.ahead);
	if (!turn_due(w))
		return;
	w->empty = false;
	tell_begun(w);
	q_lock_wait(w->q, patience(w));
	if (!settle(w, take.n > 0 ? &take : NULL, &b, &rc) || take.n == 0)
		return;
	if (rc == 0) {
		w->failing_since = 0;
		put_all(w, b);
		work_start(w);
	} else {
		none_taken(w, rc, damaged, later);
	}
}
