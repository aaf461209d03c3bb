/* SPDX-License-Identifier: ISC */
/* What numbers, durations, sizes and times mean, and what is said of mistakes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../cmd/parse.h"

#define SECOND ((int64_t)1000000000)
#define HOUR   (3600 * SECOND)
#define NOON   (1795262400 * SECOND) /* 2026-11-21T12:00:00Z */

enum { UNTOUCHED = 4711 };

static const char *
duration(const char *text, int64_t *value)
{
	*value = UNTOUCHED;
	return (parse_duration(text, value));
}

static const char *
size(const char *text, int64_t *value)
{
	uint64_t n = UNTOUCHED;
	const char *why = parse_size(text, &n);

	*value = (int64_t)n;
	return (why);
}

static const char *
count(const char *text, int64_t *value)
{
	uint64_t n = UNTOUCHED;
	const char *why = parse_count(text, 1, 1000, &n);

	*value = (int64_t)n;
	return (why);
}

static const char *
priority(const char *text, int64_t *value)
{
	*value = UNTOUCHED;
	return (parse_int(text, -100, 100, value));
}

static const char *
moment(const char *text, int64_t *value)
{
	*value = UNTOUCHED;
	return (parse_time(text, NOON, value));
}

typedef const char *parser(const char *text, int64_t *value);

static void
is(parser *parse, const char *text, int64_t wanted)
{
	int64_t value;
	const char *why = parse(text, &value);

	if (why != NULL)
		fail_msg("%s", why);
	if (value != wanted)
		fail_msg("'%s' is %" PRId64 ", not %" PRId64, text, value, wanted);
}

/* "'text' why", and the value is left alone. */
static void
is_refused(parser *parse, const char *text, const char *why)
{
	char wanted[256];
	int64_t value;
	const char *got = parse(text, &value);

	if (got == NULL)
		fail_msg("'%s' is %" PRId64, text, value);
	snprintf(wanted, sizeof(wanted), "'%s' %s", text, why);
	assert_string_equal(got, wanted);
	assert_int_equal(value, UNTOUCHED);
}

static void
local_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void
a_bare_duration_is_seconds(void **state)
{
	(void)state;
	is(duration, "0", 0);
	is(duration, "90", 90 * SECOND);
	is(duration, "0090", 90 * SECOND);
	is(duration, "1.5", 3 * SECOND / 2);
}

static void
durations_have_units(void **state)
{
	(void)state;
	is(duration, "7ns", 7);
	is(duration, "7us", 7000);
	is(duration, "500ms", SECOND / 2);
	is(duration, "30s", 30 * SECOND);
	is(duration, "5m", 300 * SECOND);
	is(duration, "2h", 2 * HOUR);
	is(duration, "7d", 168 * HOUR);
	is(duration, "2w", 336 * HOUR);
}

static void
durations_add_up_from_large_to_small(void **state)
{
	(void)state;
	is(duration, "2h30m", 2 * HOUR + HOUR / 2);
	is(duration, "1w1d1h1m1s1ms1us1ns", 694861001001001);
	is(duration, "1.5h30s", HOUR + HOUR / 2 + 30 * SECOND);
}

static void
fractions_of_durations_are_exact(void **state)
{
	(void)state;
	is(duration, "0.000000001s", 1);
	is(duration, "0.0000000019s", 1);
	is(duration, "0.3s", 300000000);
	is(duration, "0.1w", 60480 * SECOND);
	is(duration, "1.9ns", 1);
	is(duration, "0.0000000000000000000000000000000000000000001s", 0);
}

static void
what_is_no_duration_is_refused(void **state)
{
	static const char *const no[] = { "", " ", "10 min", " 10", "10 ", "10s ", "s",
		"ms", "+5", "x", "5x", "1.s", ".5s", "1.", "1..5s", "1,5s", "0x10",
		"1e3", "5M", "5S", "2h30", "30m2h", "1h1h", "5\n", "5min", "--5", "-",
		"inf", "5s-" };

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		int64_t value;
		const char *why = duration(no[i], &value);

		if (why == NULL)
			fail_msg("'%s' is %" PRId64, no[i], value);
		assert_non_null(
		    strstr(why, " is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)"));
		assert_int_equal(value, UNTOUCHED);
	}
	is_refused(duration, "-5s", "is negative");
}

static void
durations_are_bounded(void **state)
{
	(void)state;
	is(duration, "9223372036854775807ns", INT64_MAX);
	is_refused(duration, "9223372036854775808ns", "is too long");
	is(duration, "9223372036.854775807", INT64_MAX);
	is_refused(duration, "9223372036.854775808", "is too long");
	is_refused(duration, "9223372036s854775808ns", "is too long");
	is_refused(duration, "15251w", "is too long");
	is_refused(duration, "18446744073709551616", "is too long");
	is_refused(duration, "99999999999999999999999999999999w", "is too long");
}

