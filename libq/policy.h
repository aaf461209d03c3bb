/* SPDX-License-Identifier: ISC */
#ifndef POLICY_H
#define POLICY_H

/* Decisions and arithmetic, on values alone. */

#include "q.h"

enum { POLICY_RANK_MOST = Q_MAX_PRIORITY - Q_MIN_PRIORITY };

/* Priorities are stored as a rank, so that the highest sorts first. */
static inline uint8_t
policy_rank(int priority)
{
	return ((uint8_t)(Q_MAX_PRIORITY - priority));
}

static inline int
policy_priority(uint8_t rank)
{
	return (Q_MAX_PRIORITY - (int)rank);
}

/* Wait before the next attempt after the given one (1, 2, ...) failed: base doubled
 * each time, at most cap, of which random takes off up to a half. */
q_time policy_backoff(uint32_t attempt, q_time base, q_time cap, uint64_t random);

/*
 * A rate: one message each every, and after a pause up to POLICY_BURST's worth at once.
 * last is when the last one went, or would have without the burst; 0: none has. When
 * the rate changes, the new one counts from there. All on one clock.
 */
#define POLICY_BURST (Q_SECOND / 10)

/* How many may go now. */
uint64_t policy_allowed(q_time now, q_time last, q_time every);
/* What last becomes when n of them go; n is not 0. */
q_time policy_went(q_time now, q_time last, q_time every, uint64_t n);
/* How long until one may go; 0: one may. */
q_time policy_later(q_time now, q_time last, q_time every);

/* "Not now" does not count, but a thousand in a row is no longer "now". */
enum { POLICY_UNCOUNTED_IN_A_ROW = 1000 };

#endif
