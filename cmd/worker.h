/* SPDX-License-Identifier: ISC */
#ifndef WORKER_H
#define WORKER_H

/* The worker: a COMMAND for each message, several at once. */

#include "job.h"
#include "verdict.h"

struct worker_plan {
	struct job_plan job;
	struct verdict_set dead;
	uint64_t count;    /* messages; UINT64_MAX: all */
	uint64_t id;       /* this one only, if not 0 */
	const char *group; /* of this group only, if not NULL */
	q_time every;      /* least time from one to the next, as in q_take */
	size_t parallel;   /* commands at once */
	q_time wait;       /* for messages, when there are none; Q_FOREVER allowed */
	q_time lock_wait;  /* for other processes */
	q_time backoff, backoff_max; /* of failures; 0: the queue's */
	const char *to;              /* the next stage, or NULL */
	bool to_lines;               /* of a message a line */
	bool stop_on_failure;
};

/* Work until there is nothing more to do, or a signal comes; returns the exit status.
 */
int worker_run(const struct worker_plan *plan, struct q *q, const char *name);

#endif
