/* SPDX-License-Identifier: ISC */
#ifndef EVENT_H
#define EVENT_H

/*
 * Small records about what happened to a message: one a failed delivery, in the table
 * failure, one a remembered end, in the table done, and one a key, in the table unique.
 * Layout in q(5).
 */

#include "q.h"

struct failure {
	q_time when; /* wall clock */
	uint32_t pid;
	struct q_report report; /* its texts not NUL-terminated when decoded */
	const char *reason;     /* not NUL-terminated */
	size_t host_size, reason_size;
};

enum {
	FAILURE_FIXED = 8 + 8 + 4 + 1 + 1 + 2 + 8 + 8 + 8 + 2 + 2 + 2 + 2,
	FAILURE_HOST_MOST = 255,
	FAILURE_MAX = FAILURE_FIXED + FAILURE_HOST_MOST + Q_MAX_REASON + Q_MAX_OUTPUT +
	              Q_MAX_COMMAND,
	DONE_SIZE = 8 + 4 + 1 + 8,
};

/* Returns the size. The parts are within their limits. */
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

/* A key, in the table unique. */
struct unique {
	uint64_t id;  /* the message that has it, or had */
	q_time until; /* wall clock; 0: as long as that message waits or is leased */
};

enum { UNIQUE_SIZE = 8 + 8 + 8 };

void unique_encode(
    const struct unique *u, const uint8_t hash[16], uint8_t record[UNIQUE_SIZE]);
int unique_decode(
    const void *record, size_t size, const uint8_t hash[16], struct unique *u);

#endif
