/* SPDX-License-Identifier: ISC */
/*
 * The memory of a call: a heap of its own beside the shell's, dropped whole at the end.
 * What a damaged file makes LMDB write beyond a block stays in it, for the shell's own
 * blocks are elsewhere, and behind each piece of this heap nothing can be written.
 *
 * Blocks have sizes of four to each doubling, and what is freed waits in a list of its
 * size. Large ones are mappings of their own.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../block.h"
#include "wrap.h"

#include "heap.h"

enum {
	LARGE = 64 << 10,
	FIRST = 256 << 10, /* kept from call to call: enough for a push or a take */
	CHUNK = 4 << 20,
	GUARD = 64 << 10, /* of any page size */
	SIZES = 52,
};

/* What was asked of the kernel, in a ring; a chunk, or a large block. */
struct mapping {
	struct mapping *next, *previous;
	size_t bytes;
	size_t unused;
	struct head head; /* of a large block */
};

_Static_assert(sizeof(struct mapping) % ALIGN == 0, "what is behind is not aligned");

static struct mapping ring = { .next = &ring, .previous = &ring };
static struct mapping *first;
static unsigned char *fresh; /* not given to anybody in this call */
static size_t left;
static struct head *unused[SIZES];

/* The mapping of a large block. */
static struct mapping *
around(struct head *h)
{
	return ((struct mapping *)(void *)((unsigned char *)h -
					   offsetof(struct mapping, head)));
}

static void
link_mapping(struct mapping *m)
{
	m->next = ring.next;
	m->previous = &ring;
	m->next->previous = ring.next = m;
}

static void
unlink_mapping(struct mapping *m)
{
	m->next->previous = m->previous;
	m->previous->next = m->next;
}

static struct mapping *
map(size_t bytes)
{
	struct mapping *m = __real_mmap(
	    NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return (NULL);
	m->bytes = bytes;
	return (m);
}

static void
use(struct mapping *m)
{
	fresh = (unsigned char *)(m + 1);
	left = m->bytes - sizeof(*m) - GUARD;
}

static bool
add_chunk(void)
{
	struct mapping *m = map((first == NULL ? FIRST : CHUNK) + GUARD);

	if (m == NULL)
		return (false);
	(void)mprotect((unsigned char *)m + m->bytes - GUARD, GUARD, PROT_NONE);
	if (first == NULL)
		first = m;
	else
		link_mapping(m);
	use(m);
	return (true);
}

void
heap_release(void)
{
	while (ring.next != &ring) {
		struct mapping *m = ring.next;

		unlink_mapping(m);
		(void)__real_munmap(m, m->bytes);
	}
	memset(unused, 0, sizeof(unused));
	if (first != NULL)
		use(first);
}

/* When the shell forgets the builtins. */
__attribute__((destructor)) static void
unmap_first(void)
{
	if (first != NULL)
		(void)__real_munmap(first, first->bytes);
}

static void *
take_large(size_t n)
{
	struct mapping *m;

	if (n > PTRDIFF_MAX - sizeof(*m)) {
		errno = ENOMEM;
		return (NULL);
	}
	if ((m = map(sizeof(*m) + n)) == NULL)
		return (NULL);
	link_mapping(m);
	m->head.size = n;
	return (block_of(&m->head));
}

static void *
take(size_t n)
{
	size_t size, list = block_list(n, &size);
	struct head *h = unused[list];

	if (h != NULL) {
		unused[list] = h->next;
		return (block_of(h));
	}
	if (left < ALIGN + size && !add_chunk())
		return (NULL);
	h = (struct head *)(void *)fresh;
	fresh += ALIGN + size;
	left -= ALIGN + size;
	h->size = size;
	return (block_of(h));
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's */

void *
__wrap_malloc(size_t size)
{
	return (size > LARGE ? take_large(size) : take(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return (NULL);
	}
	p = __wrap_malloc(bytes);
	if (p != NULL && bytes <= LARGE) /* a new mapping is zeroes */
		memset(p, 0, bytes);
	return (p);
}

void
__wrap_free(void *p)
{
	struct head *h;
	size_t size, list;

	if (p == NULL)
		return;
	h = block_head(p);
	if (h->size > LARGE) {
		unlink_mapping(around(h));
		(void)__real_munmap(around(h), around(h)->bytes);
		return;
	}
	list = block_list(h->size, &size);
	h->next = unused[list];
	unused[list] = h;
}

/* From large to large. */
static void *
resize(struct mapping *m, size_t size)
{
	size_t bytes;

	if (__builtin_add_overflow(sizeof(*m), size, &bytes)) {
		errno = ENOMEM;
		return (NULL);
	}
	unlink_mapping(m);
	if ((bytes = sizeof(*m) + size) != m->bytes) {
		struct mapping *moved = mremap(m, m->bytes, bytes, MREMAP_MAYMOVE);

		if (moved == MAP_FAILED) {
			link_mapping(m);
			return (NULL);
		}
		m = moved;
	}
	m->bytes = bytes;
	m->head.size = size;
	link_mapping(m);
	return (block_of(&m->head));
}

void *
__wrap_realloc(void *p, size_t size)
{
	struct head *h;
	void *moved;

	if (p == NULL)
		return (__wrap_malloc(size));
	h = block_head(p);
	if (h->size > LARGE && size > LARGE)
		return (resize(around(h), size));
	if (size <= h->size && h->size <= LARGE)
		return (p);
	if ((moved = __wrap_malloc(size)) == NULL)
		return (NULL);
	memcpy(moved, p, size < h->size ? size : h->size);
	__wrap_free(p);
	return (moved);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__wrap_realloc(p, bytes));
}

/* For LMDB's copies of environments, which no builtin makes. */
int
__wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
	(void)out;
	(void)alignment;
	(void)size;
	return (ENOMEM);
}

char *
__wrap_strndup(const char *s, size_t most)
{
	size_t n = strnlen(s, most);
	char *copy = __wrap_malloc(n + 1);

	if (copy == NULL)
		return (NULL);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return (copy);
}

char *
__wrap_strdup(const char *s)
{
	return (__wrap_strndup(s, strlen(s)));
}

int
__wrap_vasprintf(char **out, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (text = __wrap_malloc((size_t)n + 1)) == NULL)
		return (-1);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	*out = text;
	return (n);
}

int
__wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(out, fmt, ap);
	va_end(ap);
	return (n);
}
/* NOLINTEND(bugprone-reserved-identifier) */
