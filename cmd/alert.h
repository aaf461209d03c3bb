/* SPDX-License-Identifier: ISC */
#ifndef ALERT_H
#define ALERT_H

/* Running a command each time a queue comes to meet a condition. */

#include "cond.h"

struct alert {
	char **names; /* of queues */
	size_t n;
	bool all;                      /* there are, and that will be */
	const char *text, *clear_text; /* the conditions as given; or NULL */
	struct cond cond, clear;
	char **command;
	uint64_t count; /* end after so many runs; 0: never */
	q_time timeout; /* Q_FOREVER: none */
};

/*
 * The exit status. It runs when cond is met, and not again before clear was met, or
 * cond is not, if there is none. When clear is met, it runs, too. DIAG_NO: there were
 * fewer runs than count in the time given.
 */
int alert_run(const struct alert *how);

#endif
