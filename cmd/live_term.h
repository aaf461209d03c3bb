/* SPDX-License-Identifier: ISC */
#ifndef LIVE_TERM_H
#define LIVE_TERM_H

/*
 * The terminal of qwatch's board: taken, given back in whatever way the process ends,
 * and waited for. While it is taken, what is written to stderr is kept for the status
 * line.
 */

#include <stdbool.h>
#include <stddef.h>

#include "q.h"

/* 0, or an exit status after saying why this terminal will not do. */
int live_term_start(void);
/* Give it back; what stderr has got since is written there. Does nothing twice. */
void live_term_end(void);
bool live_term_colour(void);
/* Whether its characters are those of UTF-8, and whether it has all of them. */
bool live_term_utf8(void);
bool live_term_fonts(void);

/* Show what was drawn. Signals that end the process do so even if that blocks. */
void live_term_show(void);
/* Sleep until then (CLOCK_MONOTONIC), a key, a signal, or text for the status line. */
void live_term_wait(q_time until);
/* The next key that was typed: a character, or of enum live_code; 0 if there is none.
 */
int live_term_key(void);
/* Deal with signals: a new size, a stop, going on. Whether all is to be drawn. */
bool live_term_changed(void);
/* The signal that ends us, or SIGHUP if the terminal went away; 0: go on. */
int live_term_ended(void);
/* A line that was written to stderr; false if there is none. */
bool live_term_said(char *buf, size_t size);

#endif
