/* SPDX-License-Identifier: ISC */
#ifndef TRAIL_H
#define TRAIL_H

/*
 * The pages on the way to a row, looked at before LMDB goes there. It believes what a
 * page says of itself: where numbers do not fit it searches for ever, reads and writes
 * outside of the page, or gives away pages that are in use. What it reads is looked at
 * in the state on disk, where a transaction begins, and each page once: what LMDB makes
 * of sound pages is sound.
 */

#include "way.h"

/* What is done to a row: the more, the more of its page, and those around, has to be
 * sound. A scan is to meet every row: none of the leaf, or of a page above, is hidden.
 */
enum trail_use { TRAIL_READ, TRAIL_SCAN, TRAIL_PUT, TRAIL_DROP };

/* Of one table. */
struct trail {
	bool known;  /* root and depth are */
	bool found;  /* so is a leaf, with the keys from low to high */
	bool rows;   /* all of its rows are sound */
	bool whole;  /* and all of the pages on the way: it may be split */
	bool sorted; /* and its keys are in order, from low to high */
	bool around; /* and those on both sides: it may be joined with one */
	unsigned depth;
	uint64_t root, leaf;
	uint64_t at;           /* the leaf that it came to last without a key */
	struct span low, high; /* data NULL: no bound */
	uint64_t room, safe; /* bytes that can be put there, or go, and it stays one */
	uint64_t put, dropped; /* bytes, in the whole table, by this transaction */
};

/* Of a transaction. All zeros: nothing is looked at, as the file is of our making. */
struct trails {
	struct sight sight;
	const struct store *store;
	struct trail of[TABLES];
	uint64_t joins[SIGHT_SEEN]; /* leaves looked at with all around them */
	uint64_t changed;           /* pages, at most, but for new ones */
};

/*
 * At the begin of a transaction that is to read, or to write. There the lists of free
 * pages that LMDB takes from first are looked at, too. Q_ECORRUPT.
 */
int trail_begin(struct trails *s, const struct store *store, MDB_txn *txn, bool write);
int trail_go(struct trails *s, enum table table, struct span key, enum trail_use use);

/* Whether nothing is done to the leaf that it was not looked at for. */
static inline bool
trail_has(const struct trail *r, struct span key, enum trail_use use)
{
	if (!r->found)
		return (false);
	if ((use == TRAIL_SCAN && !r->sorted) ||
	    (use == TRAIL_PUT && !(r->rows && (r->whole || r->put <= r->room))) ||
	    (use == TRAIL_DROP &&
		!(r->rows && (r->around || (r->put == 0 && r->dropped <= r->safe)))))
		return (false);
	return ((r->low.data == NULL || span_compare(r->low, key) <= 0) &&
		(r->high.data == NULL || span_compare(key, r->high) < 0));
}

/* Before LMDB looks for a key, or puts or drops so many bytes there. Q_ECORRUPT. */
static inline int
trail_check(struct trails *s, enum table table, struct span key, enum trail_use use,
    size_t bytes)
{
	struct trail *r = &s->of[table];

	if (s->sight.map == NULL)
		return (0);
	r->put += use == TRAIL_PUT ? bytes : 0;
	r->dropped += use == TRAIL_DROP ? bytes : 0;
	return (trail_has(r, key, use) ? 0 : trail_go(s, table, key, use));
}

/* After it went to a row, by whatever way: is it where it belongs? */
int trail_check_at(struct trails *s, enum table table, struct span key);
/* Before it gives back the pages of a value, if that has some of its own. */
int trail_check_run(struct trails *s, enum table table, struct span value);

#endif