static void
sizes_are_powers_of_1024(void **state)
{
	(void)state;
	is(size, "0", 0);
	is(size, "100", 100);
	is(size, "64K", 65536);
	is(size, "64k", 65536);
	is(size, "64KiB", 65536);
	is(size, "10M", 10485760);
	is(size, "2G", 2147483648);
	is(size, "1TiB", 1099511627776);
	is(size, "1P", 1125899906842624);
	is(size, "15E", (int64_t)(UINT64_C(15) << 60));
	is(size, "18446744073709551615", -1);
}

static void
what_is_no_size_is_refused(void **state)
{
	static const char *const no[] = { "", "K", "KiB", "64KB", "64Ki", "64KiBs",
		"64 K", " 64", "64K ", "1.5G", "+1", "0x10", "1e3", "64X", "64kK",
		"64B", "iB" };

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		is_refused(size, no[i], "is not a size (like 100, 64K, 10M, 2G)");
	is_refused(size, "-1K", "is negative");
	is_refused(size, "16E", "is too large");
	is_refused(size, "18446744073709551616", "is too large");
	is_refused(size, "18014398509481984K", "is too large");
}

static void
numbers_keep_the_bounds_of_the_caller(void **state)
{
	int64_t value;
	uint64_t n;

	(void)state;
	is(count, "1", 1);
	is(count, "01000", 1000);
	is(priority, "-100", -100);
	is(priority, "-0", 0);
	is(priority, "100", 100);
	assert_string_equal(count("0", &value), "0 is not between 1 and 1000");
	assert_string_equal(count("1001", &value), "1001 is not between 1 and 1000");
	assert_string_equal(count("-1", &value), "-1 is not between 1 and 1000");
	assert_string_equal(priority("300", &value), "300 is not between -100 and 100");
	assert_string_equal(
	    priority("-101", &value), "-101 is not between -100 and 100");
	assert_int_equal(value, UNTOUCHED);
	assert_null(parse_count("18446744073709551615", 0, UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	assert_null(parse_int("-9223372036854775807", INT64_MIN, INT64_MAX, &value));
	assert_true(value == -INT64_MAX);
}

static void
numbers_that_do_not_fit_are_out_of_bounds(void **state)
{
	int64_t value;
	uint64_t n;

	(void)state;
	assert_string_equal(parse_count("18446744073709551616", 0, UINT64_MAX, &n),
	    "18446744073709551616 is not between 0 and 18446744073709551615");
	assert_string_equal(priority("18446744073709551617", &value),
	    "18446744073709551617 is not between -100 and 100");
	assert_non_null(parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &value));
	assert_non_null(parse_int("-18446744073709551615", -100, 100, &value));
}

static void
what_is_no_number_is_refused(void **state)
{
	static const char *const no[] = { "", "-", "--1", "+1", " 1", "1 ", "0x10",
		"1e3", "1.0", "1K", "all", "\xd9\xa3", "1-", "99999999999999999999x" };

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		is_refused(count, no[i], "is not a number");
		is_refused(priority, no[i], "is not a number");
	}
}

static void
rfc_3339_times_are_exact(void **state)
{
	(void)state;
	is(moment, "1970-01-01T00:00:00Z", 0);
	is(moment, "2026-11-21T12:00:00Z", NOON);
	is(moment, "2026-11-21t12:00:00z", NOON);
	is(moment, "2026-11-21 12:00:00Z", NOON);
	is(moment, "2026-11-21T13:30:00+01:30", NOON);
	is(moment, "2026-11-20T23:00:00-13:00", NOON);
	is(moment, "2026-11-21T12:00:00.123456789Z", NOON + 123456789);
	is(moment, "2026-11-21T12:00:00.1234567899Z", NOON + 123456789);
	is(moment, "2024-02-29T00:00:00Z", 1709164800 * SECOND);
	is(moment, "2000-02-29T23:59:59Z", 951868799 * SECOND);
	is(moment, "2016-12-31T23:59:60Z", 1483228800 * SECOND);
}

static void
times_without_a_zone_are_local(void **state)
{
	(void)state;
	local_zone("XXX-2"); /* two hours east */
	is(moment, "2026-11-21 14:00", NOON);
	is(moment, "2026-11-21T14:00:00", NOON);
	is(moment, "2026-11-21T14:00:00.5", NOON + SECOND / 2);
	is(moment, "2026-11-21", NOON - 14 * HOUR);
}

