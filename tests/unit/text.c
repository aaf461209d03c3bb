/* SPDX-License-Identifier: ISC */
/* What people see of values, and what a terminal never gets to see. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/text.h"

#define SECOND ((int64_t)1000000000)

static void
is_shown(const char *text, const char *wanted)
{
	char buf[256];

	assert_int_equal(
	    text_escape(buf, sizeof(buf), text, strlen(text)), strlen(text));
	assert_string_equal(buf, wanted);
}

static void
durations_are_coarse(void **state)
{
	char buf[TEXT_DURATION];

	(void)state;
	assert_string_equal(text_duration(buf, 0), "0 s");
	assert_string_equal(text_duration(buf, 999), "999 ns");
	assert_string_equal(text_duration(buf, 1000), "1 us");
	assert_string_equal(text_duration(buf, SECOND - 1), "999 ms");
	assert_string_equal(text_duration(buf, 12 * SECOND + 1), "12 s");
	assert_string_equal(text_duration(buf, 119 * SECOND), "119 s");
	assert_string_equal(text_duration(buf, 120 * SECOND), "2 min");
	assert_string_equal(text_duration(buf, 7200 * SECOND), "2 h");
	assert_string_equal(text_duration(buf, 47 * 3600 * SECOND), "47 h");
	assert_string_equal(text_duration(buf, 72 * 3600 * SECOND), "3 d");
	assert_string_equal(text_duration(buf, -12 * SECOND), "-12 s");
	assert_string_equal(text_duration(buf, INT64_MAX), "106751 d");
	assert_string_equal(text_duration(buf, INT64_MIN), "-106751 d");
}

static void
sizes_are_cut_to_a_tenth(void **state)
{
	char buf[TEXT_SIZE];

	(void)state;
	assert_string_equal(text_size(buf, 0), "0 B");
	assert_string_equal(text_size(buf, 1023), "1023 B");
	assert_string_equal(text_size(buf, 1024), "1.0 KiB");
	assert_string_equal(text_size(buf, 1229), "1.2 KiB");
	assert_string_equal(text_size(buf, 1048575), "1023.9 KiB");
	assert_string_equal(text_size(buf, 64 << 20), "64.0 MiB");
	assert_string_equal(text_size(buf, UINT64_MAX), "15.9 EiB");
}

static void
times_are_rfc_3339_in_utc(void **state)
{
	char buf[TEXT_TIME];

	(void)state;
	setenv("TZ", "XXX-2", 1);
	assert_string_equal(text_time(buf, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(text_time(buf, -1), "1969-12-31T23:59:59.999999999Z");
	assert_string_equal(text_time(buf, 1795284000 * SECOND + 123456789),
	    "2026-11-21T18:00:00.123456789Z");
	assert_string_equal(
	    text_time(buf, 951782400 * SECOND), "2000-02-29T00:00:00.000000000Z");
	assert_string_equal(
	    text_time(buf, 1735603200 * SECOND), "2024-12-31T00:00:00.000000000Z");
	assert_string_equal(
	    text_time(buf, INT64_MAX), "2262-04-11T23:47:16.854775807Z");
	assert_string_equal(
	    text_time(buf, INT64_MIN), "1677-09-21T00:12:43.145224192Z");
}

static void
signals_have_the_names_the_system_gives_them(void **state)
{
	char buf[TEXT_SIGNAL], wanted[TEXT_SIGNAL];
	int named = 0;

	(void)state;
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		const char *name = sigabbrev_np(sig);

		if (strncmp(text_signal(buf, sig), "SIG", 3) != 0) {
			snprintf(wanted, sizeof(wanted), "signal %d", sig);
		} else {
			assert_non_null(name);
			snprintf(wanted, sizeof(wanted), "SIG%s", name);
			named++;
		}
		assert_string_equal(buf, wanted);
	}
	assert_in_range(named, 28, 31); /* of POSIX at least */
	assert_string_equal(text_signal(buf, 0), "signal 0");
	assert_string_equal(text_signal(buf, -1), "signal -1");
}

static void
printable_text_passes(void **state)
{
	(void)state;
	is_shown("", "");
	is_shown("plain \\x41 ~", "plain \\x41 ~");
	is_shown("naïve – 日本 🎉", "naïve – 日本 🎉");
	is_shown("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd");
}

