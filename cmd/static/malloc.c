/* SPDX-License-Identifier: ISC */
/*
 * Memory for a short life in one thread, of the commands that are linked statically.
 *
 * Blocks have sizes of four to each doubling, and what is freed waits in a list of its
 * size. Large ones are mappings of their own. What is not touched costs nothing: the
 * first blocks lie in the program, and the first chunk has room for the lists that LMDB
 * asks for and hardly uses. Who needs more than that is moving bodies, and will touch
 * it all: huge pages spare him the kernel's 1.4 us for each page, half of what a body
 * of 1 MiB costs otherwise.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../block.h"

enum {
	LARGE = 3 << 20,
	FIRST = 64 << 10, /* more of it would not start under a small RLIMIT_AS */
	CHUNK = 4 << 20,  /* the largest, or both lists that LMDB keeps */
	SIZES = 72,
	HUGE_PAGE = 2 << 20, /* of most machines; of others, no harm */
};

_Static_assert(CHUNK >= LARGE + ALIGN, "the largest block has no room");

static _Alignas(ALIGN) unsigned char first[FIRST];
static unsigned char *fresh = first; /* never used, so it holds zeroes */
static size_t left = sizeof(first);
static struct head *unused[SIZES];

static void *
map(size_t size)
{
	void *p = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return (p == MAP_FAILED ? NULL : p);
}

/* The first is not to be of huge pages, each of which the kernel fills with zeroes. */
static void *
map_chunk(void)
{
	static bool more;
	unsigned char *p;

	if (!more) {
		more = true;
		return (map(CHUNK));
	}
	if ((p = map(CHUNK + HUGE_PAGE)) == NULL)
		return (NULL);
	p += -(uintptr_t)p % HUGE_PAGE;
	(void)madvise(p, CHUNK, MADV_HUGEPAGE);
	return (p);
}

static void *
take_large(size_t n)
{
	struct head *h;

	if (n > PTRDIFF_MAX - ALIGN) {
		errno = ENOMEM;
		return (NULL);
	}
	if ((h = map(n + ALIGN)) == NULL)
		return (NULL);
	(void)madvise(h, n + ALIGN, MADV_HUGEPAGE);
	h->size = n;
	return (block_of(h));
}

/* A block for n bytes; *zero says whether they are zeroes. NULL with errno. */
static void *
take(size_t n, bool *zero)
{
	struct head *h;
	size_t size, list;
	void *chunk;

	*zero = true;
	if (n > LARGE)
		return (take_large(n));
	list = block_list(n, &size);
	if ((h = unused[list]) != NULL) {
		unused[list] = h->next;
		*zero = false;
		return (block_of(h));
	}
	if (left < ALIGN + size) {
		if ((chunk = map_chunk()) == NULL)
			return (NULL);
		fresh = chunk;
		left = CHUNK;
	}
	h = (struct head *)(void *)fresh;
	fresh += ALIGN + size;
	left -= ALIGN + size;
	h->size = size;
	return (block_of(h));
}

void *
malloc(size_t n)
{
	bool zero;

	return (take(n, &zero));
}

void *
calloc(size_t n, size_t size)
{
	bool zero;
	void *p;

	if (size != 0 && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return (NULL);
	}
	if ((p = take(n * size, &zero)) != NULL && !zero)
		memset(p, 0, n * size);
	return (p);
}

void
free(void *p)
{
	struct head *h;
	size_t list, size;

	if (p == NULL)
		return;
	h = block_head(p);
	if (h->size > LARGE) {
		(void)munmap(h, h->size + ALIGN); /* it was mapped so */
		return;
	}
	list = block_list(h->size, &size);
	h->next = unused[list];
	unused[list] = h;
}

void *
realloc(void *p, size_t n)
{
	struct head *h;
	void *new;

	if (p == NULL)
		return (malloc(n));
	h = block_head(p);
	if (n <= h->size && (h->size <= LARGE || n > h->size / 2))
		return (p);
	if (h->size > LARGE && n > LARGE && n <= PTRDIFF_MAX - ALIGN) {
		h = mremap(h, h->size + ALIGN, n + ALIGN, MREMAP_MAYMOVE);
		if (h == MAP_FAILED)
			return (NULL);
		h->size = n;
		return (block_of(h));
	}
	if ((new = malloc(n)) == NULL)
		return (NULL);
	memcpy(new, p, n < h->size ? n : h->size);
	free(p);
	return (new);
}

/* LMDB copies environments with it, as libq does not; libc's would bring all of its
 * allocator. */
int
posix_memalign(void **p, size_t alignment, size_t n)
{
	(void)alignment;
	(void)n;
	*p = NULL;
	return (ENOMEM);
}
