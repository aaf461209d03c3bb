/* SPDX-License-Identifier: ISC */
/* The stock of a worker: its order, its size and its age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../cmd/ahead.h"

#define MS (Q_SECOND / 1000)

static void
messages_come_out_in_their_order(void **state)
{
	struct q_msg msg[100] = { { 0 } };
	struct ahead a = { 0 };
	struct item got[7];
	uint64_t next = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		msg[i].id = i;
	/* Seven in, five out: the ring turns and grows. */
	for (size_t i = 0; i < 98; i += 7) {
		for (size_t k = 0; k < 7; k++)
			ahead_put(&a, &msg[i + k], NULL, 1);
		assert_int_equal(ahead_get(&a, got, 5, 2), 5);
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(got[k].msg->id, next++);
	}
	assert_int_equal(a.count, 98 - next);
	while (ahead_get(&a, got, 1, 3) == 1)
		assert_int_equal(got[0].msg->id, next++);
	assert_int_equal(next, 98);
	assert_int_equal(ahead_get(&a, got, 7, 3), 0);
	ahead_free(&a);
}

static void
the_stock_is_for_short_commands_alone(void **state)
{
	struct ahead a = { 0 };

	(void)state;
	assert_int_equal(ahead_depth(&a, 4), 0); /* nothing is known yet */
	ahead_learn_command(&a, 2 * MS);
	assert_int_equal(ahead_depth(&a, 1), 5);
	assert_int_equal(ahead_depth(&a, 4), 20);
	assert_int_equal(ahead_depth(&a, 1000), 1000);
	ahead_learn_command(&a, Q_SECOND);
	assert_int_equal(ahead_depth(&a, 1000), 0);
	for (int i = 0; i < 30; i++)
		ahead_learn_command(&a, 1 * MS);
	assert_true(ahead_depth(&a, 1) >= 8);
	for (int i = 0; i < 60; i++)
		ahead_learn_command(&a, 0);
	assert_int_equal(ahead_depth(&a, 1), 256);
	assert_int_equal(ahead_depth(&a, 2), 256);
}

static void
what_has_ended_waits_longer_where_commits_are_slow(void **state)
{
	struct ahead a = { 0 };

	(void)state;
	assert_true(ahead_step(&a) == 5 * MS);
	ahead_learn_commit(&a, MS / 2);
	assert_true(ahead_step(&a) == 5 * MS);
	a.commit = 2 * MS;
	assert_true(ahead_step(&a) == 16 * MS);
	ahead_learn_command(&a, 4 * MS);
	assert_int_equal(ahead_depth(&a, 2), 16);
	for (int i = 0; i < 9; i++)
		ahead_learn_commit(&a, Q_SECOND);
	assert_true(ahead_step(&a) == 40 * MS);
	assert_int_equal(ahead_depth(&a, 1), 20);
}

static void
what_waits_is_given_back_in_time(void **state)
{
	struct q_msg msg = { 0 };
	struct ahead a = { 0 };
	struct item got;

	(void)state;
	assert_true(ahead_until(&a) == Q_FOREVER);
	ahead_put(&a, &msg, NULL, 5 * MS);
	ahead_put(&a, &msg, NULL, 7 * MS);
	assert_true(ahead_until(&a) == 107 * MS);
	(void)ahead_get(&a, &got, 1, 50 * MS);
	assert_true(ahead_until(&a) == 150 * MS);
	(void)ahead_get(&a, &got, 1, 60 * MS);
	assert_true(ahead_until(&a) == Q_FOREVER);
	ahead_learn_command(&a, MS);
	assert_true(ahead_depth(&a, 1) > 0);
	ahead_doubt(&a);
	assert_int_equal(ahead_depth(&a, 8), 0);
	ahead_learn_command(&a, MS);
	assert_int_equal(ahead_depth(&a, 8), 0);
	ahead_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_out_in_their_order),
		cmocka_unit_test(the_stock_is_for_short_commands_alone),
		cmocka_unit_test(what_has_ended_waits_longer_where_commits_are_slow),
		cmocka_unit_test(what_waits_is_given_back_in_time),
	};

	return (cmocka_run_group_tests_name("ahead", tests, NULL, NULL));
}
