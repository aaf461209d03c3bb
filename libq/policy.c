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

/* When the next one is due; now, if it is overdue. */
static q_time
due(q_time now, q_time last, q_time every)
{
	q_time most = time_add(now, POLICY_BURST), next;

	if (last == 0)
		return (now);
	next = time_add(last < most ? last : most, every);
	return (next < now ? now : next);
}

/* A rate that is slower than the burst is long has none. */
static q_time
burst(q_time every)
{
	return (every < POLICY_BURST ? POLICY_BURST - every : 0);
}

uint64_t
policy_allowed(q_time now, q_time last, q_time every)
{
	q_time ahead = due(now, last, every) - now;

	return (
	    ahead > burst(every) ? 0 : 1 + (uint64_t)((burst(every) - ahead) / every));
}

q_time
policy_went(q_time now, q_time last, q_time every, uint64_t n)
{
	return (time_add(due(now, last, every), (q_time)(n - 1) * every));
}

q_time
policy_later(q_time now, q_time last, q_time every)
{
	q_time ahead = due(now, last, every) - now;

	return (ahead > burst(every) ? ahead - burst(every) : 0);
}
