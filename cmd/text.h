/* SPDX-License-Identifier: ISC */
#ifndef TEXT_H
#define TEXT_H

/*
 * Values and untrusted bytes as people and terminals may see them. The functions that
 * fill a buffer return it, so that a call can be an argument of printf().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { /* bytes that are enough for any value, with the NUL */
	TEXT_DURATION = 32,
	TEXT_SIZE = 32,
	TEXT_TIME = 64,
	TEXT_SIGNAL = 24,
};

/* "12 s", "5 min", "2 h", "3 d": cut to the coarsest unit that says enough. */
const char *text_duration(char buf[TEXT_DURATION], int64_t ns);

/* The same for what is measured or computed, to three digits: "1.65 s", "12.3 ms". */
const char *text_seconds(char buf[TEXT_DURATION], double seconds);

/* "100 B", "1.2 KiB", "64.0 MiB". */
const char *text_size(char buf[TEXT_SIZE], uint64_t bytes);

/* "2026-11-21T18:00:00.123456789Z" from nanoseconds since 1970. */
const char *text_time(char buf[TEXT_TIME], int64_t when);

/* "SIGKILL", or "signal 34" for one without a name. */
const char *text_signal(char buf[TEXT_SIGNAL], int sig);

/*
 * Show n untrusted bytes so that they cannot act on a terminal or reorder a line:
 * control characters, line separators, bidirectional controls and what is not UTF-8
 * become \xHH or \u{...}; other UTF-8 passes, and so does '\'. Writes what fits into
 * size (at least 1) bytes, whole characters and a NUL, and returns how many of the n it
 * has shown.
 */
size_t text_escape(char *buf, size_t size, const void *bytes, size_t n);

/* The same to a stream. Errors stay in the stream, for diag_close_stdout(). */
void text_print(FILE *stream, const void *bytes, size_t n);

/* Whether all n bytes are UTF-8. */
bool text_is_utf8(const void *bytes, size_t n);

#endif
