/* SPDX-License-Identifier: ISC */
#ifndef SETTLE_H
#define SETTLE_H

/* Settling deliveries. */

#include "txn.h"

struct settle {
	const struct q_settle *how;
	struct q_receipt receipt;
	bool ours; /* a delivery of this handle: not shown to anybody who might use it
	              twice */
};

static inline bool
settle_ends_lease(enum q_verb verb)
{
	return (verb != Q_EXTEND && verb != Q_BEGIN);
}

/* Whether the caller's wish, for n messages, makes sense: 0 or Q_EINVAL. */
int settle_check(const struct q_settle *how, size_t n);
/* A large output reaches the disk before any lock. */
void settle_flush(const struct q_settle *how);
/* result->code says what became of it; returns a code only when the transaction is
 * lost. */
int settle_apply(struct txn *t, const struct settle *s, struct q_settled *result);
/* The deliveries of a batch, of this handle: as each for itself, but quicker. *code is
 * Q_ECORRUPT if one of them cannot be read. */
int settle_many(struct txn *t, const struct q_settle *how, const struct q_msg *msg,
    size_t n, int *code);
/* The transaction did not commit: an output that is a file gets its temporary name
 * back. */
void settle_undo(const struct q_settle *how);

#endif
