/* SPDX-License-Identifier: ISC */
/* Ways through pages of any content end, and read nothing but these. */
#include <stdlib.h>
#include <string.h>

#include "way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 10, LEAVES = 1000 };

/* From the first leaf on to the last, or as far as they are sound. */
static void
go_through(struct sight *s, uint64_t root, unsigned depth)
{
	struct way w;

	if (!way_go(s, root, depth, &way_first, true, &w))
		return;
	for (int i = 0; i < LEAVES && way_next(s, &w); i++)
		if (w.n != depth || w.step[w.n - 1].page.kind != PAGE_LEAF)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sight s = { .page = PAGE_LEAST };
	struct span key;
	uint8_t *map;
	uint64_t root;
	unsigned depth;
	struct way w;

	if (size < HEAD + PAGE_LEAST)
		return (0);
	root = data[0];
	depth = data[1];
	key = (struct span){ data + 2, data[0] % 9 };
	/* The first two pages, which are none of a tree, are not there. */
	s.last = (size - HEAD) / PAGE_LEAST + 1;
	map = malloc((s.last - 1) * PAGE_LEAST);
	memcpy(map, data + HEAD, (s.last - 1) * PAGE_LEAST);
	s.map = (const uint8_t *)((uintptr_t)map - 2 * (size_t)PAGE_LEAST);
	if (way_go(&s, root, depth, &key, false, &w) &&
	    way_go(&s, root, depth, &key, true, &w))
		(void)way_look_around(&s, &w);
	(void)way_go(&s, root, depth, NULL, true, &w);
	go_through(&s, root, depth);
	free(map);
	return (0);
}
