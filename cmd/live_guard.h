/* SPDX-License-Identifier: ISC */
#ifndef LIVE_GUARD_H
#define LIVE_GUARD_H

/*
 * Reading a queue whose data file is damaged may raise SIGBUS or SIGSEGV. Here it is an
 * error of that queue, and the board goes on with the others.
 */

#include "live_model.h"

/*
 * fn(arg), which reads q and returns a code; Q_ECORRUPT if such a signal came. q's
 * handle is forgotten then, and its locks are given up; its memory is lost.
 */
int live_guard(struct live_queue *q, int (*fn)(void *), void *arg);
/* What live_guard() would say of it: q_errmsg(), or its own words. */
const char *live_guard_why(void);
/* Whether the last one was ended by a signal. */
bool live_guard_broke(void);

#endif
