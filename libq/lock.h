/* SPDX-License-Identifier: ISC */
#ifndef LOCK_H
#define LOCK_H

/*
 * The transaction lock: flock(2) on data.mdb, LOCK_EX to write, LOCK_SH to read. The
 * kernel frees it when its holder dies.
 *
 * Who waits stands first at a gate, a flock on the queue's directory, so that a process
 * that commits again and again cannot pass those who wait, nor overlapping readers a
 * writer. The gate is a courtesy: correctness needs the lock on data.mdb alone.
 */

#include "q.h"

/* op is LOCK_EX or LOCK_SH. Without waiting; false, too, if others wait. */
bool lock_try(struct q *q, int op);
/* Wait at the gate, and then for the lock. Q_ETIMEDOUT: for so long in vain; Q_EBUSY:
 * interrupted. */
int lock_stand(struct q *q, int op, q_time most);
/* Q_EBUSY: another process kept it for all of q->lock_wait.
 */
int lock_take(struct q *q, int op);
void lock_drop(int data);
/* Q_EBUSY, and the sentence that says who has had the lock for all of q->lock_wait. */
int lock_busy(const struct q *q);

#endif
