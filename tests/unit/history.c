/* SPDX-License-Identifier: ISC */
/* Histograms and rates: what they say of known events; and their records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec.h"
#include "history.h"

static void
assert_near(double got, double want, double part)
{
	double d = got > want ? got - want : want - got;

	if (d > want * part + 1e-12)
		fail_msg("%g is not %g", got, want);
}

static void
bounds_grow_and_every_length_has_its_bucket(void **state)
{
	(void)state;
	assert_true(q_bucket_bound(0) == 1000);
	assert_true(q_bucket_bound(1) == 1414);
	assert_true(q_bucket_bound(2) == 2000);
	assert_true(q_bucket_bound(Q_BUCKETS - 1) == Q_FOREVER);
	assert_true(q_bucket_bound(Q_BUCKETS) == Q_FOREVER);
	for (size_t i = 0; i < Q_BUCKETS; i++) {
		struct q_histogram h = { 0 };
		q_time low = i > 0 ? q_bucket_bound(i - 1) + 1 : 0;

		assert_true(q_bucket_bound(i) > low);
		history_add(&h, low, 2);
		history_add(&h, q_bucket_bound(i), 3);
		assert_true(h.bucket[i] == 5 && h.count == 5);
	}
}

static void
a_negative_length_counts_as_none(void **state)
{
	struct q_histogram h = { 0 };

	(void)state;
	history_add(&h, -Q_SECOND, 1);
	history_add(&h, INT64_MIN, 1);
	assert_true(h.count == 2 && h.sum == 0 && h.bucket[0] == 2);
}

static void
mean_and_quantiles_are_those_of_the_lengths(void **state)
{
	struct q_histogram h = { 0 };

	(void)state;
	assert_true(q_histogram_mean(&h) == 0);
	assert_true(q_histogram_quantile(&h, 0.5) == 0);
	assert_true(q_histogram_variation(&h) == 0);
	for (int i = 1; i <= 1000; i++) /* 1 ms to 1 s */
		history_add(&h, i * (Q_SECOND / 1000), 1);
	assert_near(q_histogram_mean(&h), 0.5005, 0.001);
	assert_near(q_histogram_quantile(&h, 0.5), 0.5, 0.05);
	assert_near(q_histogram_quantile(&h, 0.9), 0.9, 0.1);
	assert_near(q_histogram_quantile(&h, 0.99), 0.99, 0.1);
	/* Of a uniform distribution from 0 it is a third. */
	assert_near(q_histogram_variation(&h), 1.0 / 3, 0.05);
	/* Constant times do not vary, but for the width of the bucket. */
	h = (struct q_histogram){ 0 };
	history_add(&h, Q_SECOND, 100);
	assert_true(q_histogram_variation(&h) < 0.05);
	assert_near(q_histogram_quantile(&h, 1), 1, 0.2);
}

/* A machine that has run for so many seconds, and since when its wall clock counts. */
enum { UP = 5000, EPOCH = 1700000000 };

static struct clock
at(q_time seconds)
{
	return (
	    (struct clock){ (EPOCH + seconds) * Q_SECOND, (UP + seconds) * Q_SECOND });
}

static void
add(struct rates *r, struct clock now, enum rates_which which, uint64_t n)
{
	rates_add(r, &now, which, n);
}

static double
over(const struct rates *r, struct clock now, enum rates_which which, q_time seconds)
{
	uint64_t seen;

	return (rates_over(r, &now, which, seconds * Q_SECOND, &seen));
}

static void
rates_are_those_of_a_steady_flow(void **state)
{
	static const q_time windows[] = { 60, 300, 900 };
	struct rates r = { 0 };
	struct clock now = at(0);
	uint64_t seen;

	(void)state;
	assert_true(over(&r, now, RATES_IN, 60) == 0);
	for (int s = 0; s < 2000; s++) {
		now = at(s);
		add(&r, now, RATES_IN, 7);
		if (s % 2 == 0)
			add(&r, now, RATES_OUT, 4);
		for (int w = 0; s > 30 && w < 3; w++) {
			assert_near(over(&r, now, RATES_IN, windows[w]), 7, 0.06);
			assert_near(over(&r, now, RATES_OUT, windows[w]), 2, 0.12);
		}
	}
	assert_near(rates_over(&r, &now, RATES_IN, 60 * Q_SECOND, &seen), 7, 0.06);
	assert_in_range(seen, 60 * 7, 66 * 7);
	/* It stops: the last minute forgets at once, the last quarter slowly. */
	assert_near(over(&r, at(1999 + 65), RATES_IN, 60), 0, 0);
	assert_near(over(&r, at(1999 + 450), RATES_IN, 900), 3.5, 0.1);
	assert_true(over(&r, at(1999 + 961), RATES_IN, 900) == 0);
}

