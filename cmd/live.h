/* SPDX-License-Identifier: ISC */
#ifndef LIVE_H
#define LIVE_H

/* The board of qwatch on a terminal: queues as they are, until the user quits. */

#include <stddef.h>

#include "q.h"

enum { LIVE_INTERVAL_MOST = 3600 }; /* seconds */

/*
 * Those named, or, if n is 0, all where names are looked up. stdin and stdout are a
 * terminal, and LC_CTYPE is set. They are looked at every interval, or less often if
 * that takes long. Returns the exit status.
 */
int live_run(char *const *names, size_t n, q_time interval);

#endif
