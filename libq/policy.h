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

/* "Not now" does not count, but a thousand in a row is no longer "now". */
enum { POLICY_UNCOUNTED_IN_A_ROW = 1000 };

#endif
