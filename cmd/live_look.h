/* SPDX-License-Identifier: ISC */
#ifndef LIVE_LOOK_H
#define LIVE_LOOK_H

/* What the board of qwatch reads of queues, in short looks that wait for nobody. */

#include "live_model.h"

enum { LIVE_ROWS = 32, LIVE_FAILURES = 16, LIVE_TEXT = 256 };

/* Texts are untrusted bytes of others, as they came. */
struct live_message {
	uint64_t id;
	q_time since; /* time of day: ready: pushed; leased: taken */
	q_time due;   /* of a lease; Q_FOREVER if it is held */
	pid_t pid;
	bool ahead; /* taken, and not begun */
	bool damaged;
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

/* 0, or an exit status after saying why: a queue that was named must be there. */
int live_look_check(char *const *names, size_t n);
/* One round: how each queue is now. */
void live_look_round(struct live_model *m);
/* Let go of what is open. */
void live_look_drop(struct live_queue *q);
/*
 * Look closer at q, if anything has changed since, or some seconds have passed. What
 * can no longer be read stays as it was.
 */
void live_look_closer(struct live_queue *q, struct live_detail *d);
/* Open it to change it; NULL, with why of LIVE_WHY bytes, if that cannot be. */
struct q *live_look_write(const char *name, char *why);

#endif
