/* SPDX-License-Identifier: ISC */
/* What static commands have instead of malloc(). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Under names of their own, beside those of this program. */
#define malloc         own_malloc
#define calloc         own_calloc
#define realloc        own_realloc
#define free           own_free
#define posix_memalign own_posix_memalign
void *own_malloc(size_t n);
void *own_calloc(size_t n, size_t size);
void *own_realloc(void *p, size_t n);
void own_free(void *p);
int own_posix_memalign(void **p, size_t alignment, size_t n);
#include "../../cmd/static/malloc.c"

enum { BLOCKS = 500, STEPS = 50000 };

static struct block {
	unsigned char *p;
	size_t n;
	unsigned char mark;
} blocks[BLOCKS];

static uint32_t
number(uint32_t below)
{
	static uint64_t x = 1;

	x = x * 6364136223846793005U + 1442695040888963407U;
	return ((uint32_t)(x >> 33) % below);
}

/* Mostly small, some large, at times around where that begins. */
static size_t
some_size(void)
{
	switch (number(500)) {
	case 0:
		return (number(3 * LARGE));
	case 1:
		return (LARGE - 2 + number(4));
	case 2:
		return (0);
	case 3:
		return (number(1U << 18));
	default:
		return (number(1U << (4 + number(10))));
	}
}

static bool
all(const unsigned char *p, size_t n, unsigned char mark)
{
	return (n == 0 || (p[0] == mark && memcmp(p, p + 1, n - 1) == 0));
}

static void
fill(struct block *b, void *p, size_t n)
{
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	b->p = p;
	b->n = n;
	b->mark = (unsigned char)number(256);
	memset(p, b->mark, n);
}

static void
blocks_keep_what_is_in_them(void **state)
{
	size_t n;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		struct block *b = &blocks[number(BLOCKS)];
		unsigned char *p;

		assert_true(all(b->p, b->n, b->mark));
		n = some_size();
		switch (number(4)) {
		case 0:
			free(b->p);
			fill(b, malloc(n), n);
			break;
		case 1:
			free(b->p);
			p = calloc(n, 1);
			assert_true(all(p, n, 0));
			fill(b, p, n);
			break;
		case 2:
			p = realloc(b->p, n);
			assert_non_null(p);
			assert_true(all(p, n < b->n ? n : b->n, b->mark));
			fill(b, p, n);
			break;
		case 3:
			free(b->p);
			b->p = NULL;
			b->n = 0;
		}
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		assert_true(all(blocks[i].p, blocks[i].n, blocks[i].mark));
		free(blocks[i].p);
	}
}

static void
what_is_freed_is_used_again(void **state)
{
	size_t before_it;
	void *p;

	(void)state;
	free(malloc(1000));
	before_it = left;
	for (size_t n = 900; n <= 1000; n++) {
		p = malloc(n);
		assert_non_null(p);
		free(p);
	}
	assert_int_equal(left, before_it);
}

static void
a_block_that_fits_stays(void **state)
{
	void *p = malloc(100);

	(void)state;
	assert_ptr_equal(realloc(p, 112), p);
	assert_ptr_equal(realloc(p, 1), p);
	free(p);
}

static void
what_cannot_be_had_is_null(void **state)
{
	unsigned char *p = malloc(10);

	(void)state;
	memset(p, 'x', 10);
	errno = 0;
	assert_null(malloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(calloc(SIZE_MAX / 2, 4));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(realloc(p, (size_t)PTRDIFF_MAX + 1));
	assert_int_equal(errno, ENOMEM);
	assert_true(all(p, 10, 'x'));
	free(p);
	p = malloc(2 * LARGE);
	assert_null(realloc(p, SIZE_MAX - 1));
	memset(p, 'x', 2 * LARGE);
	free(p);
	assert_int_equal(posix_memalign((void **)&p, 64, 100), ENOMEM);
	assert_null(p);
}

/* Of the first chunk, which is used little, nothing is filled before it is needed. */
static void
chunks_behind_the_first_are_of_huge_pages(void **state)
{
	unsigned char *first_chunk, *second;

	(void)state;
	(void)map_chunk(); /* the others of this program may have had it */
	first_chunk = map_chunk();
	second = map_chunk();
	assert_non_null(first_chunk);
	assert_non_null(second);
	assert_int_equal((uintptr_t)first_chunk % HUGE_PAGE, 0);
	assert_int_equal((uintptr_t)second % HUGE_PAGE, 0);
	memset(second, 'x', CHUNK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_keep_what_is_in_them),
		cmocka_unit_test(what_is_freed_is_used_again),
		cmocka_unit_test(a_block_that_fits_stays),
		cmocka_unit_test(what_cannot_be_had_is_null),
		cmocka_unit_test(chunks_behind_the_first_are_of_huge_pages),
	};

	return (cmocka_run_group_tests_name("memory", tests, NULL, NULL));
}
