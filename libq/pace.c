/* SPDX-License-Identifier: ISC */
/* Rates of deliveries, kept in the boot record. */
#include "policy.h"

#include "pace.h"

/* Where the rate of a taker is kept: if not yet, in place of what is over soonest. */
static struct rate *
find(struct boot *b, q_time every)
{
	struct rate *best = &b->rate[RATE_QUEUE + 1];

	for (struct rate *r = best; r < b->rate + RATES; r++) {
		if (r->every == every)
			return (r);
		if (time_add(r->last, r->every) < time_add(best->last, best->every))
			best = r;
	}
	*best = (struct rate){ .every = every };
	return (best);
}

/* The rates that a take is under; NULL ends the list. */
static void
rates_of(struct txn *t, q_time every, struct rate *list[3])
{
	uint64_t rate = t->meta.option[Q_OPT_RATE];
	struct boot *b = &t->meta.boot;
	size_t n = 0;

	if (rate != 0) {
		b->rate[RATE_QUEUE].every = Q_SECOND / (q_time)rate;
		list[n++] = &b->rate[RATE_QUEUE];
	}
	if (every != 0)
		list[n++] = find(b, every);
	list[n] = NULL;
}

bool
pace_any(const struct txn *t, q_time every)
{
	return (every != 0 || t->meta.option[Q_OPT_RATE] != 0);
}

size_t
pace_allowed(struct txn *t, q_time every, size_t n, q_time *later)
{
	struct rate *list[3];

	*later = 0;
	rates_of(t, every, list);
	for (struct rate **r = list; *r != NULL; r++) {
		uint64_t most = policy_allowed(t->now.boot, (*r)->last, (*r)->every);
		q_time wait = policy_later(t->now.boot, (*r)->last, (*r)->every);

		n = most < n ? (size_t)most : n;
		*later = wait > *later ? wait : *later;
	}
	return (n);
}

void
pace_draw(struct txn *t, q_time every, size_t n)
{
	struct rate *list[3];

	if (n == 0)
		return;
	rates_of(t, every, list);
	for (struct rate **r = list; *r != NULL; r++) {
		(*r)->last = policy_went(t->now.boot, (*r)->last, (*r)->every, n);
		t->meta_changed |= 1U << META_REC_BOOT;
	}
}
