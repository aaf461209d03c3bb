/* SPDX-License-Identifier: ISC */
#ifndef TAKE_H
#define TAKE_H

/* Taking messages under a lease. */

#include "txn.h"

struct take {
	const struct q_take *how;
	uint64_t owner_start, owner_ns; /* of how->owner */
};

/*
 * Append what is taken to batch. 0 also when nothing was ready. *damaged is the id of a
 * message that was set aside, or 0.
 */
int take_apply(
    struct txn *t, const struct take *take, struct q_batch *batch, uint64_t *damaged);

#endif
