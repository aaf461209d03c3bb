/* SPDX-License-Identifier: ISC */
#ifndef SERVE_H
#define SERVE_H

/*
 * Slots of ctl, from the side of who has the lock: what waits there is applied in the
 * transaction he makes anyway, and answered when that is on disk. With each request
 * that changed something, its ticket and answer are stored, in the table slot: should
 * he die before he has answered, whoever has the lock next reads there that it is done.
 */

#include "answer.h"
#include "slot.h"

/* Let those who are about to post do so, if there were many the last time. */
void serve_gather(struct q *q);
/* Take what waits. Each of these does nothing when nothing was taken. */
void serve_collect(struct q *q);
bool serve_any(const struct q *q);
/*
 * Apply what was taken. A code: the transaction is lost. STORE_GROW: all is to be done
 * again; any other: so it is, and the request that met it is not applied any more.
 */
int serve_apply(struct q *q, struct txn *t);
/* After the commit, under the lock: answer. rc is what the commit said. */
void serve_answer(struct q *q, int rc);
/* There is no transaction: all that was taken waits again. */
void serve_return(struct q *q);
/*
 * After the unlock, if ctl is whole: one of those who still wait is to try the lock;
 * and those whom we answered are woken.
 */
void serve_wake(struct q *q);
void serve_free(struct q *q);

#endif
