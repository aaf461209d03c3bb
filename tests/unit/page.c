/* SPDX-License-Identifier: ISC */
/* Pages of LMDB: what LMDB writes is read as it is, and damage is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <lmdb.h>

#include "walk.h"

enum { ROWS = 5000, LARGE = 9000 };

/* A file by LMDB itself: ROWS small rows, and a large one at the end. */
static int
make_file(void **state)
{
	char name[] = "/tmp/q-page-XXXXXX";
	static int fd;
	static const uint8_t large[LARGE] = { 7 };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	fd = mkstemp(name);
	if (fd == -1 || mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 1) != 0 ||
	    mdb_env_set_mapsize(env, 1 << 24) != 0 ||
	    mdb_env_open(env, name, MDB_NOSUBDIR | MDB_NOLOCK, 0600) != 0 ||
	    mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, "msg", MDB_CREATE, &dbi) != 0)
		return (-1);
	for (int i = 0; i <= ROWS; i++) {
		char text[16];
		MDB_val k = { (size_t)snprintf(text, sizeof(text), "%08d", i), text };
		MDB_val v = { i < ROWS ? 8 : LARGE,
			i < ROWS ? (void *)text : (void *)(uintptr_t)large };

		if (mdb_put(txn, dbi, &k, &v, 0) != 0)
			return (-1);
	}
	if (mdb_txn_commit(txn) != 0)
		return (-1);
	mdb_env_close(env);
	(void)unlink(name);
	*state = &fd;
	return (0);
}

static int
close_file(void **state)
{
	return (close(*(int *)*state));
}

struct seen {
	int rows, found;
	bool large;
	struct page_tree tree;
};

static int
count_found(struct walk *w, uint64_t page, const char *what)
{
	struct seen *seen = w->arg;

	(void)page;
	assert_non_null(what);
	seen->found++;
	return (0);
}

static int
name_row(struct walk *w, struct span key, struct span value)
{
	struct seen *seen = w->arg;

	assert_int_equal(key.size, 3);
	assert_memory_equal(key.data, "msg", 3);
	assert_true(page_tree(value.data, value.size, &seen->tree));
	return (0);
}

static int
count_row(struct walk *w, struct span key, struct span value)
{
	struct seen *seen = w->arg;
	char text[16];

	(void)snprintf(text, sizeof(text), "%08d", seen->rows);
	if (seen->found == 0) {
		assert_int_equal(key.size, 8);
		assert_memory_equal(key.data, text, 8);
	}
	if (value.size == LARGE) {
		assert_int_equal(*(const uint8_t *)value.data, 7);
		seen->large = true;
	}
	seen->rows++;
	return (0);
}

/* Walk the whole file behind fd. */
static void
walk_all(int fd, struct walk *w, struct seen *seen)
{
	struct page_meta meta;

	assert_int_equal(walk_meta(fd, 1, &meta), 0);
	assert_int_equal(walk_open(w, fd, &meta), 0);
	w->arg = seen;
	w->found = count_found;
	w->row = name_row;
	assert_int_equal(walk_tree(w, TABLES, &meta.main, false), 0);
	w->row = count_row;
	assert_int_equal(walk_tree(w, T_MSG, &seen->tree, false), 0);
	assert_int_equal(walk_free(w, &meta.free), 0);
}

static void
a_sound_file_is_walked_whole(void **state)
{
	struct seen seen = { 0 };
	struct walk w;

	walk_all(*(int *)*state, &w, &seen);
	assert_int_equal(seen.found, 0);
	assert_int_equal(seen.rows, ROWS + 1);
	assert_true(seen.large);
	for (uint64_t i = 2; i < w.pages; i++)
		assert_int_not_equal(w.seen[i], WALK_UNUSED);
	walk_close(&w);
}

