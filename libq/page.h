/* SPDX-License-Identifier: ISC */
#ifndef PAGE_H
#define PAGE_H

/*
 * LMDB's file as bytes: its pages and the rows in them, of data version 1. LMDB itself
 * trusts its pages; these functions believe nothing, and so can look at a damaged file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PAGE_DEEPEST = 32, PAGE_LEAST = 512, PAGE_USUAL = 4096, PAGE_MOST = 0x8000 };

enum page_kind { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_RUN = 4 };

struct page {
	const uint8_t *data;
	size_t size;
	enum page_kind kind;
	unsigned rows;
	size_t upper; /* rows are from here to the end */
	size_t room;  /* bytes before them */
	uint64_t run; /* PAGE_RUN: so many pages, of which this is the first */
};

struct page_row {
	const uint8_t *key;
	size_t key_size;
	const uint8_t *value; /* of a leaf, unless it has a run of pages of its own */
	uint64_t size;        /* of the value */
	uint64_t page;        /* a branch: the page below; a run: its first page */
	bool is_run, is_tree; /* is_tree: the value says where a table begins */
};

/* A table, as the row of its name says. */
struct page_tree {
	unsigned pad, flags, depth;
	uint64_t branches, leaves, runs; /* pages */
	uint64_t rows;
	uint64_t root; /* PAGE_NONE: it is empty */
};

#define PAGE_NONE ((uint64_t)(size_t)-1)

struct page_meta {
	size_t page; /* bytes of one */
	uint64_t last, txn;
	struct page_tree free, main;
};

/* The header of page number; NULL, or what is wrong. */
const char *page_decode(
    const uint8_t *data, size_t size, uint64_t number, struct page *page);
/* Row i < page->rows. False: it is not within the page. */
bool page_row(const struct page *page, unsigned i, struct page_row *row);
/* Whether the rows fill their part of the page, none over another: NULL, or what is
 * wrong. */
const char *page_check(const struct page *page);
/* Whether a page has that number, whatever else it is. */
bool page_is(const uint8_t *data, uint64_t number);
/* The value of a row of a table's name. */
bool page_tree(const uint8_t *value, uint64_t size, struct page_tree *tree);
/* One of the first two pages; false: it is none. size is at least PAGE_LEAST. */
bool page_meta(
    const uint8_t *data, size_t size, uint64_t number, struct page_meta *meta);
/* Where the value begins in a run of pages, and how many it needs. */
size_t page_run_head(void);
uint64_t page_run(size_t page, uint64_t size);
/* How two keys are ordered in the tree of the free pages: as native numbers. */
int page_compare_numbers(const uint8_t *a, size_t as, const uint8_t *b, size_t bs);
/* Number i of the list of free pages at value; 0 is their count. */
static inline uint64_t
page_number(const uint8_t *value, uint64_t i)
{
	size_t v;

	memcpy(&v, value + i * sizeof(v), sizeof(v));
	return (v);
}

#endif
