/* SPDX-License-Identifier: ISC */
#ifndef WALK_H
#define WALK_H

/*
 * Walking a data file page by page, by read(2): a file that LMDB would die of is read
 * as far as it goes, and what is wrong with its structure is found. Where nothing is,
 * LMDB can be trusted with it. Under the transaction lock.
 */

#include "page.h"
#include "txn.h"

struct walk {
	int fd;
	size_t page;      /* bytes of one */
	uint64_t pages;   /* that the file says are in use, or free */
	uint64_t there;   /* of these, in the file */
	uint8_t *seen;    /* of enum walk_use, by page */
	enum table table; /* being walked; TABLES: one of LMDB's own */
	void *arg;
	/* Each row that can be read, in order, of a value copied out of its pages; it
	 * lasts until this returns. A code ends the walk. May be NULL. */
	int (*row)(struct walk *w, struct span key, struct span value);
	/* Something is wrong with a page, or with the tree if page is 0. May be NULL.
	 */
	int (*found)(struct walk *w, uint64_t page, const char *what);
	int code;       /* why it ended, if that was no damage */
	uint8_t *value; /* room for one */
	size_t room;
};

enum walk_use { WALK_UNUSED, WALK_USED, WALK_FREE };

/* Read one of the first two pages: Q_ECORRUPT if it is no meta page, or cannot be read.
 */
int walk_meta(int fd, uint64_t number, struct page_meta *meta);
/* Ready for trees of that file; walk_close() also after an error. */
int walk_open(struct walk *w, int fd, const struct page_meta *meta);
void walk_close(struct walk *w);
/* Whether the file ends before a page that is in use, as far as was walked. */
bool walk_is_cut(const struct walk *w);
/* A tree whose keys are native numbers if numbers. Each page is walked once, whatever
 * the trees say. */
int walk_tree(
    struct walk *w, enum table table, const struct page_tree *tree, bool numbers);
/* The tree of free pages, whose rows are looked at here: marks them in seen. */
int walk_free(struct walk *w, const struct page_tree *tree);
/* The rows of one page that no tree has, if it is a leaf. */
int walk_stray(struct walk *w, uint64_t number);

#endif
