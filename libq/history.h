/* SPDX-License-Identifier: ISC */
#ifndef HISTORY_H
#define HISTORY_H

/*
 * What has happened in a queue, in numbers: how long messages waited and were worked
 * on, and how many came and went lately. Pure values; their records are in the table
 * meta, with the layout of q(5).
 */

#include "clock.h"

enum history_which {
	HIST_WAIT, /* from the push, or the end of its delay, to the first delivery */
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

/*
 * Slots are of the boot clock, which nobody sets. That another boot has begun shows in
 * how far the wall clock is ahead of it; so does a wall clock that was set, and is not
 * told apart. In both cases counting begins anew: a rate may be of a shorter time than
 * asked for, but never wrong.
 */
struct rates {
	q_time since;    /* when counting began; 0: it has not */
	q_time last;     /* when something was last counted */
	q_time ahead;    /* wall less boot clock then */
	q_time pushed;   /* the last push, for HIST_GAP; 0: none */
	q_time anew;     /* wall clock: when a damaged record was given up; 0: never */
	uint64_t newest; /* number of the newest fine slot */
	uint32_t fine[2][FINE_SLOTS],
	    coarse[2][COARSE_SLOTS];   /* [in, out], by number */
	uint32_t leased[COARSE_SLOTS]; /* the most at once */
};

enum rates_which { RATES_IN, RATES_OUT };

/* Count n events at a time. */
void rates_add(
    struct rates *r, const struct clock *now, enum rates_which which, uint64_t n);
/* So many are leased. */
void rates_leased(struct rates *r, const struct clock *now, uint64_t n);
/* n messages are pushed. *gap: the time since the push before. false: that is unknown.
 */
bool rates_pushed(struct rates *r, const struct clock *now, uint64_t n, q_time *gap);
/*
 * Events a second over the last window (60, 300 or 900 s), or since counting began.
 * *seen: how many that are.
 */
double rates_over(const struct rates *r, const struct clock *now,
    enum rates_which which, q_time window, uint64_t *seen);
/* The most at work at once in the last quarter of an hour, as far as takes have seen.
 */
uint64_t rates_most(const struct rates *r, const struct clock *now);

enum { HISTORY_MOST = 1024 }; /* bytes of any of these records */

size_t histogram_encode(const struct q_histogram *h, uint64_t seed, uint8_t *record);
int histogram_decode(
    const void *record, size_t size, uint64_t seed, struct q_histogram *h);
size_t rates_encode(const struct rates *r, uint64_t seed, uint8_t *record);
int rates_decode(const void *record, size_t size, uint64_t seed, struct rates *r);

/* Whether records may have that size; if not, their page is damaged. */
bool histogram_fits(size_t size);
bool rates_fits(size_t size);

#endif
