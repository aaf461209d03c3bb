/* SPDX-License-Identifier: ISC */
#ifndef PACE_H
#define PACE_H

/*
 * Rates of deliveries: that of the queue is for all takers; one of their own, a time
 * from one message to the next, is shared by those who have the same.
 */

#include "txn.h"

/* Whether there is a rate. every 0: none but the queue's. */
bool pace_any(const struct txn *t, q_time every);
/* How many of n may be taken now; *later is how long none may. */
size_t pace_allowed(struct txn *t, q_time every, size_t n, q_time *later);
/* So many were taken. */
void pace_draw(struct txn *t, q_time every, size_t n);

#endif
