/* SPDX-License-Identifier: ISC */
#ifndef STRUCTURE_H
#define STRUCTURE_H

/* The pages of a data file: which of them its tables are, and whether they are whole.
 */

#include "finding.h"
#include "walk.h"

struct structure {
	struct page_meta meta;
	bool has_meta; /* else nothing below is known */
	struct page_tree tree[TABLES];
	bool has[TABLES];
	bool free_known;     /* the list of free pages is whole */
	struct walk walk;    /* afterwards, its seen says which pages are used */
	struct check *check; /* of findings; NULL: only their number counts */
	uint64_t found;
};

/*
 * Walk the whole file behind fd, from its newest meta page on. What is wrong is found
 * in check. structure_close() also after an error.
 */
int structure_walk(int fd, struct check *check, struct structure *s);
/* Whether nothing is wrong. */
bool structure_is_sound(int fd);
/*
 * From each meta page: s[0] is the one to believe, s[1] the other, mostly the state of
 * one transaction before. Close both.
 */
int structure_salvage(int fd, struct structure s[2]);
void structure_close(struct structure *s);

#endif
