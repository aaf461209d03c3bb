/* SPDX-License-Identifier: ISC */
/* Sleeping until there is a message, and waking those who do. */
#include <limits.h>

#include "bytes.h"
#include "queue.h"
#include "slot.h"

#include "wake.h"

/* Nanoseconds between looks: of one who can be woken, and of one who cannot. */
#define LOOK_STEP (Q_SECOND / 2)
#define LOOK_MOST (16 * Q_SECOND)
#define POLL_STEP (20 * Q_SECOND / 1000)
#define MS        (Q_SECOND / 1000)

/* So many takers ask, between two looks, whether it is time for one. */
enum { ENOUGH = 16 };

void
wake_choose(struct q *q, enum ctl_channel channel)
{
	if (q->ctl.channel != channel)
		q->ctl.armed = false;
	q->ctl.channel = channel;
}

/* Before the look that comes before a sleep. */
static void
arm(struct q *q)
{
	struct ctl_file *f = ctl_need(q);
	struct ctl *c = &q->ctl;

	c->armed = f != NULL;
	if (!c->armed)
		return;
	/* In this order: whoever has seen us in armed moves the count afterwards. */
	c->count = atomic_load(&f->channel[c->channel].count);
	(void)atomic_fetch_add(&f->channel[c->channel].armed, 1);
}

static q_time
earlier(q_time a, q_time b)
{
	return (a < b ? a : b);
}

/*
 * Of takers, one looks for all: thousands who wait would else do nothing but look. Who
 * waits for a change has a question of his own.
 */
static bool
my_turn(const struct ctl *c, struct ctl_word *w, q_time now)
{
	uint32_t ms = (uint32_t)(now / MS), last = atomic_load(&w->look);

	if (c->channel != CTL_READY)
		return (true);
	if (ms - last < LOOK_STEP / MS ||
	    !atomic_compare_exchange_strong(&w->look, &last, ms)) {
		(void)atomic_fetch_add(&w->asked, 1);
		return (false);
	}
	atomic_store(&w->crowd, atomic_exchange(&w->asked, 0));
	return (true);
}

/*
 * How long to sleep before the next question. Thousands who ask twice a second would
 * keep a processor busy: where many ask, each does so less often, and more often again
 * where few are left. Not all at a time: the clock decides on a part of it.
 */
static q_time
next_step(struct ctl *c, const struct ctl_word *w, q_time now)
{
	uint32_t crowd = atomic_load(&w->crowd);

	if (c->channel != CTL_READY || c->step < LOOK_STEP)
		c->step = LOOK_STEP;
	else if (crowd > 2 * ENOUGH && c->step < LOOK_MOST)
		c->step *= 2;
	else if (crowd < ENOUGH && c->step > LOOK_STEP)
		c->step /= 2;
	return (c->step == LOOK_STEP ? c->step : c->step - now % (c->step / 2));
}

static void
sleep_armed(struct q *q, q_time until, bool stands)
{
	struct ctl *c = &q->ctl;
	q_time now = clock_monotonic(), step;

	while (now < until && ctl_is_whole(q)) {
		struct ctl_word *w = &c->map->channel[c->channel];
		_Atomic uint32_t *word = &w->count;
		uint32_t value = c->count;

		/* What was committed before we stood has moved the count. */
		if (stands && atomic_load(word) != value)
			return;
		if (stands)
			word = slot_standing(q, &value);
		step = earlier(until, time_add(now, next_step(c, w, now)));
		if (ctl_sleep(word, value, step - now))
			return;
		/* Before that time: the count has moved, or it was a signal. */
		if ((now = clock_monotonic()) < step || !ctl_is_named(q, c->inode) ||
		    my_turn(c, w, now))
			return;
	}
}

/*
 * Armed, the last look came after that, and what has been committed since then moves
 * the count. Else the caller looks once more. Without ctl, it looks again and again.
 */
bool
wake_wait(struct q *q, q_time until, bool stands)
{
	bool stop = q->stop != NULL && q->stop(q->arg);
	q_time left;

	until = earlier(until, q->ctl.due);
	if (q->ctl.armed && !stop)
		sleep_armed(q, until, stands);
	if (stands && !slot_stand_down(q))
		return (false);
	if (stop)
		return (true);
	arm(q);
	if (!q->ctl.armed && (left = until - clock_monotonic()) > 0)
		clock_sleep(earlier(left, POLL_STEP));
	return (true);
}

void
q_wait(struct q *q, q_time until)
{
	(void)wake_wait(q, until, false);
}

void
q_wait_change(struct q *q, q_time until)
{
	wake_choose(q, CTL_CHANGE);
	q->ctl.due = Q_FOREVER;
	q_wait(q, until);
}

/*
 * n of those who sleep on a channel; who is about to finds the count moved. Several may
 * do so at a time: who finds fewer than n says so of those only who were there before.
 */
static void
wake(struct ctl_word *w, unsigned n)
{
	uint32_t armed = atomic_load(&w->armed);

	if (n == 0 || atomic_load(&w->idle) == armed)
		return;
	(void)atomic_fetch_add(&w->count, 1);
	if (ctl_wake(&w->count, n) < n)
		atomic_store(&w->idle, armed);
}

void
wake_others(struct q *q, const struct txn *t)
{
	struct ctl_file *f = q->ctl.map;

	if (f == NULL || !(t->changed || t->meta_changed != 0))
		return;
	wake(&f->channel[CTL_READY],
	    t->readied < INT_MAX ? (unsigned)t->readied : INT_MAX);
	slot_call(f, t->readied);
	wake(&f->channel[CTL_CHANGE], INT_MAX);
}

static q_time
at(q_time delay)
{
	return (delay > 0 ? time_add(clock_monotonic(), delay) : 0);
}

int
wake_note_due(struct txn *t)
{
	struct ctl *c = &t->q->ctl;
	struct span key, v;
	int rc;

	c->due = Q_FOREVER;
	if ((rc = txn_first(t, T_DELAYED, &key, &v)) == 0)
		c->due = at((q_time)get_be64(key.data) - t->now.wall);
	else if (rc != STORE_NONE)
		return (rc);
	if ((rc = txn_first(t, T_LEASED, &key, &v)) == 0) {
		uint64_t end = get_be64((const uint8_t *)key.data + 4);
		q_time due =
		    end < INT64_MAX ? at((q_time)end - t->now.boot) : Q_FOREVER;

		c->due = due < c->due ? due : c->due;
	}
	return (rc == STORE_NONE ? 0 : rc);
}

void
wake_due_in(struct q *q, q_time delay)
{
	q->ctl.due = earlier(q->ctl.due, at(delay));
}
