/* SPDX-License-Identifier: ISC */
/* What a COMMAND says of its messages: "LINE STATUS", and all that is not that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/said.h"

enum { LINES = 12 };

/* Everything that was heard: "3=75;" for each report, "!text;" for what is none. */
static char heard[512];

static void
note(void *arg, size_t line, int status)
{
	(void)arg;
	(void)snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%zu=%d;",
	    line, status);
}

static void
wrong(void *arg, const char *shown)
{
	(void)arg;
	(void)snprintf(
	    heard + strlen(heard), sizeof(heard) - strlen(heard), "!%s;", shown);
}

static void
hears_bytes(const char *text, size_t size, size_t step, const char *want)
{
	struct said s = { 0 };

	heard[0] = '\0';
	for (size_t i = 0; i < size; i += step)
		said_feed(&s, text + i, size - i < step ? size - i : step, LINES, note,
		    wrong, NULL);
	said_end(&s, LINES, note, wrong, NULL);
	assert_string_equal(heard, want);
}

static void
hears(const char *text, const char *want)
{
	for (size_t step = 1; step <= strlen(text) + 1; step++)
		hears_bytes(text, strlen(text), step, want);
}

static void
a_line_is_a_number_and_a_status(void **state)
{
	(void)state;
	hears("", "");
	hears("1 0\n", "1=0;");
	hears("12 255\n1 7\n", "12=255;1=7;");
	hears("3\t75\n", "3=75;");
	hears("3   75 \n", "3=75;");
	hears("0003 075\n", "3=75;");
	hears("2 1\n2 0\n", "2=1;2=0;");
}

static void
a_last_line_may_lack_its_newline(void **state)
{
	(void)state;
	hears("1 0\n2 3", "1=0;2=3;");
}

static void
what_is_no_report_is_said_and_the_next_line_is_read(void **state)
{
	static const char *const bad[] = { "0 0", "13 0", "1 256", "1", "1 ", " 1 0",
		"x", "1 x", "1 0 0", "-1 0", "1 -1", "+1 0", "1,0", "1 0x", "",
		"99999999999999999999 0", "1 99999999999999999999", "1 0\r" };
	char text[128], want[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s\n2 7\n", bad[i]);
		(void)snprintf(want, sizeof(want), "!%s;2=7;", bad[i]);
		hears(text, want);
	}
}

static void
a_long_line_is_shown_from_its_beginning(void **state)
{
	char text[100], want[100];

	(void)state;
	memset(text, '1', 60);
	(void)snprintf(text + 60, sizeof(text) - 60, "\n1 0\n");
	(void)snprintf(want, sizeof(want), "!%.*s;1=0;", (int)SAID_LINE, text);
	hears(text, want);
	/* Right but for its length. */
	memset(text, '0', 60);
	(void)snprintf(text + 60, sizeof(text) - 60, "1 5\n1 0\n");
	(void)snprintf(want, sizeof(want), "!%.*s;1=0;", (int)SAID_LINE, text);
	hears(text, want);
}

static void
a_nul_hides_nothing(void **state)
{
	(void)state;
	hears_bytes("1 0\0 5\n1 2\n", 11, 1, "!1 0;1=2;");
	hears_bytes("1 0\0\n", 5, 5, "!1 0;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_number_and_a_status),
		cmocka_unit_test(a_last_line_may_lack_its_newline),
		cmocka_unit_test(what_is_no_report_is_said_and_the_next_line_is_read),
		cmocka_unit_test(a_long_line_is_shown_from_its_beginning),
		cmocka_unit_test(a_nul_hides_nothing),
	};

	return (cmocka_run_group_tests_name("said", tests, NULL, NULL));
}