static void
a_clock_that_is_set_begins_the_rates_anew(void **state)
{
	static const q_time steps[] = { -86400, -60, -2, 2, 60, 86400, EPOCH };
	struct clock now;
	q_time gap;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct rates r = { .anew = 3 };

		assert_false(rates_pushed(&r, &(struct clock){ 1, 1 }, 1, &gap));
		now = at(0);
		add(&r, now, RATES_IN, 1000);
		assert_false(rates_pushed(&r, &now, 1000, &gap));
		now = at(1);
		assert_true(rates_pushed(&r, &now, 1, &gap));
		assert_true(gap == Q_SECOND);
		now = at(10);
		now.wall += steps[i] * Q_SECOND;
		assert_true(over(&r, now, RATES_IN, 60) == 0);
		assert_true(rates_most(&r, &now) == 0);
		/* The time across the step is of no use. */
		assert_false(rates_pushed(&r, &now, 20, &gap));
		now.wall += 10 * Q_SECOND;
		now.boot += 10 * Q_SECOND;
		assert_near(over(&r, now, RATES_IN, 60), 2, 0);
		assert_true(rates_pushed(&r, &now, 1, &gap));
		assert_true(gap == 10 * Q_SECOND);
		assert_true(r.anew == 3);
	}
}

static void
a_reboot_begins_the_rates_anew(void **state)
{
	static const q_time up[] = { 1, UP - 1, UP + 100 };
	q_time gap;

	(void)state;
	for (size_t i = 0; i < sizeof(up) / sizeof(up[0]); i++) {
		struct rates r = { 0 };
		struct clock now = { at(200).wall + up[i] * Q_SECOND,
			up[i] * Q_SECOND };

		add(&r, at(0), RATES_IN, 1000);
		assert_true(over(&r, now, RATES_IN, 900) == 0);
		assert_false(rates_pushed(&r, &now, 1, &gap));
		assert_near(over(&r, now, RATES_IN, 900), 1, 0);
	}
}

static void
a_clock_that_is_slewed_does_not(void **state)
{
	struct rates r = { 0 };
	struct clock now = at(0);

	(void)state;
	for (int s = 0; s < 10000; s += 10) {
		now.boot += 10 * Q_SECOND;
		now.wall += 10 * Q_SECOND + 5 * (Q_SECOND / 1000);
		rates_add(&r, &now, RATES_OUT, 20);
	}
	assert_near(over(&r, now, RATES_OUT, 900), 2, 0.05);
	/* As much at once, while nothing happens. */
	now.boot += 800 * Q_SECOND;
	now.wall += 800 * Q_SECOND + 400 * (Q_SECOND / 1000);
	assert_true(over(&r, now, RATES_OUT, 900) > 0);
}

static void
impossible_times_and_numbers_do_no_harm(void **state)
{
	static const struct clock far[] = { { INT64_MAX, INT64_MAX }, { INT64_MAX, 1 },
		{ 0, INT64_MAX }, { 0, 1 } };
	struct rates r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		rates_add(&r, &far[i], RATES_OUT, UINT64_MAX);
		rates_add(&r, &far[i], RATES_OUT, UINT64_MAX);
		assert_near(over(&r, far[i], RATES_OUT, 60), UINT32_MAX, 0);
		rates_leased(&r, &far[i], UINT64_MAX);
		assert_true(rates_most(&r, &far[i]) == UINT32_MAX);
	}
}

static void
the_most_leased_is_that_of_the_last_quarter(void **state)
{
	struct rates r = { 0 };
	struct clock now;

	(void)state;
	for (int s = 0; s < 3600; s += 10) {
		now = at(s);
		rates_leased(&r, &now, s < 1800 ? 9 : 4);
		if (s == 1800 || s == 2400)
			assert_true(rates_most(&r, &now) == 9);
	}
	assert_true(rates_most(&r, &now) == 4);
	now = at(3600 + 970);
	assert_true(rates_most(&r, &now) == 0);
}

static void
sums_do_not_wrap(void **state)
{
	struct q_histogram h = { 0 };

	(void)state;
	history_add(&h, INT64_MAX, UINT32_MAX);
	history_add(&h, INT64_MAX, 1);
	assert_true(h.sum == UINT64_MAX);
}

static int
decode_histogram(const void *record, size_t size, uint64_t seed)
{
	struct q_histogram h;

	return (histogram_decode(record, size, seed, &h));
}

static int
decode_rates(const void *record, size_t size, uint64_t seed)
{
	struct rates r;

	return (rates_decode(record, size, seed, &r));
}

