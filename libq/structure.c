/* SPDX-License-Identifier: ISC */
/* The structure of a data file: its two meta pages, the tree of its tables, the tables
 * themselves, and the pages that are free. */
#include <stdio.h>
#include <string.h>

#include "structure.h"

static int
note(struct structure *s, const char *what, const char *object, uint64_t number,
    const char *tree)
{
	s->found++;
	if (s->check == NULL)
		return (0);
	if (number == 0)
		return (check_found(s->check, 0, what, "%s%s", object, tree));
	return (check_found(s->check, 0, what, "page %llu of %s%s",
	    (unsigned long long)number, object, tree));
}

static int
found(struct walk *w, uint64_t page, const char *what)
{
	struct structure *s = w->arg;

	if (w->table < TABLES)
		return (note(s, what, "table ", page, store_table_name(w->table)));
	return (note(s, what, "the list of tables", page, ""));
}

static int
found_free(struct walk *w, uint64_t page, const char *what)
{
	return (note(w->arg, what, "the list of free pages", page, ""));
}

static int
table_row(struct walk *w, struct span key, struct span value)
{
	struct structure *s = w->arg;

	for (int i = 0; i < TABLES; i++) {
		const char *name = store_table_name((enum table)i);

		if (strlen(name) != key.size || memcmp(name, key.data, key.size) != 0)
			continue;
		s->has[i] = page_tree(value.data, value.size, &s->tree[i]);
		return (0);
	}
	if (strlen(store_stamp_key) == key.size &&
	    memcmp(store_stamp_key, key.data, key.size) == 0) {
		return (store_stamp_number(value.data, value.size) < s->meta.txn
			    ? found(w, 0, "is older than the file (a write was lost)")
			    : 0);
	}
	return (found(w, 0, "has a table that is unknown"));
}

/* Pages that neither a tree nor the list of free ones has. */
static int
lost_pages(struct structure *s)
{
	uint64_t lost = 0;
	char what[64];

	for (uint64_t i = 2; i < s->walk.pages; i++)
		lost += s->walk.seen[i] == WALK_UNUSED;
	if (lost == 0)
		return (0);
	(void)snprintf(
	    what, sizeof(what), "has lost %llu of its pages", (unsigned long long)lost);
	return (note(s, what, "data.mdb", 0, ""));
}

static int
walk_from(int fd, const struct page_meta *meta, struct structure *s)
{
	uint64_t before;
	int rc;

	s->meta = *meta;
	s->has_meta = true;
	if ((rc = walk_open(&s->walk, fd, meta)) != 0)
		return (rc);
	s->walk.arg = s;
	s->walk.found = found;
	s->walk.row = table_row;
	rc = walk_tree(&s->walk, TABLES, &meta->main, false);
	s->walk.row = NULL;
	for (int i = 0; i < TABLES && rc == 0; i++)
		rc = s->has[i] ? walk_tree(&s->walk, (enum table)i, &s->tree[i], false)
		               : note(s, "is missing", "table ", 0,
				     store_table_name((enum table)i));
	s->walk.found = found_free;
	before = s->found;
	if (rc == 0)
		rc = walk_free(&s->walk, &meta->free);
	s->free_known = s->found == before;
	if (rc == 0 && (s->walk.pages < meta->last + 1 || walk_is_cut(&s->walk)))
		rc = note(s, "is cut short", "data.mdb", 0, "");
	return (rc == 0 ? lost_pages(s) : rc);
}

/* Both meta pages: the newer is used, and each is a transaction after the other. */
int
structure_walk(int fd, struct check *check, struct structure *s)
{
	struct page_meta meta[2];
	bool good[2];
	int newest, rc;

	*s = (struct structure){ .check = check };
	for (uint64_t i = 0; i < 2; i++) {
		rc = walk_meta(fd, i, &meta[i]);
		good[i] = rc == 0;
		if (rc == Q_ECORRUPT)
			rc =
			    check_found(check, 0, "is damaged", "meta page %d", (int)i);
		if (rc != 0)
			return (rc);
	}
	if (!good[0] && !good[1])
		return (0);
	newest = !good[0] || (good[1] && meta[1].txn > meta[0].txn);
	if (good[0] && good[1] && meta[newest].txn - meta[!newest].txn != 1 &&
	    check_found(check, 0, "do not follow one another", "the meta pages") != 0)
		return (Q_ENOMEM);
	return (walk_from(fd, &meta[newest], s));
}

bool
structure_is_sound(int fd)
{
	struct check *check = NULL;
	struct structure s = { .check = NULL };
	bool sound = check_new(&check) == 0 && structure_walk(fd, check, &s) == 0 &&
	             check->public.found == 0;

	structure_close(&s);
	if (check != NULL)
		q_check_free(&check->public);
	return (sound);
}

/* How much was ever done to the queue, as far as a structure leads to it. */
struct progress {
	struct structure *s;
	uint64_t done;
};

static int
counters_row(struct walk *w, struct span key, struct span value)
{
	const char *name = meta_key(META_REC_COUNTERS);
	struct progress *p = w->arg;
	struct meta m;

	if (key.size == strlen(name) && memcmp(key.data, name, key.size) == 0 &&
	    meta_decode(&m, META_REC_COUNTERS, value.data, value.size) == 0)
		p->done = m.counter[COUNT_PUSHED] + m.counter[COUNT_DELIVERED] +
		          m.counter[COUNT_DONE] + m.counter[COUNT_PURGED];
	return (0);
}

static int
progress(struct structure *s, int fd, uint64_t *done)
{
	struct progress p = { s, 0 };
	struct walk w;
	int rc = walk_open(&w, fd, &s->meta);

	w.arg = &p;
	w.row = counters_row;
	if (rc == 0 && s->has[T_META])
		rc = walk_tree(&w, T_META, &s->tree[T_META], false);
	walk_close(&w);
	*done = p.done;
	return (rc);
}

/* Which of two that differ by more than a transaction to believe: one of them has a
 * damaged number. */
static int
better(const struct structure s[2], const uint64_t done[2])
{
	if (s[0].found != s[1].found)
		return (s[1].found < s[0].found);
	if (done[0] != done[1])
		return (done[1] > done[0]);
	return (s[1].meta.txn > s[0].meta.txn);
}

int
structure_salvage(int fd, struct structure out[2])
{
	struct structure s[2] = { { .found = 0 }, { .found = 0 } };
	uint64_t done[2] = { 0, 0 }, apart;
	struct page_meta meta;
	int best, rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		if ((rc = walk_meta(fd, (uint64_t)i, &meta)) == 0 &&
		    (rc = walk_from(fd, &meta, &s[i])) == 0)
			rc = progress(&s[i], fd, &done[i]);
		if (rc == Q_ECORRUPT)
			rc = 0;
	}
	apart = s[0].meta.txn - s[1].meta.txn;
	if (!s[0].has_meta || !s[1].has_meta)
		best = s[1].has_meta;
	else if (apart == 1 || apart == UINT64_MAX)
		best = apart != 1;
	else
		best = better(s, done);
	out[0] = s[best];
	out[1] = s[!best];
	return (rc);
}

void
structure_close(struct structure *s)
{
	walk_close(&s->walk);
}
