/* SPDX-License-Identifier: ISC */
/* The copies that the commands over musl make: of each size, and on each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void *to_elsewhere(void *restrict to, const void *restrict from, size_t n);
void *to_near(void *to, const void *from, size_t n);

#define memcpy  to_elsewhere
#define memmove to_near
#include "../../libq/musl/copy.c"
#undef memcpy
#undef memmove

enum { MOST = 300, AWAY = 40, ROOM = MOST + 2 * AWAY };

static uint8_t have[ROOM], want[ROOM];

/* As if each byte went by way of a place of its own. */
static void
begin(size_t from, size_t to, size_t n)
{
	uint8_t away[MOST];

	for (size_t i = 0; i < ROOM; i++)
		have[i] = want[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < n; i++)
		away[i] = want[from + i];
	for (size_t i = 0; i < n; i++)
		want[to + i] = away[i];
}

static void
a_copy_is_of_all_bytes_and_no_others(void **state)
{
	uint8_t from[MOST];

	(void)state;
	for (size_t n = 0; n <= MOST; n++)
		for (size_t at = 0; at < AWAY; at++) {
			begin(0, at, n);
			for (size_t i = 0; i < n; i++)
				from[i] = have[i];
			assert_ptr_equal(to_elsewhere(have + at, from, n), have + at);
			assert_memory_equal(have, want, ROOM);
		}
}

static void
what_is_moved_may_lie_on_itself(void **state)
{
	(void)state;
	for (size_t n = 0; n <= MOST; n++)
		for (size_t to = 0; to <= 2 * AWAY; to++) {
			begin(AWAY, to, n);
			assert_ptr_equal(to_near(have + to, have + AWAY, n), have + to);
			assert_memory_equal(have, want, ROOM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_of_all_bytes_and_no_others),
		cmocka_unit_test(what_is_moved_may_lie_on_itself),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
