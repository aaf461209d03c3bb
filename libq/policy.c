/* SPDX-License-Identifier: ISC */
/* Back-off between attempts. */
#include "policy.h"

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
