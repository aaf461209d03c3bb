/* SPDX-License-Identifier: ISC */
#ifndef TAKE_H
#define TAKE_H

/* Taking messages under a lease. */

#include "txn.h"

struct take {
	const struct q_take *how;
	uint64_t owner_start, owner_ns; /* of how->owner; or of whom it is made for */
	bool handed; /* a held lease that another process is to hold */
};

enum { TAKEN_TEXT = 128 };

struct taken {
	struct q_batch *batch; /* given by the caller, filled */
	uint64_t damaged;      /* a message that was set aside, or 0 */
	int code;              /* why nothing could be taken, if not for want of it */
	char text[TAKEN_TEXT]; /* the same, as a sentence */
	q_time later;          /* how long the rate forbids more; 0: it does not */
};

/* Returns a code only when the transaction is lost; 0 also when nothing was ready. */
int take_apply(struct txn *t, const struct take *take, struct taken *result);
/*
 * Another process applied the take: hold the messages that the batch has only stubs of,
 * if their leases are to be, and read them. One that was lost again since then is not
 * among them; if none is left, the code is Q_EBUSY. So it is if they cannot be read in
 * time; then their stubs are left.
 */
int take_fetch(struct q *q, struct q_batch *batch, bool held);

#endif
