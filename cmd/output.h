/* SPDX-License-Identifier: ISC */
#ifndef OUTPUT_H
#define OUTPUT_H

/* What a COMMAND writes to its stdout, where somebody wants it. */

#include "q.h"

/* A file without a name for it to write to, or -1. */
int output_open(void);

/* As libq keeps it. */
struct output {
	struct q_output keep;
	void *memory;
};

typedef int output_blob(struct q *q, struct q_blob **blob);

/*
 * A copy of what is in it now, for queue q: what COMMAND has left behind may write on.
 * If it is large it is a blob of that make, or in memory all the same if that is NULL.
 * 0, or a code and there is none.
 */
int output_read(struct q *q, int fd, output_blob *make, struct output *out);
/* Such a copy for a result of queue q. What cannot be kept is said to be lost. */
void output_keep(struct q *q, int fd, struct output *out);
void output_free(struct output *out);

#endif
