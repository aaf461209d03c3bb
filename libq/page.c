/* SPDX-License-Identifier: ISC */
/*
 * Pages of LMDB. Its numbers are the machine's own, and some as wide as its words: a
 * file is of one kind of machine. See mdb.c, "struct MDB_page" and on.
 */
#include <string.h>

#include "page.h"

/* Not an enum: they are multiplied to reach into pages. */
#define WORD sizeof(size_t)
#define HEAD (WORD + 8)     /* number, padding, flags, and where rows are */
#define NODE ((size_t)8)    /* size or page below, flags, size of the key */
#define TREE (8 + 5 * WORD) /* padding, flags, depth, four counts, root */

enum { ROW_RUN = 1, ROW_TREE = 2 };
enum { IS_META = 8 };

static const uint32_t magic = 0xBEEFC0DE, version = 1;

static uint16_t
half(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

static uint32_t
full(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

static uint64_t
word(const uint8_t *p)
{
	size_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

const char *
page_decode(const uint8_t *data, size_t size, uint64_t number, struct page *p)
{
	unsigned kind = half(data + WORD + 2), lower = half(data + WORD + 4);

	*p =
	    (struct page){ .data = data, .size = size, .upper = half(data + WORD + 6) };
	if (word(data) != number)
		return ("is damaged (its number)");
	if (kind != PAGE_BRANCH && kind != PAGE_LEAF && kind != PAGE_RUN)
		return ("is damaged (of no known kind)");
	p->kind = (enum page_kind)kind;
	if (kind == PAGE_RUN) {
		p->run = full(data + WORD + 4);
		return (p->run > 0 ? NULL : "is damaged (its length)");
	}
	if (lower < HEAD || lower % 2 != 0 || lower > p->upper || p->upper > size)
		return ("is damaged (its bounds)");
	p->rows = (unsigned)(lower - HEAD) / 2;
	p->room = p->upper - lower;
	return (NULL);
}

bool
page_is(const uint8_t *data, uint64_t number)
{
	return (word(data) == number);
}

bool
page_row(const struct page *p, unsigned i, struct page_row *out)
{
	size_t at = half(p->data + HEAD + 2 * (size_t)i), room;
	const uint8_t *n = p->data + at;
	struct page_row r = { 0 };
	unsigned flags;

	if (at < p->upper || at > p->size || (room = p->size - at) < NODE)
		return (false);
	room -= NODE;
	flags = half(n + 4);
	r.key = n + NODE;
	r.key_size = half(n + 6);
	if (r.key_size > room)
		return (false);
	room -= r.key_size;
	r.size = full(n);
	if (p->kind == PAGE_BRANCH) {
		r.page = r.size | (WORD == 8 ? (uint64_t)flags << 32 : 0);
		*out = r;
		return (true);
	}
	r.value = r.key + r.key_size;
	r.is_run = flags == ROW_RUN;
	r.is_tree = flags == ROW_TREE;
	if ((flags & ~(unsigned)(ROW_RUN | ROW_TREE)) != 0 ||
	    flags == (ROW_RUN | ROW_TREE) || room < (r.is_run ? WORD : r.size))
		return (false);
	if (r.is_run) {
		r.page = word(r.value);
		r.value = NULL;
	}
	*out = r;
	return (true);
}

/* How much of the page the row there takes; 0 if it is not within it. */
static size_t
row_size(const struct page *p, size_t at)
{
	const uint8_t *n = p->data + at;
	unsigned flags;
	size_t size;

	if (at < p->upper || at > p->size || p->size - at < NODE)
		return (0);
	size = NODE + half(n + 6);
	if (p->kind == PAGE_LEAF) {
		flags = half(n + 4);
		if (flags != 0 && flags != ROW_RUN && flags != ROW_TREE)
			return (0);
		size += flags == ROW_RUN ? WORD : (size_t)full(n);
	}
	return (size <= p->size - at ? size : 0);
}

const char *
page_check(const struct page *p)
{
	size_t sum = 0;

	for (unsigned i = 0; i < p->rows; i++) {
		size_t size = row_size(p, half(p->data + HEAD + 2 * (size_t)i));

		if (size == 0)
			return ("is damaged (a row is not within it)");
		sum += size + size % 2;
	}
	return (sum == p->size - p->upper ? NULL : "is damaged (rows overlap)");
}

bool
page_tree(const uint8_t *v, uint64_t size, struct page_tree *t)
{
	if (size != TREE)
		return (false);
	t->pad = full(v);
	t->flags = half(v + 4);
	t->depth = half(v + 6);
	v += 8;
	t->branches = word(v);
	t->leaves = word(v + WORD);
	t->runs = word(v + 2 * WORD);
	t->rows = word(v + 3 * WORD);
	t->root = word(v + 4 * WORD);
	return (true);
}

bool
page_meta(const uint8_t *data, size_t size, uint64_t number, struct page_meta *m)
{
	const uint8_t *p = data + HEAD;

	if (size < HEAD + 8 + 4 * WORD + 2 * TREE || word(data) != number ||
	    half(data + WORD + 2) != IS_META || full(p) != magic ||
	    full(p + 4) != version)
		return (false);
	p += 8 + 2 * WORD; /* where to map it, and how large */
	m->page = full(p); /* the first tree's padding */
	(void)page_tree(p, TREE, &m->free);
	(void)page_tree(p + TREE, TREE, &m->main);
	m->last = word(p + 2 * TREE);
	m->txn = word(p + 2 * TREE + WORD);
	return (m->page >= PAGE_LEAST && m->page <= PAGE_MOST &&
		(m->page & (m->page - 1)) == 0 && m->txn % 2 == number && m->last > 0);
}

size_t
page_run_head(void)
{
	return (HEAD);
}

uint64_t
page_run(size_t page, uint64_t size)
{
	return ((HEAD - 1 + size) / page + 1);
}

int
page_compare_numbers(const uint8_t *a, size_t as, const uint8_t *b, size_t bs)
{
	if (as != WORD || bs != WORD)
		return (as < bs ? -1 : as > bs);
	return (word(a) < word(b) ? -1 : word(a) > word(b));
}
