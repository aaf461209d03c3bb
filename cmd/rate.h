/* SPDX-License-Identifier: ISC */
#ifndef RATE_H
#define RATE_H

/* Rates as people type them. */

#include "q.h"

/*
 * "10/s", "90/m", "5/h", "100/d"; a bare number is a second's. *every is the time from
 * one to the next. NULL, or why it is none, valid until this thread's next call.
 */
const char *rate_parse(const char *text, q_time *every);

#endif