static void
control_characters_are_shown(void **state)
{
	(void)state;
	is_shown("\033]0;title\a", "\\x1b]0;title\\x07");
	is_shown("a\tb\r\nc\x7f", "a\\x09b\\x0d\\x0ac\\x7f");
	is_shown("\xc2\x9b"
		 "31m",
	    "\\u{9b}31m");
	is_shown("\xc2\xa0", "\xc2\xa0");
}

static void
what_reorders_a_line_is_shown(void **state)
{
	(void)state;
	is_shown("\xe2\x80\xae"
		 "gpj.exe",
	    "\\u{202e}gpj.exe");
	is_shown("\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}");
	is_shown("\xe2\x80\x8f\xd8\x9c", "\\u{200f}\\u{61c}");
	is_shown("\xe2\x80\xa8", "\\u{2028}");
	is_shown("\xf3\xa0\x80\x81", "\\u{e0001}");
}

static void
what_is_not_utf_8_is_shown_byte_by_byte(void **state)
{
	(void)state;
	is_shown("\xff\xfe", "\\xff\\xfe");
	is_shown("\x80", "\\x80");
	is_shown("\xc3", "\\xc3");
	is_shown("\xc3(", "\\xc3(");
	is_shown("\xe2\x82", "\\xe2\\x82");
	is_shown("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
	is_shown("\xe0\x80\xaf", "\\xe0\\x80\\xaf");          /* overlong */
	is_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
	is_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past the last */
	is_shown("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

static void
nul_is_a_byte_like_others(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(text_escape(buf, sizeof(buf), "a\0b", 3), 3);
	assert_string_equal(buf, "a\\x00b");
}

static void
a_buffer_is_filled_with_whole_characters(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(text_escape(buf, 1, "abc", 3), 0);
	assert_string_equal(buf, "");
	assert_int_equal(text_escape(buf, 4, "abc", 3), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(text_escape(buf, 3, "aé", 3), 1);
	assert_string_equal(buf, "a");
	assert_int_equal(text_escape(buf, 5, "\a\a", 2), 1);
	assert_string_equal(buf, "\\x07");
	assert_int_equal(text_escape(buf, 4, "\a", 1), 0);
	assert_string_equal(buf, "");
}

static void
a_stream_gets_all_of_it(void **state)
{
	char *out = NULL, in[3000];
	size_t size = 0;
	FILE *stream = open_memstream(&out, &size);

	(void)state;
	assert_non_null(stream);
	for (size_t i = 0; i < sizeof(in); i += 3)
		memcpy(in + i, "\a\xc3\xa9", 3);
	text_print(stream, in, sizeof(in));
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(size, sizeof(in) / 3 * 6);
	for (size_t i = 0; i < size; i += 6)
		assert_memory_equal(out + i, "\\x07\xc3\xa9", 6);
	free(out);
}

static void
measured_times_have_three_digits(void **state)
{
	char buf[TEXT_DURATION];

	(void)state;
	assert_string_equal(text_seconds(buf, 0), "0 s");
	assert_string_equal(text_seconds(buf, -1), "0 s");
	assert_string_equal(text_seconds(buf, 1e-12), "0 s");
	assert_string_equal(text_seconds(buf, 1.5e-9), "1.50 ns");
	assert_string_equal(text_seconds(buf, 0.0000123), "12.3 us");
	assert_string_equal(text_seconds(buf, 0.123), "123 ms");
	assert_string_equal(text_seconds(buf, 1.651), "1.65 s");
	assert_string_equal(text_seconds(buf, 119.4), "119 s");
	assert_string_equal(text_seconds(buf, 150), "2.50 min");
	assert_string_equal(text_seconds(buf, 9000), "2.50 h");
	assert_string_equal(text_seconds(buf, 8640000), "100 d");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measured_times_have_three_digits),
		cmocka_unit_test(durations_are_coarse),
		cmocka_unit_test(sizes_are_cut_to_a_tenth),
		cmocka_unit_test(times_are_rfc_3339_in_utc),
		cmocka_unit_test(signals_have_the_names_the_system_gives_them),
		cmocka_unit_test(printable_text_passes),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(what_reorders_a_line_is_shown),
		cmocka_unit_test(what_is_not_utf_8_is_shown_byte_by_byte),
		cmocka_unit_test(nul_is_a_byte_like_others),
		cmocka_unit_test(a_buffer_is_filled_with_whole_characters),
		cmocka_unit_test(a_stream_gets_all_of_it),
	};

	return (cmocka_run_group_tests_name("text", tests, NULL, NULL));
}