/* Each page in turn becomes zeros; the walk ends, and says so if the page is used. */
static void
every_lost_page_is_found(void **state)
{
	static const uint8_t zeros[4096];
	int fd = *(int *)*state;
	struct seen whole = { 0 };
	struct walk w;

	walk_all(fd, &w, &whole);
	for (uint64_t i = 2; i < w.pages; i++) {
		uint8_t page[sizeof(zeros)];
		struct seen seen = { 0 };
		struct page_meta meta;
		struct walk again;
		size_t number;
		off_t at = (off_t)(i * w.page);

		if (w.seen[i] != WALK_USED || w.page != sizeof(zeros))
			continue;
		assert_int_equal(pread(fd, page, w.page, at), w.page);
		assert_int_equal(pwrite(fd, zeros, w.page, at), w.page);
		assert_int_equal(walk_meta(fd, 1, &meta), 0);
		seen.tree = whole.tree;
		assert_int_equal(walk_open(&again, fd, &meta), 0);
		again.arg = &seen;
		again.found = count_found;
		assert_int_equal(walk_tree(&again, TABLES, &meta.main, false), 0);
		again.row = count_row;
		assert_int_equal(walk_tree(&again, T_MSG, &seen.tree, false), 0);
		assert_int_equal(walk_free(&again, &meta.free), 0);
		/* Of a large value's pages, only the first is numbered. */
		memcpy(&number, page, sizeof(number));
		if (number == i)
			assert_true(seen.found > 0);
		walk_close(&again);
		assert_int_equal(pwrite(fd, page, w.page, at), w.page);
	}
	walk_close(&w);
}

static void
a_leaf(uint8_t page[PAGE_LEAST])
{
	const uint16_t kind = PAGE_LEAF, lower = sizeof(size_t) + 8 + 2, upper = 500;
	const uint16_t row[] = { 2, 0, 0, 2 }; /* a value of 2 bytes, a key of 2 */
	const size_t number = 5;

	memset(page, 0, PAGE_LEAST);
	memcpy(page, &number, sizeof(number));
	memcpy(page + sizeof(size_t) + 2, &kind, 2);
	memcpy(page + sizeof(size_t) + 4, &lower, 2);
	memcpy(page + sizeof(size_t) + 6, &upper, 2);
	memcpy(page + sizeof(size_t) + 8, &upper, 2);
	memcpy(page + upper, row, sizeof(row));
	memcpy(page + upper + sizeof(row), "kkvv", 4);
}

static void
a_row_is_where_the_page_says(void **state)
{
	uint8_t page[PAGE_LEAST];
	struct page_row r;
	struct page p;

	(void)state;
	a_leaf(page);
	assert_null(page_decode(page, sizeof(page), 5, &p));
	assert_int_equal(p.kind, PAGE_LEAF);
	assert_int_equal(p.rows, 1);
	assert_true(page_row(&p, 0, &r));
	assert_memory_equal(r.key, "kk", 2);
	assert_memory_equal(r.value, "vv", 2);
	assert_null(page_check(&p));
}

static void
a_row_beyond_its_page_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
	} bad[] = {
		{ 500, 3 },                   /* a longer value */
		{ 502, 1 },                   /* a much longer value */
		{ 506, 5 },                   /* a longer key */
		{ 504, 3 },                   /* of two kinds */
		{ 504, 8 },                   /* of an unknown kind */
		{ sizeof(size_t) + 8, 506 },  /* it begins too late */
		{ sizeof(size_t) + 8, 499 },  /* or too early */
		{ sizeof(size_t) + 8, 9999 }, /* or behind the page */
	};
	uint8_t page[PAGE_LEAST];
	struct page_row r;
	struct page p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a_leaf(page);
		memcpy(page + bad[i].at, &bad[i].value, 2);
		assert_null(page_decode(page, sizeof(page), 5, &p));
		assert_false(page_row(&p, 0, &r));
		assert_non_null(page_check(&p));
	}
}

