/* SPDX-License-Identifier: ISC */
#ifndef HISTORY_H
#define HISTORY_H

/*
 * What has happened in a queue, in numbers: how long messages waited and were worked
 * on, and how many came and went lately. Pure values; their records are in the table
 * meta, with the layout of q(5).
 */

#include "q.h"

enum history_which {
	HIST_WAIT,    /* from the push to the first delivery */
	HIST_SERVICE, /* from a delivery until it was settled as done, failed or dead */
	HIST_TOTAL,   /* from the push until it was done */
	HIST_GAP,     /* from one push to the next */
	HISTS
};

/* Add n times of the same length; negative ones, of a clock that was set, count as 0.
 */
void history_add(struct q_histogram *h, q_time length, uint64_t n);

/* Events of the last quarter of an hour, in slots of 5 seconds and of a minute. */
enum { FINE_SLOTS = 13, FINE_SECONDS = 5, COARSE_SLOTS = 16, COARSE_SECONDS = 60 };

struct rates {
	q_time since;    /* when counting began; all times are wall clock */
	q_time last;     /* the last push, for HIST_GAP; 0: none */
	uint64_t newest; /* number of the newest fine slot */
	uint32_t fine[2][FINE_SLOTS],
	    coarse[2][COARSE_SLOTS]; /* [in, out], by number */
};

enum rates_which { RATES_IN, RATES_OUT };

/* Count n events at a time. A clock that was set back far begins anew. */
void rates_add(struct rates *r, q_time now, enum rates_which which, uint64_t n);
/* Events a second over the last window (60, 300 or 900 s), or since counting began. */
double rates_over(
    const struct rates *r, q_time now, enum rates_which which, q_time window);

enum { HISTORY_MOST = 1024 }; /* bytes of any of these records */

size_t histogram_encode(const struct q_histogram *h, uint64_t seed, uint8_t *record);
int histogram_decode(
    const void *record, size_t size, uint64_t seed, struct q_histogram *h);
size_t rates_encode(const struct rates *r, uint64_t seed, uint8_t *record);
int rates_decode(const void *record, size_t size, uint64_t seed, struct rates *r);

#endif
