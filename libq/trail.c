/* SPDX-License-Identifier: ISC */
/* Looking at pages before LMDB does. */
#include <string.h>

#include "error.h"

#include "trail.h"

/* So many free pages are looked at, those that LMDB takes first: a longer transaction
 * believes the rest. */
enum { FREE_NUMBERS = 128 };
/* Pages that LMDB keeps in memory (MDB_IDL_UM_MAX), with room for what else it writes.
 */
enum { DIRTY_MOST = (1 << 17) - (1 << 12) };

static int
damaged(const char *tree, uint64_t page)
{
	return (
	    fail(Q_ECORRUPT, "data.mdb is damaged (page %llu of %s); run 'qctl check'",
		(unsigned long long)page, tree));
}

/* What the keys of the leaf at the end of the way lie between. */
static void
note_bounds(struct trail *r, const struct way *w)
{
	struct page_row row;

	r->low = r->high = (struct span){ NULL, 0 };
	for (unsigned i = 0; i + 1 < w->n; i++) {
		const struct step *step = &w->step[i];

		if (step->at > 0 && page_row(&step->page, step->at, &row))
			r->low = (struct span){ row.key, row.key_size };
		if (step->at + 1 < step->page.rows &&
		    page_row(&step->page, step->at + 1, &row))
			r->high = (struct span){ row.key, row.key_size };
	}
}

/* LMDB joins a leaf with one beside it when less than a quarter of it is in use. */
static uint64_t
to_spare(const struct trail *r, const struct page *p)
{
	size_t most = p->size - page_run_head();
	size_t used = most - p->room, quarter = most / 4 + 1;

	if (r->depth == 1)
		return (UINT64_MAX);
	return (used > quarter ? used - quarter : 0);
}

/*
 * What is put or goes in a leaf of room enough moves bytes of others, and only its own
 * row has to be sound. That is less than all of them, unless there are more to come.
 */
static bool
look_at_leaf(struct trails *s, struct trail *r, struct span key, struct step *end)
{
	bool is = false;

	if (end->number != r->leaf && !way_find(&end->page, key, &end->at, &is))
		return (false);
	r->leaf = end->number;
	r->rows = !is;
	return (is || way_look(&s->sight, end->number, true, &end->page));
}

/* Whether its keys are in order, and all where they would be looked for. */
static bool
is_sorted(const struct trail *r, const struct page *p)
{
	struct span last = r->low;
	struct page_row row;

	for (unsigned i = 0; i < p->rows; i++) {
		struct span key;

		if (!page_row(p, i, &row))
			return (false);
		key = (struct span){ row.key, row.key_size };
		if (last.data != NULL && span_compare(last, key) > (i > 0 ? -1 : 0))
			return (false);
		last = key;
	}
	return (r->high.data == NULL || span_compare(last, r->high) < 0);
}

/* The pages on a way, as a whole; and with around, those next to them. */
static bool
look_at_all(struct trails *s, const struct way *w, bool around)
{
	uint64_t leaf = w->step[w->n - 1].number, *joins = &s->joins[leaf % SIGHT_SEEN];
	struct page p;

	if (*joins == leaf)
		return (true);
	for (unsigned i = 0; i < w->n; i++)
		if (!way_look(&s->sight, w->step[i].number, true, &p))
			return (false);
	if (!around)
		return (true);
	if (!way_look_around(&s->sight, w))
		return (false);
	*joins = leaf;
	return (true);
}

static bool
go(struct trails *s, struct trail *r, struct span key, enum trail_use use)
{
	struct step *end;
	struct way w;

	r->found = r->rows = r->whole = r->around = r->sorted = false;
	if (!way_go(&s->sight, r->root, r->depth, &key, false, &w))
		return (false);
	end = &w.step[w.n - 1];
	if ((use == TRAIL_PUT || use == TRAIL_DROP) && !look_at_leaf(s, r, key, end))
		return (false);
	r->room = end->page.room;
	r->safe = to_spare(r, &end->page);
	r->whole = use == TRAIL_SCAN || (use == TRAIL_PUT && r->put > r->room);
	r->around = use == TRAIL_DROP && (r->put > 0 || r->dropped > r->safe);
	if ((r->whole || r->around) && !look_at_all(s, &w, r->around))
		return (false);
	r->rows = r->rows || r->whole || r->around;
	note_bounds(r, &w);
	r->sorted = use == TRAIL_SCAN && is_sorted(r, &end->page);
	r->found = use != TRAIL_SCAN || r->sorted;
	return (r->found);
}

/*
 * A transaction that changes more pages than LMDB keeps in memory has some of them
 * written before its end, and reads them from the file: they are not of the state that
 * it began with, and nothing more is looked at. Each leaf that it comes to is one, with
 * the two beside it and all above; what it puts may take four times as much.
 */
static bool
outgrows(struct trails *s)
{
	uint64_t bytes = 0;

	for (int i = 0; i < TABLES; i++)
		bytes += s->of[i].put;
	if (s->changed + 4 * bytes / s->sight.page <= DIRTY_MOST)
		return (false);
	s->sight.map = NULL;
	return (true);
}

static struct trail *
known(struct trails *s, enum table table)
{
	struct trail *r = &s->of[table];

	if (!r->known && s->sight.map != NULL) {
		r->root = s->store->tree[table].root;
		r->depth = s->store->tree[table].depth;
		r->known = true;
	}
	return (r);
}

