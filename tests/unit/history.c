/* SPDX-License-Identifier: ISC */
/* Histograms and rates: what they say of known events; and their records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static void
rates_are_those_of_a_steady_flow(void **state)
{
	static const q_time windows[] = { 60, 300, 900 };
	const q_time start = 1700000000 * Q_SECOND;
	struct rates r = { 0 };
	q_time now = start;

	(void)state;
	assert_true(rates_over(&r, now, RATES_IN, 60 * Q_SECOND) == 0);
	for (int s = 0; s < 2000; s++) {
		now = start + s * Q_SECOND;
		rates_add(&r, now, RATES_IN, 7);
		if (s % 2 == 0)
			rates_add(&r, now, RATES_OUT, 4);
		for (int w = 0; s > 30 && w < 3; w++) {
			q_time window = windows[w] * Q_SECOND;

			assert_near(rates_over(&r, now, RATES_IN, window), 7, 0.06);
			assert_near(rates_over(&r, now, RATES_OUT, window), 2, 0.12);
		}
	}
	/* It stops: the last minute forgets at once, the last quarter slowly. */
	assert_near(
	    rates_over(&r, now + 65 * Q_SECOND, RATES_IN, windows[0] * Q_SECOND), 0, 0);
	assert_near(
	    rates_over(&r, now + 450 * Q_SECOND, RATES_IN, 900 * Q_SECOND), 3.5, 0.1);
	assert_true(
	    rates_over(&r, now + 961 * Q_SECOND, RATES_IN, 900 * Q_SECOND) == 0);
}

static void
a_clock_that_is_set_does_not_confuse_rates(void **state)
{
	const q_time start = 1700000000 * Q_SECOND;
	struct rates r = { 0 };

	(void)state;
	rates_add(&r, start, RATES_IN, 100);
	/* A little back: it goes on counting. */
	rates_add(&r, start + 60 * Q_SECOND, RATES_IN, 100);
	rates_add(&r, start + 30 * Q_SECOND, RATES_IN, 100);
	assert_near(
	    rates_over(&r, start + 60 * Q_SECOND, RATES_IN, 300 * Q_SECOND), 5, 0.1);
	/* Far back, and before it began: anew. */
	rates_add(&r, start - 86400 * Q_SECOND, RATES_IN, 5);
	assert_near(rates_over(&r, start - 86390 * Q_SECOND, RATES_IN, 60 * Q_SECOND),
	    0.5, 0.1);
	/* Far ahead: nothing of late. */
	assert_true(rates_over(&r, INT64_MAX, RATES_IN, 900 * Q_SECOND) == 0);
	rates_add(&r, INT64_MAX, RATES_OUT, UINT64_MAX);
	assert_true(rates_over(&r, INT64_MAX, RATES_OUT, 60 * Q_SECOND) > 0);
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
}

static void
rates_are_read_as_written(void **state)
{
	uint8_t record[HISTORY_MOST];
	struct rates r = { 0 }, got;
	size_t size;

	(void)state;
	for (int s = 0; s < 1000; s += 7)
		rates_add(&r, (1000 + s) * Q_SECOND, s % 2 ? RATES_IN : RATES_OUT, 3);
	r.last = INT64_MAX;
	size = rates_encode(&r, ID, record);
	assert_true(size <= sizeof(record));
	assert_int_equal(rates_decode(record, size, ID, &got), 0);
	assert_memory_equal(&got, &r, sizeof(r));
	assert_fragile(decode_rates, record, size, ID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_grow_and_every_length_has_its_bucket),
		cmocka_unit_test(a_negative_length_counts_as_none),
		cmocka_unit_test(mean_and_quantiles_are_those_of_the_lengths),
		cmocka_unit_test(rates_are_those_of_a_steady_flow),
		cmocka_unit_test(a_clock_that_is_set_does_not_confuse_rates),
		cmocka_unit_test(histograms_are_read_as_written),
		cmocka_unit_test(rates_are_read_as_written),
	};

	return (cmocka_run_group_tests_name("history", tests, NULL, NULL));
}
