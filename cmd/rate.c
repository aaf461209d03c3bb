/* SPDX-License-Identifier: ISC */
/* A number a unit of time. */
#include <stdio.h>
#include <string.h>

#include "parse.h"

#include "rate.h"

enum { MOST = 1000000 }; /* a unit: more is no limit */

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {
	{ "", 1 },
	{ "/s", 1 },
	{ "/m", 60 },
	{ "/h", 3600 },
	{ "/d", 86400 },
};

const char *
rate_parse(const char *text, q_time *every)
{
	static _Thread_local char why[96];
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].name) != 0 ||
		    digits >= sizeof(number))
			continue;
		(void)snprintf(number, sizeof(number), "%.*s", (int)digits, text);
		if (parse_count(number, 1, MOST, &n) != NULL)
			break;
		*every = units[i].seconds * Q_SECOND / (q_time)n;
		return (NULL);
	}
	(void)snprintf(why, sizeof(why),
	    "'%.32s' is not a rate of 1 to %d (like 10, 10/s, 90/m, 5/h)", text, MOST);
	return (why);
}
