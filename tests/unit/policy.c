/* SPDX-License-Identifier: ISC */
/* The arithmetic of back-off, and priorities as ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"

static const q_time base = 5 * Q_SECOND, cap = 3600 * Q_SECOND;

static void
it_doubles_up_to_the_cap(void **state)
{
	q_time want = base;

	(void)state;
	for (uint32_t attempt = 1; attempt < 100; attempt++) {
		assert_true(policy_backoff(attempt, base, cap, 0) == want);
		want = want * 2 < cap ? want * 2 : cap;
	}
}

static void
jitter_takes_off_at_most_a_half(void **state)
{
	static const uint64_t random[] = { 0, 1, 2, 3, 4, 12345, UINT32_MAX,
		UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX, 0x9e3779b97f4a7c15 };

	(void)state;
	for (uint32_t attempt = 1; attempt < 40; attempt++) {
		q_time most = policy_backoff(attempt, base, cap, 0);

		for (size_t i = 0; i < sizeof(random) / sizeof(random[0]); i++) {
			q_time d = policy_backoff(attempt, base, cap, random[i]);

			assert_true(d <= most && d >= most - most / 2);
		}
		/* Both ends are reached. */
		assert_true(policy_backoff(attempt, base, cap, (uint64_t)most / 2) ==
			    most - most / 2);
	}
}

static void
nothing_overflows(void **state)
{
	static const q_time large[] = { INT64_MAX, INT64_MAX - 1, INT64_MAX / 2,
		INT64_MAX / 2 + 1, 365 * 86400 * Q_SECOND };

	(void)state;
	assert_true(policy_backoff(UINT32_MAX, base, cap, 0) == cap);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		assert_true(policy_backoff(UINT32_MAX, 1, large[i], 0) == large[i]);
		assert_true(
		    policy_backoff(UINT32_MAX, large[i], INT64_MAX, 0) == INT64_MAX);
		assert_true(
		    policy_backoff(UINT32_MAX, large[i], large[i], UINT64_MAX) > 0);
	}
}

static void
a_base_of_nothing_is_no_wait(void **state)
{
	(void)state;
	assert_true(policy_backoff(1, 0, cap, UINT64_MAX) == 0);
	assert_true(policy_backoff(1000000, 0, cap, 12345) == 0);
	assert_true(policy_backoff(1, base, 0, 12345) == 0);
	assert_true(policy_backoff(UINT32_MAX, 0, 0, 12345) == 0);
}

static void
a_base_over_the_cap_is_the_cap(void **state)
{
	(void)state;
	assert_true(policy_backoff(1, cap, base, 0) == base);
	assert_true(policy_backoff(9, cap, base, 0) == base);
}

/* q(7) says so: 19 waits between 20 attempts. */
static void
the_defaults_span_five_to_ten_hours(void **state)
{
	q_time most = 0, least = 0;

	(void)state;
	for (uint32_t attempt = 1; attempt < 20; attempt++) {
		q_time d = policy_backoff(attempt, base, cap, 0);

		most += d;
		least += policy_backoff(attempt, base, cap, (uint64_t)d / 2);
	}
	assert_true(most == 37515 * Q_SECOND);
	assert_true(least == most / 2);
}

/* A clock that stands still: a tenth of a second's worth goes, then none until it is
 * time. */
static void
a_rate_lets_a_burst_go_and_then_one_each(void **state)
{
	static const struct {
		q_time every;
		uint64_t burst;
	} row[] = { { Q_SECOND / 1000, 100 }, { Q_SECOND / 20, 2 },
		{ Q_SECOND / 10, 1 }, { Q_SECOND, 1 }, { 86400 * Q_SECOND, 1 } };
	const q_time start = 1000 * Q_SECOND;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		q_time every = row[i].every, now = start, last = 0;

		assert_true(policy_later(now, last, every) == 0);
		assert_true(policy_allowed(now, last, every) == row[i].burst);
		last = policy_went(now, last, every, row[i].burst);
		for (int k = 0; k < 50; k++) {
			q_time later = policy_later(now, last, every);

			assert_true(policy_allowed(now, last, every) == 0);
			assert_true(later > 0 && later <= every);
			assert_true(policy_allowed(now + later - 1, last, every) == 0);
			now += later;
			assert_true(policy_allowed(now, last, every) == 1);
			last = policy_went(now, last, every, 1);
		}
		/* Over all that time, no more than the rate and one burst. */
		assert_true(now - start >= 49 * every);
	}
}

static void
a_slower_rate_before_does_not_hold_up_a_faster_one(void **state)
{
	static const q_time every[] = { Q_SECOND / 1000, Q_SECOND / 10, Q_SECOND };
	q_time now = Q_SECOND, last = policy_went(now, 0, 86400 * Q_SECOND, 1), later;

	(void)state;
	for (size_t i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		later = policy_later(now, last, every[i]);
		assert_true(later <= every[i]);
		assert_true(policy_allowed(now + later, last, every[i]) > 0);
	}
	/* Nor does a time that cannot be. */
	assert_true(policy_later(now, INT64_MAX, Q_SECOND) <= Q_SECOND + POLICY_BURST);
	assert_true(policy_later(now, INT64_MAX, INT64_MAX) > 0);
}

static void
a_faster_rate_before_does_not_hurry_a_slower_one(void **state)
{
	q_time now = 1000 * Q_SECOND, slow = 60 * Q_SECOND;
	q_time last = policy_went(now, 0, slow, 1);

	(void)state;
	now += Q_SECOND;
	last = policy_went(now, last, Q_SECOND / 100, 10);
	assert_true(policy_later(now, last, slow) >= slow);
	assert_true(policy_allowed(now + slow - 1, last, slow) == 0);
	/* Machines that have run for less than the slower one's time. */
	assert_true(policy_allowed(1, 0, slow) == 1);
}

static void
the_highest_priority_has_the_lowest_rank(void **state)
{
	(void)state;
	assert_int_equal(policy_rank(Q_MAX_PRIORITY), 0);
	assert_int_equal(policy_rank(0), 100);
	assert_int_equal(policy_rank(Q_MIN_PRIORITY), 200);
	for (int p = Q_MIN_PRIORITY; p <= Q_MAX_PRIORITY; p++) {
		assert_int_equal(policy_priority(policy_rank(p)), p);
		if (p < Q_MAX_PRIORITY)
			assert_true(policy_rank(p) > policy_rank(p + 1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_doubles_up_to_the_cap),
		cmocka_unit_test(jitter_takes_off_at_most_a_half),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(a_base_of_nothing_is_no_wait),
		cmocka_unit_test(a_base_over_the_cap_is_the_cap),
		cmocka_unit_test(the_defaults_span_five_to_ten_hours),
		cmocka_unit_test(a_rate_lets_a_burst_go_and_then_one_each),
		cmocka_unit_test(a_slower_rate_before_does_not_hold_up_a_faster_one),
		cmocka_unit_test(a_faster_rate_before_does_not_hurry_a_slower_one),
		cmocka_unit_test(the_highest_priority_has_the_lowest_rank),
	};

	return (cmocka_run_group_tests_name("policy", tests, NULL, NULL));
}
