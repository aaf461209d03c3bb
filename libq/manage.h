/* SPDX-License-Identifier: ISC */
#ifndef MANAGE_H
#define MANAGE_H

/* What an administrator does to messages, a bounded part of it at a time. */

#include "txn.h"

struct manage {
	const struct q_manage *how;
	uint64_t at; /* the id, or index of the id, to go on from */
};

struct manage_part {
	struct q_managed sum; /* of this part */
	uint64_t next;        /* to go on from */
	bool end;
};

/* Acts, unless how->dry, on some messages. Returns a code only when the transaction is
 * lost. */
int manage_apply(
    struct txn *t, const struct manage *manage, struct manage_part *result);

#endif
