/* SPDX-License-Identifier: ISC */
#ifndef PARSES_H
#define PARSES_H

/* What the tests of messages in JSON share. To be included after cmocka.h. */
#include <string.h>

#include "../../cmd/json.h"

#define NOW ((q_time)1800000000 * Q_SECOND) /* 2027-01-15T08:00:00Z */

static inline const char *
parse(const char *line, struct json_push *j)
{
	return (json_parse(line, strlen(line), NOW, j));
}

static inline void
assert_parses(const char *line, struct json_push *j)
{
	const char *why = parse(line, j);

	if (why != NULL)
		fail_msg("%s: %s", line, why);
}

static inline void
assert_bytes(const void *got, size_t n, const void *wanted, size_t size)
{
	assert_int_equal(n, size);
	assert_memory_equal(got, wanted, size);
}

#endif
