/* SPDX-License-Identifier: ISC */
#ifndef CLOCK_H
#define CLOCK_H

#include "q.h"

enum { BOOT_ID_SIZE = 16 };

/*
 * What a transaction knows of the time: wall for what people mean, boot for leases,
 * which a clock step must not move and a reboot must end.
 */
struct clock {
	q_time wall; /* since 1970 */
	q_time boot; /* CLOCK_BOOTTIME */
};

int clock_read(struct clock *clock);
/* What tells this boot of the machine from others. Q_ESYS: the kernel does not tell. */
int clock_boot_id(uint8_t id[BOOT_ID_SIZE]);
/* For waits inside this process. */
q_time clock_monotonic(void);
void clock_sleep(q_time duration);

/* a + b, or what is nearest to it: what is read from a file may be any number. */
static inline q_time
time_add(q_time a, q_time b)
{
	q_time sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return (sum);
	return (b > 0 ? INT64_MAX : INT64_MIN);
}

#endif
