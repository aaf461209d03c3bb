/* SPDX-License-Identifier: ISC */
#ifndef CALL_H
#define CALL_H

/* Waiting for what becomes of a message. */

#include "q.h"

/*
 * Wait for the end of message id of queue name, print the output of its COMMAND, and
 * return the exit status: that of the COMMAND, or why there is none.
 */
int call_wait(struct q *q, const char *name, uint64_t id, q_time wait);
/* The same for an end that is known; or with all that is known of it, as JSON. */
int call_end(struct q *q, const char *name, const struct q_result *r, bool json);

#endif
