/* SPDX-License-Identifier: ISC */
#ifndef ENDED_H
#define ENDED_H

/* What a worker has to tell the queue: messages whose COMMAND has ended, mostly. */

#include <limits.h>

#include "job.h"
#include "verdict.h"

struct end; /* of one message */

struct ended {
	struct end *list;
	size_t count, room;
	struct q_finish *finish;     /* for q_exchange(), from ended_finish() */
	q_time backoff, backoff_max; /* as in q_settle */
	char host[HOST_NAME_MAX + 1];
	char command[Q_MAX_COMMAND]; /* as in q_report */
	size_t command_size;         /* 0: not to be kept */
	uint64_t done, failed;       /* settled so far */
};

void ended_init(struct ended *e, const struct job_plan *plan);
void ended_free(struct ended *e);
/* job is NULL if none was started; what it printed belongs to the list then. */
void ended_add(
    struct ended *e, const struct item *item, const struct verdict *v, struct job *job);
/* Not ended: taken ahead and begun. */
void ended_begin(struct ended *e, const struct q_msg *msg);
/* What the message at i has printed, and which it is; -1: nothing is known of it. */
int ended_output(const struct ended *e, size_t i, const struct q_msg **msg);
/* The first of from goes to the end of to, perhaps with another verdict. */
void ended_move(struct ended *from, struct ended *to, const struct verdict *v);
/* Read what they have printed, as far as results want it. */
void ended_read_outputs(struct ended *e, struct q *q);
/* All of them, in this order, for q_exchange(); valid until the next ended_add(). */
struct q_finish *ended_finish(struct ended *e);
/* Whether q_exchange() has settled them: all or none. */
bool ended_settled(const struct ended *e);
/*
 * Settled: say what became of those that failed, and forget all. acknowledged, if not
 * NULL, is called for each message that is not delivered again. false: of one the state
 * is damaged, so that it is not stored.
 */
bool ended_clear(struct ended *e, const char *queue, const char *command,
    void (*acknowledged)(void *, const struct q_msg *), void *arg);

#endif
