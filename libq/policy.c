/* SPDX-License-Identifier: ISC */
/* Back-off between attempts, and the rate of deliveries. */
#include "policy.h"
#include "clock.h"

q_time
policy_backoff(uint32_t attempt, q_time base, q_time cap, uint64_t random)
{
	q_time delay = base < cap ? base : cap;

	if (delay <= 0)
		return (0);
	for (uint32_t i = 1; i < attempt && delay < cap; i++)
		delay = delay > cap / 2 ? cap : delay * 2;
	return (delay - (q_time)(random % ((uint64_t)delay / 2 + 1)));
}

/* When the next one is due, if it is not overdue. A slower rate that was in force
 * before does not hold up this one. */
static q_time
due(q_time now, q_time next, q_time every)
{
	q_time most = time_add(now, time_add(every, POLICY_BURST));

	return (next < now ? now : next > most ? most : next);
}

/* A rate that is slower than the burst is long has none. */
static q_time
burst(q_time every)
{
	return (every < POLICY_BURST ? POLICY_BURST - every : 0);
}

uint64_t
policy_allowed(q_time now, q_time next, q_time every)
{
	q_time ahead = due(now, next, every) - now;

	return (
	    ahead > burst(every) ? 0 : 1 + (uint64_t)((burst(every) - ahead) / every));
}

q_time
policy_went(q_time now, q_time next, q_time every, uint64_t n)
{
	return (time_add(due(now, next, every), (q_time)n * every));
}

q_time
policy_later(q_time now, q_time next, q_time every)
{
	q_time ahead = due(now, next, every) - now;

	return (ahead > burst(every) ? ahead - burst(every) : 0);
}
