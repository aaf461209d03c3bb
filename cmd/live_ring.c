/* SPDX-License-Identifier: ISC */
/* The numbers of a queue over time, as qwatch's board has seen them. */
#include <string.h>

#include "live_ring.h"

void
live_ring_add(struct live_ring *r, const struct live_sample *s)
{
	r->sample[r->next] = *s;
	r->next = (r->next + 1) % LIVE_SAMPLES;
	if (r->count < LIVE_SAMPLES)
		r->count++;
}

const struct live_sample *
live_ring_at(const struct live_ring *r, size_t n)
{
	return (n >= r->count
		    ? NULL
		    : &r->sample[(r->next + LIVE_SAMPLES - 1 - n) % LIVE_SAMPLES]);
}

static size_t
series(const struct live_ring *r, double *out, size_t n, size_t offset)
{
	size_t count = n < r->count ? n : r->count;

	for (size_t i = 0; i < count; i++) {
		const char *s = (const char *)live_ring_at(r, count - 1 - i);

		memcpy(&out[i], s + offset, sizeof(*out));
	}
	return (count);
}

size_t
live_ring_depth(const struct live_ring *r, double *out, size_t n)
{
	return (series(r, out, n, offsetof(struct live_sample, depth)));
}

size_t
live_ring_in(const struct live_ring *r, double *out, size_t n)
{
	return (series(r, out, n, offsetof(struct live_sample, in)));
}

size_t
live_ring_out(const struct live_ring *r, double *out, size_t n)
{
	return (series(r, out, n, offsetof(struct live_sample, out)));
}
