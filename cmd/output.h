/* SPDX-License-Identifier: ISC */
#ifndef OUTPUT_H
#define OUTPUT_H

/* What a COMMAND writes to its stdout, where somebody wants it. */

#include "q.h"

/* A file without a name for it to write to, or -1. */
int output_open(void);
/* Its whole content, mapped: "" if it is empty. 0, or -1 with errno. */
int output_map(int fd, const char **data, size_t *size);
void output_unmap(const char *data, size_t size);

/* As libq keeps it. */
struct output {
	struct q_output keep;
	void *memory;
};

/* Read it for a result of queue q. What cannot be kept is said to be lost. */
void output_read(struct q *q, int fd, struct output *out);
void output_free(struct output *out);

#endif
