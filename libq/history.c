/* SPDX-License-Identifier: ISC */
/* Histograms of times, rates of events, and the codecs of both. */
#include "bytes.h"
#include "error.h"
#include "hash.h"

#include "history.h"

/* Two buckets an octave, from a microsecond on: bounds 1, 1.414, 2, 2.828, 4 us, ... */
enum { FIRST = 1000, HALF = 1414 };

q_time
q_bucket_bound(size_t i)
{
	q_time octave;

	if (i >= Q_BUCKETS - 1)
		return (Q_FOREVER);
	octave = (q_time)1 << i / 2;
	return (octave * (i % 2 == 0 ? FIRST : HALF));
}

/* The first bucket whose bound is not below it. */
static size_t
bucket_of(q_time length)
{
	size_t octave, i;

	if (length <= FIRST)
		return (0);
	octave = 63 - (size_t)__builtin_clzll((unsigned long long)(length - 1) / FIRST);
	i = 2 * octave + 1;
	if (i >= Q_BUCKETS - 1)
		return (Q_BUCKETS - 1);
	return (length <= q_bucket_bound(i) ? i : i + 1);
}

void
history_add(struct q_histogram *h, q_time length, uint64_t n)
{
	if (length < 0)
		length = 0;
	h->count += n;
	h->bucket[bucket_of(length)] += n;
	if (__builtin_mul_overflow((uint64_t)length / FIRST, n, &n) ||
	    __builtin_add_overflow(h->sum, n, &h->sum))
		h->sum = UINT64_MAX;
}

double
q_histogram_mean(const struct q_histogram *h)
{
	return (h->count > 0 ? (double)h->sum * 1e-6 / (double)h->count : 0);
}

double
q_histogram_quantile(const struct q_histogram *h, double p)
{
	double rank = p * (double)h->count, below = 0, low, high;

	for (size_t i = 0; i < Q_BUCKETS; i++) {
		double here = (double)h->bucket[i];

		if (here == 0 || below + here < rank) {
			below += here;
			continue;
		}
		low = i > 0 ? (double)q_bucket_bound(i - 1) * 1e-9 : 0;
		if (i == Q_BUCKETS - 1)
			return (low);
		high = (double)q_bucket_bound(i) * 1e-9;
		return (low + (high - low) * (rank - below) / here);
	}
	return (0);
}

double
q_histogram_variation(const struct q_histogram *h)
{
	double mean = q_histogram_mean(h), squares = 0;

	if (h->count < 2 || mean <= 0)
		return (0);
	for (size_t i = 0; i < Q_BUCKETS; i++) {
		double low = i > 0 ? (double)q_bucket_bound(i - 1) * 1e-9 : 0;
		double high =
		    i < Q_BUCKETS - 1 ? (double)q_bucket_bound(i) * 1e-9 : low;
		double d = (low + high) / 2 - mean;

		squares += (double)h->bucket[i] * d * d;
	}
	return (squares / (double)h->count / (mean * mean));
}

/* ---- rates ---- */

static uint64_t
slot_at(q_time now)
{
	return ((uint64_t)now / ((uint64_t)FINE_SECONDS * (uint64_t)Q_SECOND));
}

enum { FINE_A_COARSE = COARSE_SECONDS / FINE_SECONDS };

/* Slots between the newest and this one are empty. */
static void
advance(struct rates *r, uint64_t slot)
{
	uint64_t coarse = r->newest / FINE_A_COARSE;

	for (uint64_t s = r->newest + 1, n = 0; s <= slot && n < FINE_SLOTS; s++, n++)
		r->fine[0][s % FINE_SLOTS] = r->fine[1][s % FINE_SLOTS] = 0;
	for (uint64_t s = coarse + 1, n = 0;
	     s <= slot / FINE_A_COARSE && n < COARSE_SLOTS; s++, n++) {
		r->coarse[0][s % COARSE_SLOTS] = r->coarse[1][s % COARSE_SLOTS] = 0;
		r->leased[s % COARSE_SLOTS] = 0;
	}
	r->newest = slot;
}

