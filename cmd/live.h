/* SPDX-License-Identifier: ISC */
#ifndef LIVE_H
#define LIVE_H

/* The board of qwatch on a terminal: queues as they are, until the user quits. */

#include <stddef.h>

/*
 * Those named, or, if n is 0, all where names are looked up. stdin and stdout are a
 * terminal, and LC_CTYPE is set. Returns the exit status.
 */
int live_run(char *const *names, size_t n);

#endif
