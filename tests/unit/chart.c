/* SPDX-License-Identifier: ISC */
/* Charts: scales, zero and what is not known, spikes, widths. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../cmd/chart.h"

enum { MOST = 64 };

static void
is_drawn(enum chart_style style, double top, const double *samples, size_t n,
    size_t width, const char *const rows[], size_t height)
{
	struct chart c = { style, width, height, top };
	char buf[CHART_CELL * MOST + 1];

	for (size_t i = 0; i < height; i++)
		assert_string_equal(chart_row(&c, samples, n, i, buf), rows[i]);
}

#define DRAWN(style, top, samples, width, ...) \
	is_drawn(style, top, samples, sizeof(samples) / sizeof(*(samples)), width, \
	    (const char *const[]){ __VA_ARGS__ }, \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void
the_scale_is_round(void **state)
{
	static const struct {
		double most, top;
	} scale[] = {
		{ 0, 1 },
		{ 0.3, 1 },
		{ 1, 1 },
		{ 1.01, 2 },
		{ 2, 2 },
		{ 3, 5 },
		{ 5.1, 10 },
		{ 11, 20 },
		{ 99, 100 },
		{ 101, 200 },
		{ 1e6, 1e6 },
		{ 1.2e9, 2e9 },
		{ -4, 1 },
		{ NAN, 1 },
		{ INFINITY, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scale) / sizeof(scale[0]); i++) {
		double samples[] = { 0, scale[i].most, NAN };

		assert_true(fabs(chart_top(samples, 3) / scale[i].top - 1) < 1e-9);
	}
	assert_true(chart_top(NULL, 0) == 1);
	assert_true(chart_top((double[]){ 1e300 }, 1) >= 1e300);
}

static void
each_style_has_its_heights(void **state)
{
	static const double four[] = { 1, 2, 3, 4 };
	static const double eight[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	DRAWN(CHART_ASCII, 4, four, 4, "..:#");
	DRAWN(CHART_ASCII, 4, four, 4, "  .#", ".###");
	DRAWN(CHART_BLOCK, 8, eight, 8, "▂▂▃▄▅▆▇█");
	DRAWN(CHART_BLOCK, 8, eight, 8, "    ▂▄▆█", "▂▄▆█████");
	DRAWN(CHART_BRAILLE, 4, four, 2, "⣤⣾");
	DRAWN(CHART_BRAILLE, 4, four, 2, " ⣼", "⣼⣿");
}

static void
zero_is_seen_and_differs_from_little_and_from_unknown(void **state)
{
	static const double samples[] = { NAN, 0, 0.001, -3 };

	(void)state;
	DRAWN(CHART_ASCII, 100, samples, 4, " _._");
	DRAWN(CHART_ASCII, 100, samples, 4, "    ", " _._");
	DRAWN(CHART_BLOCK, 100, samples, 4, " ▁▂▁");
	DRAWN(CHART_BRAILLE, 100, samples, 2, "⢀⣄");
}

static void
few_samples_are_at_the_right_end_and_of_many_the_last_are_seen(void **state)
{
	static const double one[] = { 1 }, many[] = { 9, 9, 9, 0, 1 };

	(void)state;
	DRAWN(CHART_ASCII, 1, one, 3, "  #");
	DRAWN(CHART_BLOCK, 1, one, 3, "  █");
	DRAWN(CHART_BRAILLE, 1, one, 3, "  ⢸");
	DRAWN(CHART_ASCII, 1, many, 2, "_#");
	DRAWN(CHART_BRAILLE, 1, many, 1, "⣸");
	is_drawn(CHART_ASCII, 1, NULL, 0, 3, (const char *const[]){ "   " }, 1);
	is_drawn(CHART_BRAILLE, 1, one, 1, 0, (const char *const[]){ "" }, 1);
}

static void
a_spike_is_as_high_as_the_chart_and_no_higher(void **state)
{
	static const double spike[] = { 1, 1e12, 1, INFINITY };

	(void)state;
	DRAWN(CHART_ASCII, 5, spike, 4, " # #", " # #", ".#.#");
}

static void
a_new_width_shows_the_same_numbers(void **state)
{
	static const double samples[] = { 4, 0, 2, 4 };

	(void)state;
	DRAWN(CHART_ASCII, 4, samples, 2, ".#");
	DRAWN(CHART_ASCII, 4, samples, 4, "#_.#");
	DRAWN(CHART_ASCII, 4, samples, 6, "  #_.#");
	assert_int_equal(chart_samples(CHART_ASCII, 7), 7);
	assert_int_equal(chart_samples(CHART_BLOCK, 7), 7);
	assert_int_equal(chart_samples(CHART_BRAILLE, 7), 14);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_scale_is_round),
		cmocka_unit_test(each_style_has_its_heights),
		cmocka_unit_test(zero_is_seen_and_differs_from_little_and_from_unknown),
		cmocka_unit_test(
		    few_samples_are_at_the_right_end_and_of_many_the_last_are_seen),
		cmocka_unit_test(a_spike_is_as_high_as_the_chart_and_no_higher),
		cmocka_unit_test(a_new_width_shows_the_same_numbers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
