/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_H
#define DELIVER_H

/* Delivery of messages to an output, by qpop without a COMMAND. */

#include "out.h"
#include "q.h"

struct delivery {
	const char *name;    /* of the queue */
	struct q_take take;  /* a lease of 0: acknowledge what is written */
	uint64_t count;      /* at most so many; UINT64_MAX: all */
	int form;            /* as in emit.h */
	const char *receipt; /* file for the receipt, or NULL */
};

/* Returns the exit status. What was not written whole is given back. */
int deliver(const struct delivery *d, struct q *q, struct out *out);

#endif
