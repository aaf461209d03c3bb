/* SPDX-License-Identifier: ISC */
#ifndef HUMAN_H
#define HUMAN_H

/* Sizes and durations in sentences, as "64.0 MiB" and "2 h". */

#include <stdint.h>
#include <stdio.h>

enum { HUMAN_SIZE = 32 };

static inline const char *
human_size(char buf[HUMAN_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t tenths;
	int unit = -1;

	if (bytes < 1024) {
		(void)snprintf(buf, HUMAN_SIZE, "%u bytes", (unsigned)bytes);
		return (buf);
	}
	do {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
		unit++;
	} while (bytes >= 1024);
	(void)snprintf(buf, HUMAN_SIZE, "%u.%u %s", (unsigned)bytes, (unsigned)tenths,
	    units[unit]);
	return (buf);
}

/* Nanoseconds, not negative, cut to the unit that says enough. */
static inline const char *
human_duration(char buf[HUMAN_SIZE], int64_t ns)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	int64_t s = ns / 1000000000;
	int i = 0;

	while (i < 3 && s < 2 * units[i].seconds)
		i++;
	(void)snprintf(buf, HUMAN_SIZE, "%lld %s", (long long)(s / units[i].seconds),
	    units[i].name);
	return (buf);
}

#endif
