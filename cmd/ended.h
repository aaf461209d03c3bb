/* SPDX-License-Identifier: ISC */
#ifndef ENDED_H
#define ENDED_H

/* Messages whose COMMAND has ended, until they are settled. */

#include <limits.h>

#include "job.h"
#include "verdict.h"

/* A batch that is freed when the last of its messages is settled. */
struct share;
/* Takes over the batch. */
struct share *share_new(struct q_batch *batch);

struct ended {
	struct q_finish *finish; /* for q_exchange() */
	size_t count;
	struct verdict *verdict;
	struct q_report *report;
	char (*tail)[JOB_TAIL + 1];
	struct share **share;
	char host[HOST_NAME_MAX + 1];
};

/* Room for so many. */
void ended_init(struct ended *e, size_t most);
void ended_free(struct ended *e);
/* job is NULL if none was started. */
void ended_add(struct ended *e, const struct q_msg *m, struct share *s,
    const struct verdict *v, const struct job *job);
/* Whether q_exchange() has settled them: all or none. */
bool ended_settled(const struct ended *e);
/* Settled: say what became of those that failed, and forget all. */
void ended_clear(struct ended *e, const char *queue, const char *command);

#endif