static void
histograms_are_read_as_written(void **state)
{
	uint8_t record[HISTORY_MOST];
	struct q_histogram h = { 0 }, got;
	size_t size;

	(void)state;
	for (size_t n = 0; n <= Q_BUCKETS; n++) {
		size = histogram_encode(&h, ID, record);
		assert_true(size <= sizeof(record));
		/* No single bit of a row's size can be wrong unnoticed. */
		for (size_t bit = 1; bit < 65536; bit <<= 1)
			assert_false(histogram_fits(size ^ bit));
		assert_true(histogram_fits(size));
		assert_int_equal(histogram_decode(record, size, ID, &got), 0);
		assert_memory_equal(&got, &h, sizeof(h));
		if (n % 40 == 0)
			assert_fragile(decode_histogram, record, size, ID);
		if (n < Q_BUCKETS)
			history_add(&h, q_bucket_bound(n), UINT32_MAX);
	}
	/* Buckets are in order, none is empty, and none is beyond the last. */
	h = (struct q_histogram){ .count = 2, .bucket = { [3] = 1, [5] = 1 } };
	size = histogram_encode(&h, ID, record);
	record[24] = 5;
	seal(record, size, ID);
	assert_int_equal(decode_histogram(record, size, ID), Q_ECORRUPT);
	record[24] = 3;
	record[33] = Q_BUCKETS;
	seal(record, size, ID);
	assert_int_equal(decode_histogram(record, size, ID), Q_ECORRUPT);
	record[33] = 5;
	record[41] = 0;
	seal(record, size, ID);
	assert_int_equal(decode_histogram(record, size, ID), Q_ECORRUPT);
	/* All of them are what was counted. */
	h.count = 3;
	size = histogram_encode(&h, ID, record);
	assert_int_equal(decode_histogram(record, size, ID), Q_ECORRUPT);
}

static void
rates_are_read_as_written(void **state)
{
	uint8_t record[HISTORY_MOST];
	struct rates r = { 0 }, got;
	size_t size;

	(void)state;
	for (int s = 0; s < 1000; s += 7) {
		struct clock now = at(s);

		rates_add(&r, &now, s % 2 ? RATES_IN : RATES_OUT, 3);
		rates_leased(&r, &now, (uint64_t)s);
	}
	r.pushed = r.last;
	r.anew = INT64_MAX;
	r.ahead = INT64_MIN;
	size = rates_encode(&r, ID, record);
	assert_true(rates_fits(size) && !rates_fits(size - 1) && !rates_fits(size + 1));
	assert_true(size <= sizeof(record));
	assert_int_equal(rates_decode(record, size, ID, &got), 0);
	assert_memory_equal(&got, &r, sizeof(r));
	assert_fragile(decode_rates, record, size, ID);
}

static void
rates_that_cannot_be_are_damage(void **state)
{
	struct clock now = at(100), late = at(100 + FINE_SECONDS);
	struct rates good = { 0 };
	uint8_t record[HISTORY_MOST];
	q_time gap;

	(void)state;
	rates_pushed(&good, &now, 1, &gap);
	assert_int_equal(decode_rates(record, rates_encode(&good, ID, record), ID), 0);
	for (int i = 0; i < 6; i++) {
		struct rates bad = good;

		switch (i) {
		case 0:
			bad.since = -1;
			break;
		case 1:
			bad.since = bad.last + 1;
			break;
		case 2:
			bad.pushed = INT64_MIN;
			break;
		case 3:
			bad.pushed = bad.last + 1;
			break;
		case 4:
			bad.last = late.boot;
			break;
		default:
			bad.since = bad.last = bad.pushed = INT64_MIN;
		}
		assert_int_equal(
		    decode_rates(record, rates_encode(&bad, ID, record), ID),
		    Q_ECORRUPT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_grow_and_every_length_has_its_bucket),
		cmocka_unit_test(a_negative_length_counts_as_none),
		cmocka_unit_test(mean_and_quantiles_are_those_of_the_lengths),
		cmocka_unit_test(rates_are_those_of_a_steady_flow),
		cmocka_unit_test(a_clock_that_is_set_begins_the_rates_anew),
		cmocka_unit_test(a_reboot_begins_the_rates_anew),
		cmocka_unit_test(a_clock_that_is_slewed_does_not),
		cmocka_unit_test(impossible_times_and_numbers_do_no_harm),
		cmocka_unit_test(the_most_leased_is_that_of_the_last_quarter),
		cmocka_unit_test(sums_do_not_wrap),
		cmocka_unit_test(histograms_are_read_as_written),
		cmocka_unit_test(rates_are_read_as_written),
		cmocka_unit_test(rates_that_cannot_be_are_damage),
	};

	return (cmocka_run_group_tests_name("history", tests, NULL, NULL));
}
