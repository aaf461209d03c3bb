/* SPDX-License-Identifier: ISC */
#ifndef EVENTS_H
#define EVENTS_H

/* Printing what happens to queues, as it happens. */

#include <stddef.h>

#include "q.h"

struct events {
	char **names; /* of queues */
	size_t n;
	bool all; /* there are, and that will be */
	bool json;
	uint64_t count; /* end after so many; 0: never */
	q_time timeout; /* Q_FOREVER: none */
	q_time since;   /* from the log, from this time of day on; -1: from now */
	bool once;      /* what there is, and no more */
};

/* The exit status. DIAG_NO: there were fewer than count in the time given. */
int events_print(const struct events *how);

#endif
