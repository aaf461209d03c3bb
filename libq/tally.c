/* SPDX-License-Identifier: ISC */
/* Rows of the history. */
#include <string.h>

#include "error.h"
#include "txn.h"

#include "tally.h"

/* Seeds, that no two records may change places; beyond those of enum meta_record. */
enum { SEED = 100 };

static const char *const keys[TALLIES] = {
	[HIST_WAIT] = "wait",
	[HIST_SERVICE] = "service",
	[HIST_TOTAL] = "total",
	[HIST_GAP] = "gap",
	[TALLY_RATES] = "rates",
};

static struct span
word(const char *key)
{
	return ((struct span){ key, strlen(key) });
}

static int
decode(struct tally *y, unsigned which, struct span v)
{
	return (which == TALLY_RATES
		    ? rates_decode(v.data, v.size, SEED + which, &y->rates)
		    : histogram_decode(v.data, v.size, SEED + which, &y->hist[which]));
}

enum tally_record
tally_record(struct span key, struct span value)
{
	struct tally ignored;

	for (unsigned which = 0; which < TALLIES; which++)
		if (strlen(keys[which]) == key.size &&
		    memcmp(keys[which], key.data, key.size) == 0)
			return (decode(&ignored, which, value) == 0 ? TALLY_WHOLE
								    : TALLY_DAMAGED);
	return (TALLY_NONE);
}

static int
load_one(struct txn *t, unsigned which)
{
	struct span v;
	int rc = txn_get(t, T_META, word(keys[which]), &v);

	if (rc == STORE_NONE)
		return (0);
	if (rc != 0)
		return (rc);
	/* LMDB cannot replace a row whose size is wrong without damage to others. */
	if (which == TALLY_RATES ? !rates_fits(v.size) : !histogram_fits(v.size))
		return (fail(Q_ECORRUPT,
		    "record '%s' is damaged (size); run 'qctl check'", keys[which]));
	if (decode(&t->tally, which, v) != 0)
		t->tally.damaged |= 1U << which;
	return (0);
}

static int
load(struct txn *t, unsigned wanted)
{
	int rc;

	for (unsigned which = 0; which < TALLIES; which++) {
		if (!(wanted & 1U << which) || t->tally.loaded & 1U << which)
			continue;
		if ((rc = load_one(t, which)) != 0)
			return (rc);
		t->tally.loaded |= 1U << which;
	}
	return (0);
}

int
tally_load(struct txn *t, unsigned wanted)
{
	int rc = load(t, wanted);

	/* The loss is kept with the rates, for qstat to tell. */
	if (rc == 0 && t->write && t->tally.damaged != 0 &&
	    (rc = load(t, 1U << TALLY_RATES)) == 0)
		t->tally.rates.anew = t->now.wall;
	return (rc);
}

int
tally_time(struct txn *t, enum history_which which, q_time length, uint64_t n)
{
	int rc = tally_load(t, 1U << which);

	if (rc == 0)
		history_add(&t->tally.hist[which], length, n);
	return (rc);
}

int
tally_pushed(struct txn *t, uint64_t n)
{
	q_time gap;
	int rc;

	if (n == 0)
		return (0);
	if ((rc = tally_load(t, 1U << TALLY_RATES | 1U << HIST_GAP)) != 0)
		return (rc);
	if (rates_pushed(&t->tally.rates, &t->now, n, &gap))
		history_add(&t->tally.hist[HIST_GAP], gap, 1);
	if (n > 1)
		history_add(&t->tally.hist[HIST_GAP], 0, n - 1);
	return (0);
}

int
tally_done(struct txn *t, uint64_t n)
{
	int rc = tally_load(t, 1U << TALLY_RATES);

	if (rc == 0)
		rates_add(&t->tally.rates, &t->now, RATES_OUT, n);
	return (rc);
}

int
tally_leased(struct txn *t)
{
	const uint64_t *c = t->meta.counter;
	uint64_t ahead = c[COUNT_AHEAD] != COUNT_UNKNOWN ? c[COUNT_AHEAD] : 0;
	int rc = tally_load(t, 1U << TALLY_RATES);

	if (rc == 0)
		rates_leased(&t->tally.rates, &t->now, c[COUNT_LEASED] - ahead);
	return (rc);
}

int
tally_save(struct txn *t)
{
	uint8_t record[HISTORY_MOST];
	int rc = 0;

	for (unsigned which = 0; which < TALLIES && rc == 0; which++) {
		size_t size;

		if (!(t->tally.loaded & 1U << which))
			continue;
		size =
		    which == TALLY_RATES
			? rates_encode(&t->tally.rates, SEED + which, record)
			: histogram_encode(&t->tally.hist[which], SEED + which, record);
		rc = txn_put(
		    t, T_META, word(keys[which]), (struct span){ record, size });
	}
	return (rc);
}
