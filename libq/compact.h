/* SPDX-License-Identifier: ISC */
#ifndef COMPACT_H
#define COMPACT_H

#include "txn.h"

/*
 * On a disk that is nearly full: give back the blocks of all free pages, and the
 * reserve behind the data in use, for what must still be written into holes. The caller
 * has the lock and no transaction.
 */
void compact_for_room(struct q *q);
/*
 * After a commit that is on disk, under its lock: give some back, if more than 16 MiB
 * and four times what is in use are allocated, and no more than 64 MiB in use.
 */
void compact_if_worth(struct q *q, const struct txn *t);

#endif
