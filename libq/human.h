/* SPDX-License-Identifier: ISC */
#ifndef HUMAN_H
#define HUMAN_H

/* Sizes in sentences, as "64.0 MiB". */

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

#endif
