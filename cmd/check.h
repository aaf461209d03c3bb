/* SPDX-License-Identifier: ISC */
#ifndef CHECK_H
#define CHECK_H

/* Conditions on queues, answered as plugins of Nagios do. */

#include <stddef.h>
#include <stdio.h>

#include "board.h"

enum check_status {
	CHECK_OK = 0,
	CHECK_WARNING = 1,
	CHECK_CRITICAL = 2,
	CHECK_UNKNOWN = 3
};

/* Conditions as text, and what it means when one is met. */
struct check {
	const char **text;
	enum check_status *level;
	size_t n;
};

/* Add a condition. It is read by check_print(). */
void check_add(struct check *check, const char *text, enum check_status level);
void check_free(struct check *check);

/*
 * Print one line, with all numbers that the conditions look at behind a '|', and return
 * the exit status. A malformed condition, a queue that could not be read, and no queue
 * at all are unknown. Errors of out stay in the stream.
 */
int check_print(const struct check *check, const struct board_row *rows, size_t n,
    q_time now, FILE *out);

#endif
