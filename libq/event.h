/* SPDX-License-Identifier: ISC */
#ifndef EVENT_H
#define EVENT_H

/*
 * Small records about what happened to a message: one a failed delivery, in the table
 * failure, and one a remembered end, in the table done. Layout in q(5).
 */

#include "q.h"

struct failure {
	q_time when; /* wall clock */
	uint32_t pid;
	const char *reason; /* not NUL-terminated */
	size_t reason_size;
};

enum {
	FAILURE_FIXED = 8 + 8 + 4 + 2,
	FAILURE_MAX = FAILURE_FIXED + Q_MAX_REASON,
	DONE_SIZE = 8 + 4 + 1 + 8,
};

/* Returns the size. reason_size is at most Q_MAX_REASON. */
size_t failure_encode(
    const struct failure *f, uint64_t id, uint8_t record[FAILURE_MAX]);
int failure_decode(const void *record, size_t size, uint64_t id, struct failure *f);

struct done {
	uint32_t delivery; /* the one that ended it */
	uint8_t verb;      /* enum q_verb */
	q_time when;       /* wall clock */
};

void done_encode(const struct done *d, uint64_t id, uint8_t record[DONE_SIZE]);
int done_decode(const void *record, size_t size, uint64_t id, struct done *d);

#endif
