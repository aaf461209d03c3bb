/* SPDX-License-Identifier: ISC */
/* Runs of held ids: what was added is there until it is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "held.h"

/* Ids that h has, counted by looking at its runs. */
static uint64_t
total(const struct held *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += h->run[i].n;
	return (n);
}

static void
what_is_added_is_there_and_its_neighbours_are_not(void **state)
{
	struct held h = { 0 };

	(void)state;
	assert_false(held_has(&h, 0));
	assert_int_equal(held_add(&h, 5, 3), 0);
	for (uint64_t id = 0; id < 12; id++)
		assert_int_equal(held_has(&h, id), id >= 5 && id < 8);
	assert_int_equal(held_add(&h, 8, 1), 0);
	assert_int_equal(h.count, 1);
	assert_true(held_has(&h, 8));
	assert_int_equal(held_add(&h, UINT64_MAX, 1), 0);
	assert_true(held_has(&h, UINT64_MAX));
	held_free(&h);
	assert_false(held_has(&h, 5));
}

static void
ids_can_be_removed_at_the_ends_and_from_within(void **state)
{
	static const uint64_t order[] = { 10, 19, 14, 11, 18, 15, 12, 17, 13, 16 };
	struct held h = { 0 };

	(void)state;
	assert_int_equal(held_add(&h, 10, 10), 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		held_remove(&h, order[i], 1);
		assert_int_equal(total(&h), 9 - i);
		for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
			assert_int_equal(held_has(&h, order[k]), k > i);
	}
	held_free(&h);
}

static void
a_removal_may_span_runs_and_what_is_not_there(void **state)
{
	struct held h = { 0 };

	(void)state;
	assert_int_equal(held_add(&h, 20, 2), 0);
	assert_int_equal(held_add(&h, 10, 2), 0);
	assert_int_equal(held_add(&h, 30, 5), 0);
	held_remove(&h, 5, 27);
	assert_int_equal(total(&h), 3);
	assert_false(held_has(&h, 31));
	assert_true(held_has(&h, 32));
	held_remove(&h, 1, 3);
	assert_int_equal(total(&h), 3);
	held_free(&h);
}

static void
what_was_added_twice_is_there_until_removed_twice(void **state)
{
	struct held h = { 0 };

	(void)state;
	assert_int_equal(held_add(&h, 1, 3), 0);
	assert_int_equal(held_add(&h, 2, 1), 0);
	held_remove(&h, 2, 1);
	assert_true(held_has(&h, 2));
	held_remove(&h, 2, 1);
	assert_false(held_has(&h, 2));
	held_free(&h);
}

static void
many_come_and_go_in_bounded_room(void **state)
{
	struct held h = { 0 };

	(void)state;
	for (uint64_t id = 2; id < 20000; id += 2) {
		assert_int_equal(held_add(&h, id, 1), 0);
		if (id > 20)
			held_remove(&h, id - 20, 1);
	}
	assert_int_equal(total(&h), 10);
	assert_true(h.room <= 64);
	held_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_there_and_its_neighbours_are_not),
		cmocka_unit_test(ids_can_be_removed_at_the_ends_and_from_within),
		cmocka_unit_test(a_removal_may_span_runs_and_what_is_not_there),
		cmocka_unit_test(what_was_added_twice_is_there_until_removed_twice),
		cmocka_unit_test(many_come_and_go_in_bounded_room),
	};

	return (cmocka_run_group_tests_name("held", tests, NULL, NULL));
}
