/* SPDX-License-Identifier: ISC */
#ifndef PARSE_H
#define PARSE_H

/*
 * Numbers, durations, sizes and times as people type them.
 *
 * Each function returns NULL and stores the value, or returns why it cannot, as
 * "'10 min' is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)", and stores nothing.
 * That text is valid until this thread's next call; it quotes the input, shortened and
 * with control characters made visible.
 */

#include <stdint.h>

/* Decimal integers. The bounds are part of what is asked for, and named in the error.
 */
const char *parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *n);
const char *parse_int(const char *text, int64_t min, int64_t max, int64_t *n);

/* "90" (seconds), "1.5s", "2h30m": nanoseconds, never negative. */
const char *parse_duration(const char *text, int64_t *ns);

/* "100", "64K", "10MiB", in powers of 1024. */
const char *parse_size(const char *text, uint64_t *bytes);

/*
 * A time of day: RFC 3339, or without a zone in local time ("2026-11-21 18:00"),
 * "18:00" (the next after now), "tomorrow", "tomorrow 18:00", "@1790000000.5".
 * Nanoseconds since 1970, as now is; years 1970 to 2262.
 */
const char *parse_time(const char *text, int64_t now, int64_t *when);

#endif
