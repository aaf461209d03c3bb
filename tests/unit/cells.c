/* SPDX-License-Identifier: ISC */
/* Cells: numbers, and untrusted text cut to columns. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/cells.h"

static void
numbers_keep_their_width(void **state)
{
	char buf[CELLS_TEXT];

	(void)state;
	assert_string_equal(cells_rate(buf, 0), "0.00");
	assert_string_equal(cells_rate(buf, 12.34), "12.3");
	assert_string_equal(cells_rate(buf, 4210.4), "4210");
	assert_string_equal(cells_rate(buf, NAN), "-");
	assert_string_equal(cells_count(buf, 0), "0");
	assert_string_equal(cells_count(buf, 999999), "999999");
	assert_string_equal(cells_count(buf, 1000000), "1.0M");
	assert_string_equal(cells_count(buf, 12345678), "12.3M");
	assert_string_equal(cells_count(buf, 999950000), "1.0G");
	assert_string_equal(cells_count(buf, UINT64_MAX), "18.4E");
}

static void
what_is_paused_has_a_name(void **state)
{
	struct q_stat st = { 0 };

	(void)state;
	assert_string_equal(cells_paused(&st), "-");
	st.paused_in = 1;
	assert_string_equal(cells_paused(&st), "in");
	st.paused_out = 1;
	assert_string_equal(cells_paused(&st), "both");
	st.paused_in = 0;
	assert_string_equal(cells_paused(&st), "out");
}

static void
a_backlog_drains_grows_or_is_not_known(void **state)
{
	struct q_stat st = { 0 };
	char buf[CELLS_TEXT];

	(void)state;
	assert_string_equal(cells_drain(buf, &st), "-");
	st.count[Q_READY] = 100;
	assert_string_equal(cells_drain(buf, &st), "-");
	st.seen_in[0] = st.seen_out[0] = 300;
	st.rate_in[0] = 5;
	st.rate_out[0] = 10;
	assert_string_equal(cells_drain(buf, &st), "20.0 s");
	st.rate_in[0] = 11;
	assert_string_equal(cells_drain(buf, &st), "+60/min");
	st.rate_in[0] = 10 + 99999.0 / 60;
	assert_string_equal(cells_drain(buf, &st), "+99999/min");
	st.rate_in[0] = 10 + 181542.0 / 60;
	assert_string_equal(cells_drain(buf, &st), "+182k/min");
	st.rate_in[0] = 10 + 999600.0 / 60;
	assert_string_equal(cells_drain(buf, &st), "+1.0M/min");
	st.rate_in[0] = 1e30;
	assert_string_equal(cells_drain(buf, &st), "+18.4E/min");
	st.rate_in[0] = 10;
	assert_string_equal(cells_drain(buf, &st), "steady");
}

static void
fits(const char *text, size_t width, bool utf8, const char *wanted, size_t columns)
{
	char buf[256];

	assert_int_equal(
	    cells_fit(buf, sizeof(buf), text, strlen(text), width, utf8), columns);
	assert_string_equal(buf, wanted);
}

static void
text_is_cut_to_columns(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	fits("abcde", 5, true, "abcde", 5);
	fits("abcde", 9, true, "abcde", 5);
	fits("abcde", 4, true, "abc…", 4);
	fits("abcde", 4, false, "abc>", 4);
	fits("abcde", 1, true, "…", 1);
	fits("abcde", 0, true, "", 0);
	fits("", 0, true, "", 0);
	fits("größe", 5, true, "größe", 5);
	fits("größe", 5, false, "gr??e", 5);
	fits("日本語", 6, true, "日本語", 6);
	fits("日本語", 5, true, "日本…", 5);
	fits("日本語", 4, true, "日…", 3);
	fits("日本語", 4, false, "???", 3);
	fits("e\xcc\x81"
	     "a",
	    2, true,
	    "e\xcc\x81"
	    "a",
	    2);
}

static void
what_the_locale_has_not_is_a_question_mark(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	fits("größe", 9, true, "gr????e", 7);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void
nothing_in_it_acts_on_a_terminal(void **state)
{
	(void)state;
	fits("a\033[2Jb", 20, true, "a\\x1b[2Jb", 9);
	fits("a\nb\r", 20, false, "a\\x0ab\\x0d", 10);
	fits("\xff", 20, true, "\\xff", 4);
	fits("\xe2\x80\xae"
	     "x",
	    20, true, "\\u{202e}x", 9);
	fits("\xc2\x9b"
	     "x",
	    20, true, "\\u{9b}x", 7);
}

static void
it_stays_in_its_buffer(void **state)
{
	char *text = malloc(5000);

	(void)state;
	memset(text, 'x', 5000);
	for (size_t size = 1; size < 12; size++) {
		char *buf = malloc(size);

		assert_true(cells_fit(buf, size, text, 5000, 10000, true) < size);
		assert_true(strlen(buf) < size);
		free(buf);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_their_width),
		cmocka_unit_test(what_is_paused_has_a_name),
		cmocka_unit_test(a_backlog_drains_grows_or_is_not_known),
		cmocka_unit_test(text_is_cut_to_columns),
		cmocka_unit_test(what_the_locale_has_not_is_a_question_mark),
		cmocka_unit_test(nothing_in_it_acts_on_a_terminal),
		cmocka_unit_test(it_stays_in_its_buffer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
