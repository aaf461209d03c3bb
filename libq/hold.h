/* SPDX-License-Identifier: ISC */
#ifndef HOLD_H
#define HOLD_H

/*
 * Held leases: a shared lock of an open file description on one byte of the file hold,
 * at the offset of the message's id. The kernel drops it when the last process that has
 * the descriptor ends, and so knows what no record could: whether the holder lives.
 *
 * A lease that was made for its holder by another process, in whose transaction it is,
 * is seen by others before he can lock. Its record has its owner (ST_OWNED), and until
 * it is locked it is held as long as he lives, for 30 seconds. He locks first and then
 * looks whether it is his still: who finds it lost lets go.
 */

#include "state.h"
#include "txn.h"

/*
 * Make the file's locks usable in this transaction: make it if it is missing, and start
 * the grace time if it is not the one the locks were on.
 */
int hold_begin(struct txn *t);
/* Hold, or let go, the messages first to first + n - 1. */
int hold_lock(struct q *q, uint64_t first, uint64_t n);
void hold_unlock(struct q *q, uint64_t first, uint64_t n);
/* Undo one hold_lock() of a message that may have been locked more than once. */
void hold_unlock_once(struct q *q, uint64_t id);
/* Whether somebody holds message id; *last is the end of the run of ids he holds. */
bool hold_alive(struct txn *t, uint64_t id, uint64_t *last);
/* Whether a lease that is not locked is about to be. */
bool hold_is_coming(const struct txn *t, const struct state *s);
/* Outside of a transaction: open the file, to lock. Q_EBUSY: there is none just now. */
int hold_ready(struct q *q);
void hold_close(struct q *q);

/* A process, as it is told apart from a later one of the same pid. */
int hold_owner(pid_t pid, uint64_t *start, uint64_t *ns);
/* False only if it is certain that this process has ended. */
bool hold_owner_alive(uint32_t pid, uint64_t start, uint64_t ns);

#endif
