/* SPDX-License-Identifier: ISC */
#ifndef WORK_H
#define WORK_H

/* A worker at work: what it knows, and how messages become commands and their ends. */

#include "ahead.h"
#include "crew.h"
#include "ended.h"
#include "handover.h"
#include "notify.h"
#include "worker.h"

struct worker {
	const struct worker_plan *plan;
	struct q *q;
	const char *name;
	struct crew crew;
	struct ahead ahead;
	struct ended ended; /* but not settled */
	struct ended done;  /* and not handed over */
	struct handover handover;
	struct notify notify;
	uint64_t taken;
	/* monotonic; Q_FOREVER: never */
	q_time now;
	q_time look_at;           /* there may be messages */
	q_time tell_at;           /* the queue is told what has ended and begun */
	q_time keep_at, serve_at; /* our leases, and the commands, are looked after */
	q_time again_at;          /* nothing is tried before: the last try failed */
	q_time hand_at;           /* the next stage has room again, perhaps */
	q_time hand_until;        /* and is not waited for longer; 0: for ever */
	q_time failing_since, idle_since;
	sigset_t waiting; /* signal mask while it waits */
	bool closed;      /* takes no more */
	bool empty;       /* the last take found nothing, and may be waited for */
	bool stopping, any;
	int status; /* the worst so far */
};

/* The worst exit status is kept. */
void work_worse(struct worker *w, int status);
static inline q_time
work_sooner(q_time a, q_time b)
{
	return (a < b ? a : b);
}

/* A command in each place, as long as there are messages in stock. */
void work_start(struct worker *w);
/* Note the commands that have ended. */
void work_reap(struct worker *w);
/* Hand over what they have printed; until when to wait with more of that. */
void work_hand_over(struct worker *w);

#endif
