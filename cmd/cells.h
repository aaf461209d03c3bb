/* SPDX-License-Identifier: ISC */
#ifndef CELLS_H
#define CELLS_H

/* Numbers of a queue, and untrusted text, as cells of a table. */

#include <stdbool.h>

#include "q.h"

enum { CELLS_TEXT = 32 }; /* bytes of a number, with the NUL */

/* "0.25", "12.3", "4210"; "-" for NAN. */
const char *cells_rate(char buf[CELLS_TEXT], double rate);
/* "123456", "12.3M". */
const char *cells_count(char buf[CELLS_TEXT], uint64_t n);
/*
 * The time until nothing waits, "+12/min" if it grows, "steady"; "-" if nothing waits,
 * or there is too little to go by.
 */
const char *cells_drain(char buf[CELLS_TEXT], const struct q_stat *st);
/* Which ways are paused: "in", "out", "both" or "-". */
const char *cells_paused(const struct q_stat *st);

/*
 * As much of n untrusted bytes as width columns of a terminal show, safe as
 * text_escape() makes it, and cut with a mark at its end. Characters come out only if
 * utf8, and in a locale of it; else '?' stands for each. Writes at most size (at least
 * 1) bytes with the NUL, and returns the columns that are used.
 */
size_t cells_fit(
    char *buf, size_t size, const void *bytes, size_t n, size_t width, bool utf8);

#endif
