/* SPDX-License-Identifier: ISC */
#ifndef LIVE_LOOK_H
#define LIVE_LOOK_H

/* What the board of qwatch reads of queues, in short looks that wait for nobody. */

#include "live_model.h"

/* 0, or an exit status after saying why: a queue that was named must be there. */
int live_look_check(char *const *names, size_t n);
/* One round: how each queue is now. */
void live_look_round(struct live_model *m);
/* Let go of what is open. */
void live_look_drop(struct live_queue *q);
/* Open it to change it; NULL, with why of LIVE_WHY bytes, if that cannot be. */
struct q *live_look_write(const char *name, char *why);

#endif
