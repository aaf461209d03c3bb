/* SPDX-License-Identifier: ISC */
#ifndef SETTLE_H
#define SETTLE_H

/* Settling one delivery. */

#include "txn.h"

struct settle {
	const struct q_settle *how;
	struct q_receipt receipt;
	bool ours; /* a delivery of this handle: not shown to anybody who might use it
	              twice */
};

/* result->code says what became of it; returns a code only when the transaction is
 * lost. */
int settle_apply(struct txn *t, const struct settle *s, struct q_settled *result);

#endif