static void
a_time_of_day_is_the_next_one(void **state)
{
	(void)state;
	local_zone("XXX-2");
	is(moment, "14:00", NOON + 24 * HOUR);
	is(moment, "14:00:00.000000001", NOON + 1);
	is(moment, "14:00:01", NOON + SECOND);
	is(moment, "13:59:59", NOON + 24 * HOUR - SECOND);
	is(moment, "18:00", NOON + 4 * HOUR);
	is(moment, "00:00", NOON + 10 * HOUR);
	local_zone("XXX11"); /* eleven hours west: it is 01:00 */
	is(moment, "18:00", NOON + 17 * HOUR);
}

static void
tomorrow_is_a_day_of_the_calendar(void **state)
{
	int64_t when;

	(void)state;
	local_zone("XXX-2");
	is(moment, "tomorrow", NOON + 10 * HOUR);
	is(moment, "tomorrow 18:00", NOON + 28 * HOUR);
	is(moment, "tomorrow 00:00:01", NOON + 10 * HOUR + SECOND);
	local_zone("CET-1CEST,M3.5.0,M10.5.0/3"); /* 2026-10-25 has 25 hours */
	assert_null(parse_time("tomorrow", 1792879200 * SECOND, &when));
	assert_true(when == 1792969200 * SECOND);
}

static void
at_counts_from_the_epoch(void **state)
{
	(void)state;
	is(moment, "@0", 0);
	is(moment, "@1795262400", NOON);
	is(moment, "@1795262400.5", NOON + SECOND / 2);
	is_refused(moment, "@9223372037", "is not between the years 1970 and 2262");
	is_refused(
	    moment, "@18446744073709551616", "is not between the years 1970 and 2262");
}

static void
times_are_bounded(void **state)
{
	static const char *const no[] = { "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "2262-04-11T23:47:17Z",
		"2262-04-11T23:47:16.854775808Z", "9999-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z", "9999-01-01" };

	(void)state;
	is(moment, "2262-04-11T23:47:16.854775807Z", INT64_MAX);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		is_refused(moment, no[i], "is not between the years 1970 and 2262");
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const no[] = { "", "now", "noon", "18", "1800", "8:00",
		"18:0", "24:00", "18:60", "18:00:61", "18:00 ", " 18:00", "-18:00",
		"18:00Z", "18:00:", "18:00:00.", "tomorrow18:00", "tomorrow ",
		"tomorrow  18:00", "Tomorrow", "tomorrowZ", "@", "@-1", "@1.", "@x",
		"@1 ", "2026-11-21T", "2026-11-21 ", "2026-11-21T18",
		"2026-11-21T18:00:00X", "2026-11-21T18:00:00+1:00",
		"2026-11-21T18:00:00+0100", "2026-11-21T18:00:00+24:00",
		"2026-11-21T18:00:00+02", "2026-11-21 18:00+02:", "2026-11-21 18:00-",
		"2026-11-21T18:00:00+99", "2026-11-21T18:00:00+02:60",
		"2026-11-21T18:00:00ZZ", "2026-11-21Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-1-1T00:00:00Z",
		"26-11-21T00:00:00Z", "2026/11/21", "20261121T180000Z", "90s" };

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		is_refused(moment, no[i],
		    "is not a time (like 18:00, tomorrow, 2026-11-21T18:00:00Z, "
		    "@1790000000)");
}

static void
what_is_quoted_is_short_and_harmless(void **state)
{
	char text[5000];
	int64_t value;

	(void)state;
	assert_non_null(strstr(duration("\033[31m", &value), "'\\x1b[31m'"));
	assert_non_null(strstr(duration("\xff", &value), "'\\xff'"));
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(strlen(duration(text, &value)) < 100);
	assert_non_null(strstr(count(text, &value), "999... is not between"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_duration_is_seconds),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(durations_add_up_from_large_to_small),
		cmocka_unit_test(fractions_of_durations_are_exact),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(durations_are_bounded),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(numbers_keep_the_bounds_of_the_caller),
		cmocka_unit_test(numbers_that_do_not_fit_are_out_of_bounds),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(rfc_3339_times_are_exact),
		cmocka_unit_test(times_without_a_zone_are_local),
		cmocka_unit_test(a_time_of_day_is_the_next_one),
		cmocka_unit_test(tomorrow_is_a_day_of_the_calendar),
		cmocka_unit_test(at_counts_from_the_epoch),
		cmocka_unit_test(times_are_bounded),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(what_is_quoted_is_short_and_harmless),
	};

	return (cmocka_run_group_tests_name("parse", tests, NULL, NULL));
}