int
trail_go(struct trails *s, enum table table, struct span key, enum trail_use use)
{
	struct trail *r = known(s, table);

	if (use == TRAIL_PUT || use == TRAIL_DROP)
		s->changed += 3 * (uint64_t)r->depth;
	return (r->root == PAGE_NONE || go(s, r, key, use) || outgrows(s)
		    ? 0
		    : damaged(store_table_name(table), s->sight.bad));
}

/* Where in the file something is: false: it is in a page that LMDB has copied. */
static bool
is_mapped(const struct trails *s, const void *data, uint64_t *page, size_t *at)
{
	uintptr_t from = (uintptr_t)s->sight.map, to = (uintptr_t)data;
	uint64_t end = (s->sight.last + 1) * s->sight.page;

	if (s->sight.map == NULL || to < from || to - from >= end)
		return (false);
	*page = (to - from) / s->sight.page;
	*at = (to - from) % s->sight.page;
	return (true);
}

/* It has to be the leaf that its key leads to. */
int
trail_check_at(struct trails *s, enum table table, struct span key)
{
	struct trail *r = known(s, table);
	uint64_t number;
	struct way w;
	size_t at;

	if (!is_mapped(s, key.data, &number, &at) || number == r->at)
		return (0);
	if (r->root != PAGE_NONE && key.size <= s->sight.page - at &&
	    way_go(&s->sight, r->root, r->depth, &key, false, &w) &&
	    w.step[w.n - 1].number == number)
		r->at = number;
	else if (!outgrows(s))
		return (damaged(store_table_name(table), number));
	return (0);
}

/*
 * It may have more than it needs, where a transaction wrote a larger value first: pages
 * then that no other is in.
 */
static bool
is_run(const struct trails *s, uint64_t number, uint64_t bytes)
{
	uint64_t n = page_run(s->sight.page, bytes);
	size_t size = s->sight.page;
	struct page p;

	if (number < 2 || number > s->sight.last ||
	    page_decode(s->sight.map + number * size, size, number, &p) != NULL ||
	    p.kind != PAGE_RUN || p.run < n || p.run > s->sight.last - number + 1)
		return (false);
	for (; n < p.run; n++)
		if (page_is(s->sight.map + (number + n) * size, number + n))
			return (false);
	return (true);
}

int
trail_check_run(struct trails *s, enum table table, struct span value)
{
	uint64_t number;
	size_t at;

	if (!is_mapped(s, value.data, &number, &at) || at != page_run_head() ||
	    is_run(s, number, value.size) || outgrows(s))
		return (0);
	return (damaged(store_table_name(table), number));
}

/* From the largest on, each once. */
static bool
is_list(const struct trails *s, const uint8_t *value, uint64_t size, uint64_t *numbers)
{
	uint64_t room = size / sizeof(size_t), n, last = s->sight.last + 1;

	if (room == 0 || (n = page_number(value, 0)) >= room)
		return (false);
	for (uint64_t i = 1; i <= n && *numbers < FREE_NUMBERS; i++, (*numbers)++) {
		uint64_t page = page_number(value, i);

		if (page < 2 || page >= last)
			return (false);
		last = page;
	}
	return (true);
}

/* The first of its rows, until so many numbers were looked at. */
static bool
has_lists(struct trails *s, const struct page *p, uint64_t *numbers)
{
	struct page_row row;

	for (unsigned i = 0; i < p->rows && *numbers < FREE_NUMBERS; i++) {
		if (!page_row(p, i, &row) || row.is_tree ||
		    row.key_size != sizeof(size_t))
			return (false);
		if (row.is_run && !is_run(s, row.page, row.size))
			return (false);
		if (row.is_run)
			row.value =
			    s->sight.map + row.page * s->sight.page + page_run_head();
		if (!is_list(s, row.value, row.size, numbers))
			return (false);
	}
	return (true);
}

/*
 * LMDB takes free pages from the first lists, gives back what is left of them, and adds
 * one at the end.
 */
static bool
look_at_free(struct trails *s)
{
	const struct page_tree *tree = &s->store->meta.free;
	uint64_t numbers = 0;
	struct way w;

	if (tree->root == PAGE_NONE)
		return (true);
	if (!way_go(&s->sight, tree->root, tree->depth, NULL, true, &w) ||
	    !way_look_around(&s->sight, &w) ||
	    !way_go(&s->sight, tree->root, tree->depth, &way_first, true, &w))
		return (false);
	do {
		if (!way_look_around(&s->sight, &w) ||
		    !has_lists(s, &w.step[w.n - 1].page, &numbers))
			return (false);
	} while (numbers < FREE_NUMBERS && way_next(&s->sight, &w));
	return (w.n == tree->depth);
}

int
trail_begin(struct trails *s, const struct store *store, MDB_txn *txn, bool write)
{
	MDB_val k = { 0 }, v = { 0, NULL };
	uint64_t root = store->meta.main.root;
	const char *name = store_table_name(T_META);
	int rc;

	/* Where the file is mapped LMDB does not tell; but where a row is that begins
	 * in a page that was looked at. */
	k = (MDB_val){ strlen(name), (void *)(uintptr_t)name };
	if ((rc = mdb_get(txn, store->main, &k, &v)) != 0)
		return (store_code(rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, name));
	s->store = store;
	s->sight.page = store->page;
	s->sight.last = store->meta.last;
	s->sight.map =
	    (const uint8_t *)((uintptr_t)v.mv_data & ~(uintptr_t)(store->page - 1)) -
	    root * store->page;
	return (
	    !write || look_at_free(s) ? 0 : damaged("the free pages", s->sight.bad));
}
