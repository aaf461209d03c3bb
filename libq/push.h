/* SPDX-License-Identifier: ISC */
#ifndef PUSH_H
#define PUSH_H

/* Storing messages. */

#include "txn.h"

struct push {
	const struct q_push *messages;
	size_t n;
	unsigned flags;
	uint64_t *ids; /* or NULL */
};

struct pushed {
	uint64_t first; /* id of the first */
	size_t stored;  /* so many, from the first on */
	int code;       /* why no more, or 0 */
};

/* Whether the arguments are good, before any lock. */
int push_check(const struct q_push *messages, size_t n);
/* Large bodies reach the disk before any lock, too. */
int push_flush(const struct q_push *messages, size_t n);
/* Returns a code only when the whole transaction is lost. */
int push_apply(struct txn *t, const struct push *push, struct pushed *result);
/* The transaction did not commit: blobs get their temporary names back. */
void push_undo(const struct push *push, const struct pushed *result);

#endif
