/* SPDX-License-Identifier: ISC */
/* How the queues of qwatch's board are now: a short look at each of them. */
#include <stdio.h>
#include <stdlib.h>

#include "live_guard.h"
#include "now.h"
#include "opt.h"
#include "queue.h"

#include "live_look.h"

enum {
	/* Handles that stay open: each takes some descriptors. The queues beyond are
	 * opened for each look. */
	HANDLES = 32,
};

static const q_time look_wait = Q_SECOND / 50;   /* for others in a queue */
static const q_time busy_wait = Q_SECOND / 1000; /* if they kept it the last time */
static const q_time broken_wait = 30 * Q_SECOND;
static const q_time write_wait = 2 * Q_SECOND;

static int
open_queue(const char *name, unsigned flags, q_time wait, struct q **q)
{
	struct q_open args = { .flags = flags, .lock_wait = wait };
	char *path = NULL;
	int rc;

	if (opt_common.force)
		args.flags |= Q_FORCE;
	if ((rc = q_path(name, &path)) == 0)
		rc = q_open(path, &args, q);
	free(path);
	return (rc);
}

int
live_look_check(char *const *names, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct q *q = NULL;
		int rc = open_queue(names[i], Q_RDONLY, look_wait, &q);

		q_close(q);
		if (rc == Q_ENOQUEUE || rc == Q_ENOTQ || rc == Q_EINVAL)
			status = queue_fail(names[i], rc);
	}
	return (status);
}

void
live_look_drop(struct live_queue *q)
{
	q_close(q->q);
	q->q = NULL;
}

/* A look at one queue, as the guard runs it. */
struct look {
	struct live_queue *queue;
	struct q_stat stat;
};

static int
read_stat(void *arg)
{
	struct look *l = arg;
	struct live_queue *q = l->queue;
	int rc = 0;

	if (q->q == NULL)
		rc = open_queue(q->name, Q_RDONLY, look_wait, &q->q);
	if (rc != 0)
		return (rc);
	q_lock_wait(q->q, q->health == LIVE_BUSY ? busy_wait : look_wait);
	return (q_stat(q->q, &l->stat));
}

static enum live_health
health_of(int rc)
{
	if (rc == Q_EBUSY)
		return (LIVE_BUSY);
	if (rc == Q_ECORRUPT)
		return (LIVE_DAMAGED);
	return (rc == Q_ENOQUEUE ? LIVE_GONE : LIVE_CLOSED);
}

static void
look(struct live_queue *q)
{
	struct look l = { .queue = q };
	bool had = q->q != NULL;
	int rc;

	if (now_monotonic() < q->again)
		return;
	rc = live_guard(q, read_stat, &l);

	/* It may have been made anew, or repaired, under another handle's feet. */
	if (rc != 0 && rc != Q_EBUSY && !live_guard_broke()) {
		live_look_drop(q);
		if (had)
			rc = live_guard(q, read_stat, &l);
	}
	if (rc == 0)
		live_model_sample(q, &l.stat, now_monotonic());
	else
		live_model_fail(q, health_of(rc), live_guard_why(), now_monotonic());
	/* Each such try costs some memory. */
	if (live_guard_broke())
		q->again = now_monotonic() + broken_wait;
	if (rc != 0 && rc != Q_EBUSY)
		live_look_drop(q);
}

void
live_look_round(struct live_model *m)
{
	size_t open = 0;

	for (size_t i = 0; i < m->count; i++) {
		look(m->queue[i]);
		if (m->queue[i]->q != NULL && open++ >= HANDLES)
			live_look_drop(m->queue[i]);
	}
	live_model_order(m);
}

struct q *
live_look_write(const char *name, char *why)
{
	struct q *q = NULL;

	if (open_queue(name, 0, write_wait, &q) == 0)
		return (q);
	snprintf(why, LIVE_WHY, "%s", q_errmsg());
	return (NULL);
}
