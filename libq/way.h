/* SPDX-License-Identifier: ISC */
#ifndef WAY_H
#define WAY_H

/* Ways down the trees of a data file that LMDB has in memory, from the root to a leaf,
 * by pages that are sound. */

#include <stdbool.h>
#include <string.h>

#include "bytes.h"
#include "page.h"
#include "store.h"

enum { SIGHT_SEEN = 128 };

/* The file, in the state on disk. */
struct sight {
	const uint8_t *map;
	size_t page;               /* bytes of one */
	uint64_t last;             /* page in use */
	uint64_t seen[SIGHT_SEEN]; /* pages looked at as a whole */
	uint64_t bad;              /* looked at last */
};

/* A page, and which of its rows leads on. */
struct step {
	uint64_t number;
	struct page page;
	unsigned at;
};

struct way {
	struct step step[PAGE_DEEPEST];
	unsigned n;
};

extern const struct span way_first; /* a key that leads to the first leaf */

/* A page of a tree, which has rows; with whole, each of them is within it. */
bool way_look(struct sight *s, uint64_t number, bool whole, struct page *page);
/* The row a key has, or would follow; false: one on the way there is not within it. */
bool way_find(const struct page *page, struct span key, unsigned *at, bool *is);
/* To the leaf that has a key, or the last if that is NULL. Whether all are sound. */
bool way_go(struct sight *s, uint64_t root, unsigned depth, const struct span *key,
    bool whole, struct way *w);
/* Look at those next to the pages on the way, at each depth, on both sides, as a whole.
 */
bool way_look_around(struct sight *s, const struct way *w);
/* On to the next leaf. False also after the last: the way is as long as before then. */
bool way_next(struct sight *s, struct way *w);

/* As LMDB orders them. Most have eight bytes, or begin with eight that differ. */
static inline int
span_compare(struct span a, struct span b)
{
	size_t least = a.size < b.size ? a.size : b.size;
	int order;

	if (least >= 8) {
		uint64_t x = get_be64(a.data), y = get_be64(b.data);

		if (x != y)
			return (x < y ? -1 : 1);
		if (a.size == 8 && b.size == 8)
			return (0);
	}
	order = least > 0 ? memcmp(a.data, b.data, least) : 0;
	return (order != 0 ? order : a.size < b.size ? -1 : a.size > b.size);
}

#endif
