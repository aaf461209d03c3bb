/* SPDX-License-Identifier: ISC */
#ifndef NOW_H
#define NOW_H

/* The time, for commands: what is passed on to code that only computes. */

#include <time.h>

#include "q.h"

static inline q_time
now_of(clockid_t clock)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(clock, &ts);
	return ((q_time)ts.tv_sec * Q_SECOND + ts.tv_nsec);
}

static inline q_time
now_wall(void)
{
	return (now_of(CLOCK_REALTIME));
}

static inline q_time
now_monotonic(void)
{
	return (now_of(CLOCK_MONOTONIC));
}

/* On the monotonic clock, so long from now; what it cannot say is for ever. */
static inline q_time
now_after(q_time wait)
{
	q_time now = now_monotonic();

	return (wait < Q_FOREVER - now ? now + wait : Q_FOREVER);
}

#endif
