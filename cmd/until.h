/* SPDX-License-Identifier: ISC */
#ifndef UNTIL_H
#define UNTIL_H

/*
 * Waiting until a condition is met: one on the numbers of a queue (cond.h), or "done
 * ID" on a message.
 */

#include "cond.h"

struct until {
	uint64_t id;      /* of the message that is to be done; 0: cond counts */
	struct cond cond; /* of numbers */
	const char *text; /* as it was given */
};

/* NULL, or why it is none, valid until this thread's next call. */
const char *until_parse(const char *text, struct until *u);
/* The exit status: 0 when it is met, DIAG_NO when the time is over before. */
int until_wait(struct q *q, const char *name, const struct until *u, q_time timeout);
/*
 * Wait for the end of a message, print the output of its COMMAND, and return the exit
 * status: that of the COMMAND, or why there is none. Or all that is known, as JSON.
 */
int until_ended(struct q *q, const char *name, uint64_t id, q_time timeout, bool json);

#endif
