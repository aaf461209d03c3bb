/* SPDX-License-Identifier: ISC */
#ifndef SPACE_H
#define SPACE_H

/*
 * Room to leave. LMDB needs fresh pages even to delete, so the file is kept longer than
 * what is in use, by allocated blocks: a take or an acknowledgement finds them on a
 * full disk. Only a push makes room, and is refused when it cannot; and the output of a
 * result, which is lost then.
 */

#include "txn.h"

enum {
	SPACE_RESERVE = 512 << 10,
	SPACE_SHORT = 8 * SPACE_RESERVE, /* more than most commits write */
	SPACE_FEW = 8,                   /* messages, for which the reserve is enough */
};

/*
 * What is kept behind data that ends there, with so many messages that have so many
 * state records: those that share one may come to have rows of their own, and no push
 * is needed for that. As many as fail while a disk stays full, but not all of millions.
 */
uint64_t space_reserve(uint64_t end, uint64_t messages, uint64_t records);

/* Before a push of so many bytes. Q_ENOSPC: nothing was pushed, the reserve is whole.
 */
int space_ensure(struct txn *t, uint64_t bytes);
/*
 * Before any write, with the file's size, and after it: LMDB may number pages at the
 * end that it does not write, and the file must not look cut short for it.
 */
void space_guard(struct txn *t, uint64_t size);
void space_after(const struct txn *t);
/* Whether the disk, or a quota, may have less than so many bytes more. */
bool space_is_short(const struct q *q, uint64_t bytes);
/*
 * How many of n messages a transaction may take, settle or end: each may be on pages of
 * its own, and a commit that finds no room for them is not tried again. At least
 * SPACE_FEW.
 */
size_t space_allows(const struct q *q, size_t n);
/* Allocate a file from end to size; file systems that cannot are left as they are. */
int space_allocate(int fd, uint64_t end, uint64_t size);

#endif
