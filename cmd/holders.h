/* SPDX-License-Identifier: ISC */
#ifndef HOLDERS_H
#define HOLDERS_H

/* Who uses queues now: leases and their processes, and the lock. */

#include <stdbool.h>
#include <stddef.h>

/* Print those of n queues; returns the exit status, after saying what is wrong. */
int holders_show(char **names, size_t n, bool json);

#endif