/* Clocks are disciplined by a two thousandth at most; more is a boot, or a step. */
static bool
goes_on(const struct rates *r, const struct clock *now)
{
	q_time moved, slack;

	if (r->since == 0 || now->boot < r->last)
		return (false);
	if (__builtin_sub_overflow(now->wall - now->boot, r->ahead, &moved))
		return (false);
	slack = Q_SECOND + (now->boot - r->last) / 2000;
	return (moved <= slack && moved >= -slack);
}

static void
move_on(struct rates *r, const struct clock *now)
{
	uint64_t slot = slot_at(now->boot);

	if (!goes_on(r, now))
		*r = (struct rates){
			.since = now->boot, .anew = r->anew, .newest = slot
		};
	advance(r, slot);
	r->last = now->boot;
	r->ahead = now->wall - now->boot;
}

static void
add_up(uint32_t *sum, uint64_t n)
{
	*sum = n > UINT32_MAX - *sum ? UINT32_MAX : *sum + (uint32_t)n;
}

void
rates_add(struct rates *r, const struct clock *now, enum rates_which which, uint64_t n)
{
	move_on(r, now);
	add_up(&r->fine[which][r->newest % FINE_SLOTS], n);
	add_up(&r->coarse[which][r->newest / FINE_A_COARSE % COARSE_SLOTS], n);
}

void
rates_leased(struct rates *r, const struct clock *now, uint64_t n)
{
	uint32_t *most, leased = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;

	move_on(r, now);
	most = &r->leased[r->newest / FINE_A_COARSE % COARSE_SLOTS];
	if (*most < leased)
		*most = leased;
}

bool
rates_pushed(struct rates *r, const struct clock *now, uint64_t n, q_time *gap)
{
	bool known;

	rates_add(r, now, RATES_IN, n);
	known = r->pushed != 0;
	*gap = known ? now->boot - r->pushed : 0;
	r->pushed = now->boot;
	return (known);
}

double
rates_over(const struct rates *r, const struct clock *now, enum rates_which which,
    q_time window, uint64_t *seen)
{
	bool fine = window <= (q_time)FINE_SECONDS * (FINE_SLOTS - 1) * Q_SECOND;
	q_time width = (fine ? FINE_SECONDS : COARSE_SECONDS) * Q_SECOND;
	uint64_t slots = (uint64_t)(window / width), newest;
	struct rates at = *r;
	q_time covered;

	*seen = 0;
	if (!goes_on(r, now))
		return (0);
	advance(&at, slot_at(now->boot));
	newest = fine ? at.newest : at.newest / FINE_A_COARSE;
	/* The slot that is not over, and the whole ones before it. */
	for (uint64_t i = 0; i <= slots && i <= newest; i++)
		*seen += fine ? at.fine[which][(newest - i) % FINE_SLOTS]
		              : at.coarse[which][(newest - i) % COARSE_SLOTS];
	covered = (q_time)slots * width + now->boot % width;
	if (covered > now->boot - r->since)
		covered = now->boot - r->since;
	/* Of the first second nothing is known yet. */
	if (covered < Q_SECOND)
		covered = Q_SECOND;
	return ((double)*seen / ((double)covered / (double)Q_SECOND));
}

uint64_t
rates_most(const struct rates *r, const struct clock *now)
{
	struct rates at = *r;
	uint64_t most = 0;

	if (!goes_on(r, now))
		return (0);
	advance(&at, slot_at(now->boot));
	for (int i = 0; i < COARSE_SLOTS; i++)
		if (most < at.leased[i])
			most = at.leased[i];
	return (most);
}

/* ---- records ---- */

enum {
	HISTOGRAM_SIZE = 24, /* without its buckets */
	BUCKET_SIZE = 9,
	RATES_SIZE = 56 + 4 * (2 * FINE_SLOTS + 3 * COARSE_SLOTS),
};

bool
histogram_fits(size_t size)
{
	return (size >= HISTOGRAM_SIZE &&
		size <= HISTOGRAM_SIZE + (size_t)BUCKET_SIZE * Q_BUCKETS &&
		(size - HISTOGRAM_SIZE) % BUCKET_SIZE == 0);
}

