/* SPDX-License-Identifier: ISC */
#ifndef PUSH_H
#define PUSH_H

/* Storing messages. */

#include "txn.h"

struct push {
	const struct q_push *messages;
	size_t n;
	unsigned flags;
	struct q_pushed *pushed;              /* or NULL */
	const struct q_origin *origin, *over; /* of q_hand_over(), or NULL */
	size_t over_count;
	const struct q_origin *each; /* of q_transfer(), n of them, or NULL */
};

enum { PUSHED_TEXT = 256 };

struct pushed {
	size_t stored;          /* so many, from the first on */
	bool known;             /* all of them, by their origin */
	int code;               /* why no more, or 0 */
	char text[PUSHED_TEXT]; /* the same, as a sentence */
};

/* Whether the arguments are good, before any lock. */
int push_check(const struct q_push *messages, size_t n);
/* Large bodies reach the disk before any lock, too. */
int push_flush(const struct q_push *messages, size_t n);
/* Store n messages, each as what comes of an origin of its own. *stored, as q_push().
 */
int push_each(struct q *q, const struct q_push *messages, size_t n,
    const struct q_origin *each, size_t *stored);
/* Returns a code only when the whole transaction is lost. */
int push_apply(struct txn *t, const struct push *push, struct pushed *result);
/* The transaction did not commit: blobs get their temporary names back. */
void push_undo(const struct push *push);

#endif
