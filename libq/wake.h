/* SPDX-License-Identifier: ISC */
#ifndef WAKE_H
#define WAKE_H

/*
 * Waiting for messages. A waiter arms, looks once more, and sleeps: what is committed
 * after its look moves the word it sleeps on. It is woken for a message each, and looks
 * by itself when the next one falls due; and twice a second, one of those who wait
 * does, which finds the leases of the dead. Of a crowd, most do not even ask so often
 * whose turn that is: if all who do are killed at once, it may take 16 seconds until
 * another does.
 */

#include "ctl.h"
#include "txn.h"

/* Which word the takes that follow are to be woken by. */
void wake_choose(struct q *q, enum ctl_channel channel);
/*
 * As q_wait(), of one whose take stands in a slot (slot.h), or does not: also until it
 * is served. Whether it stands no longer, and the caller is to look.
 */
bool wake_wait(struct q *q, q_time until, bool stands);
/* After the commit and the unlock, if ctl is whole: wake who waited for that. */
void wake_others(struct q *q, const struct txn *t);
/* A take found nothing: when something is due, as far as the transaction sees. */
int wake_note_due(struct txn *t);
/* After that: it is worth looking again no later than so long from now. */
void wake_due_in(struct q *q, q_time delay);

#endif
