/* SPDX-License-Identifier: ISC */
#ifndef LIVE_DETAIL_H
#define LIVE_DETAIL_H

/* What the board of qwatch shows of the queue that is opened: some of its messages. */

#include "live_model.h"

enum { LIVE_ROWS = 32, LIVE_FAILURES = 16, LIVE_TEXT = 256 };

/* Texts are untrusted bytes of others, as they came. */
struct live_message {
	uint64_t id;
	q_time since; /* time of day: ready: pushed; leased: taken */
	q_time due;   /* of a lease; Q_FOREVER if it is held */
	pid_t pid;
	bool ahead; /* taken, and not begun */
	bool damaged, blob;
	char command[LIVE_TEXT]; /* of the process that has it; "" if unknown */
	char body[LIVE_TEXT];
	size_t body_size;
};

struct live_failure {
	uint64_t id;
	uint32_t delivery;
	q_time when; /* time of day */
	enum q_state state;
	uint32_t attempt, max_attempts;
	char reason[LIVE_TEXT];
};

/* More of one queue. */
struct live_detail {
	struct live_message oldest; /* that is ready; id 0 if none is */
	struct live_message leased[LIVE_ROWS];
	size_t leased_count;
	struct live_failure failure[LIVE_FAILURES];
	size_t failure_count;
	struct q_stat of; /* the numbers at that time */
	q_time read;      /* monotonic; 0: never */
};

/*
 * Look closer at q, if anything has changed since, or some seconds have passed. What
 * can no longer be read stays as it was.
 */
void live_detail_read(struct live_queue *q, struct live_detail *d);

#endif