bool
rates_fits(size_t size)
{
	return (size == RATES_SIZE);
}

size_t
histogram_encode(const struct q_histogram *h, uint64_t seed, uint8_t *record)
{
	uint8_t *p = put_be64(put_be64(record + 8, h->count), h->sum);

	for (size_t i = 0; i < Q_BUCKETS; i++) {
		if (h->bucket[i] == 0)
			continue;
		*p++ = (uint8_t)i;
		p = put_be64(p, h->bucket[i]);
	}
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, seed));
	return ((size_t)(p - record));
}

static int
damaged(void)
{
	return (fail(Q_ECORRUPT, "a record of times or rates is damaged"));
}

static struct reader
checked(const void *record, size_t size, uint64_t seed)
{
	struct reader r = { record, (const uint8_t *)record + size,
		size > HISTORY_MOST };
	uint64_t check = read_be64(&r);

	if (!r.bad && check != hash_record(r.p, (size_t)(r.end - r.p), seed))
		r.bad = true;
	return (r);
}

int
histogram_decode(
    const void *record, size_t size, uint64_t seed, struct q_histogram *out)
{
	struct reader r = checked(record, size, seed);
	struct q_histogram h = { 0 };
	uint64_t all = 0;
	int last = -1;

	h.count = read_be64(&r);
	h.sum = read_be64(&r);
	while (!r.bad && r.p < r.end) {
		uint8_t i = read_8(&r);
		uint64_t n = read_be64(&r);

		if (i >= Q_BUCKETS || (int)i <= last || n == 0)
			return (damaged());
		h.bucket[i] = n;
		all += n;
		last = i;
	}
	if (r.bad || all != h.count)
		return (damaged());
	*out = h;
	return (0);
}

size_t
rates_encode(const struct rates *r, uint64_t seed, uint8_t *record)
{
	uint8_t *p = put_be64(record + 8, (uint64_t)r->since);

	p = put_be64(p, (uint64_t)r->last);
	p = put_be64(p, (uint64_t)r->ahead);
	p = put_be64(p, (uint64_t)r->pushed);
	p = put_be64(p, (uint64_t)r->anew);
	p = put_be64(p, r->newest);
	for (int which = 0; which < 2; which++) {
		for (int i = 0; i < FINE_SLOTS; i++)
			p = put_be32(p, r->fine[which][i]);
		for (int i = 0; i < COARSE_SLOTS; i++)
			p = put_be32(p, r->coarse[which][i]);
	}
	for (int i = 0; i < COARSE_SLOTS; i++)
		p = put_be32(p, r->leased[i]);
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, seed));
	return ((size_t)(p - record));
}

/* No clock since the boot is negative, and the slots end where the last event is. */
static bool
may_be(const struct rates *r)
{
	return (r->since >= 0 && r->since <= r->last && r->pushed >= 0 &&
		r->pushed <= r->last && r->newest == slot_at(r->last));
}

int
rates_decode(const void *record, size_t size, uint64_t seed, struct rates *out)
{
	struct reader r = checked(record, size, seed);
	struct rates got = { 0 };

	got.since = (q_time)read_be64(&r);
	got.last = (q_time)read_be64(&r);
	got.ahead = (q_time)read_be64(&r);
	got.pushed = (q_time)read_be64(&r);
	got.anew = (q_time)read_be64(&r);
	got.newest = read_be64(&r);
	for (int which = 0; which < 2; which++) {
		for (int i = 0; i < FINE_SLOTS; i++)
			got.fine[which][i] = read_be32(&r);
		for (int i = 0; i < COARSE_SLOTS; i++)
			got.coarse[which][i] = read_be32(&r);
	}
	for (int i = 0; i < COARSE_SLOTS; i++)
		got.leased[i] = read_be32(&r);
	if (r.bad || r.p != r.end || !may_be(&got))
		return (damaged());
	*out = got;
	return (0);
}
