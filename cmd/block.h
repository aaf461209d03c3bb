/* SPDX-License-Identifier: ISC */
#ifndef BLOCK_H
#define BLOCK_H

/*
 * Blocks of memory, as the heaps of static commands and of a builtin's call have them:
 * of sizes of four to each doubling, each behind a head. What is freed waits in a list
 * of its size.
 */

#include <stddef.h>

enum { ALIGN = 16 }; /* of what is given, and the room for a head */

struct head {
	size_t size;       /* bytes behind it; of the whole mapping if it is one */
	struct head *next; /* in the list of its size */
};

_Static_assert(sizeof(struct head) <= ALIGN, "a head has no room");

/* The list for n bytes, and in *size how many its blocks have. */
static inline size_t
block_list(size_t n, size_t *size)
{
	size_t unit = ALIGN, list = 0;

	for (; n > 8 * unit; unit *= 2)
		list += 4;
	n = n == 0 ? 1 : (n + unit - 1) / unit;
	*size = n * unit;
	return (list + n - 1);
}

static inline void *
block_of(struct head *h)
{
	return ((unsigned char *)h + ALIGN);
}

static inline struct head *
block_head(void *p)
{
	return ((struct head *)(void *)((unsigned char *)p - ALIGN));
}

#endif
