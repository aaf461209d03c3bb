/* SPDX-License-Identifier: ISC */
#ifndef LIVE_RING_H
#define LIVE_RING_H

/* The numbers of a queue over time: the newest, as many as a chart can show. */

#include "q.h"

enum { LIVE_SAMPLES = 512 };

/* At one time. NAN: not known. */
struct live_sample {
	q_time when;    /* monotonic */
	double depth;   /* messages ready and blocked */
	double in, out; /* pushed and done since the sample before, a second */
};

struct live_ring {
	struct live_sample sample[LIVE_SAMPLES];
	size_t next, count;
};

/* Takes the place of the oldest when there are so many. */
void live_ring_add(struct live_ring *r, const struct live_sample *s);
/* The last n samples of one number, the newest last; returns how many there are. */
size_t live_ring_depth(const struct live_ring *r, double *out, size_t n);
size_t live_ring_in(const struct live_ring *r, double *out, size_t n);
size_t live_ring_out(const struct live_ring *r, double *out, size_t n);
/* The nth from the newest, which is 0; NULL if there are not so many. */
const struct live_sample *live_ring_at(const struct live_ring *r, size_t n);

#endif