static void
a_header_that_cannot_be_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
	} bad[] = {
		{ 0, 6 },                    /* another number */
		{ sizeof(size_t) + 2, 0 },   /* no kind */
		{ sizeof(size_t) + 2, 3 },   /* two kinds */
		{ sizeof(size_t) + 4, 2 },   /* too few */
		{ sizeof(size_t) + 4, 501 }, /* past the rows */
		{ sizeof(size_t) + 4, 19 },  /* odd */
		{ sizeof(size_t) + 6, 513 }, /* past the page */
	};
	uint8_t page[PAGE_LEAST];
	struct page p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a_leaf(page);
		memcpy(page + bad[i].at, &bad[i].value, 2);
		assert_non_null(page_decode(page, sizeof(page), 5, &p));
	}
}

/* A meta page as LMDB writes it, but for one number. */
static void
a_meta_page_that_cannot_be_is_refused(void **state)
{
	static const struct {
		size_t at, size;
		uint64_t value;
	} bad[] = {
		{ 0, sizeof(size_t), 2 }, /* another number */
		{ sizeof(size_t) + 2, 2, PAGE_LEAF },
		{ sizeof(size_t) + 8, 4, 1 },  /* no file of LMDB */
		{ sizeof(size_t) + 12, 4, 9 }, /* of another format */
		{ 3 * sizeof(size_t) + 16, 4, PAGE_LEAST / 2 },
		{ 3 * sizeof(size_t) + 16, 4, PAGE_LEAST + 8 },
		{ 3 * sizeof(size_t) + 16, 4, 2 * PAGE_MOST },
		{ 3 * sizeof(size_t) + 16 + 2 * (8 + 5 * sizeof(size_t)),
		    sizeof(size_t), 0 }, /* without a page */
		{ 4 * sizeof(size_t) + 16 + 2 * (8 + 5 * sizeof(size_t)),
		    sizeof(size_t), 2 }, /* of a transaction that writes the other */
	};
	uint8_t page[PAGE_LEAST], copied[PAGE_LEAST];
	struct page_meta m;
	off_t second = sysconf(_SC_PAGESIZE);

	assert_int_equal(
	    pread(*(int *)*state, page, sizeof(page), second), sizeof(page));
	assert_true(page_meta(page, sizeof(page), 1, &m));
	assert_int_equal(m.page, second);
	assert_false(page_meta(page, 64, 1, &m));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(copied, page, sizeof(page));
		memcpy(copied + bad[i].at, &bad[i].value, bad[i].size);
		assert_false(page_meta(copied, sizeof(copied), 1, &m));
	}
}

/* As LMDB compares them: a key of another length is no number. */
static void
numbers_are_in_order(void **state)
{
	const size_t one = 1, many = SIZE_MAX;
	const uint8_t *a = (const uint8_t *)&one, *b = (const uint8_t *)&many;
	const size_t n = sizeof(size_t);

	(void)state;
	assert_true(page_is(a, 1) && !page_is(a, 2));
	assert_true(page_compare_numbers(a, n, b, n) < 0);
	assert_true(page_compare_numbers(b, n, a, n) > 0);
	assert_int_equal(page_compare_numbers(a, n, a, n), 0);
	assert_true(page_compare_numbers(b, n - 1, a, n) < 0);
	assert_true(page_compare_numbers(a, n, b, n - 1) > 0);
	assert_int_equal(page_compare_numbers(a, n - 1, b, n - 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_file_is_walked_whole),
		cmocka_unit_test(every_lost_page_is_found),
		cmocka_unit_test(a_row_is_where_the_page_says),
		cmocka_unit_test(a_row_beyond_its_page_is_refused),
		cmocka_unit_test(a_header_that_cannot_be_is_refused),
		cmocka_unit_test(a_meta_page_that_cannot_be_is_refused),
		cmocka_unit_test(numbers_are_in_order),
	};

	return (cmocka_run_group_tests(tests, make_file, close_file));
}
