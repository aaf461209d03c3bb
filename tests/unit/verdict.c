/* SPDX-License-Identifier: ISC */
/* What each end of a COMMAND means, and lists of exit statuses. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/verdict.h"

/* As wait(2) gives them. */
#define EXITED(code) ((code) << 8)
#define KILLED(sig)  (sig)
#define DUMPED(sig)  ((sig) | 0x80)

static bool
dead_on(const struct verdict_set *set, int code)
{
	return (verdict_of(EXITED(code), set, 0).verb == Q_KILL);
}

static enum q_verb
wanted_verb(int code)
{
	switch (code) {
	case 0:
		return (Q_ACK);
	case 65:
	case 100:
		return (Q_KILL);
	case 75:
	case 111:
	case 126:
	case 127:
		return (Q_RELEASE);
	default:
		return (Q_FAIL);
	}
}

static void
a_status_that_is_reported_means_what_an_exit_with_it_does(void **state)
{
	struct verdict_set dead;
	char text[VERDICT_REASON];

	(void)state;
	assert_null(verdict_dead_parse("9,200", &dead));
	for (int code = 0; code < 256; code++) {
		struct verdict said = verdict_said(code, &dead);
		struct verdict ended = verdict_of(EXITED(code), &dead, 0);

		assert_int_equal(said.verb, ended.verb);
		assert_int_equal(said.later, ended.later);
		assert_int_equal(said.failed, ended.failed);
		assert_int_equal(said.unable, ended.unable);
		assert_true(said.said && !ended.said);
		(void)snprintf(text, sizeof(text), "reported %d", code);
		assert_string_equal(said.reason, text);
	}
}

static void
each_exit_status_has_its_meaning(void **state)
{
	struct verdict_set dead;
	char text[VERDICT_REASON];

	(void)state;
	verdict_dead_default(&dead);
	for (int code = 0; code < 256; code++) {
		struct verdict v = verdict_of(EXITED(code), &dead, 0);
		bool unable = code == 126 || code == 127;
		bool later = code == 75 || code == 111;

		assert_int_equal(v.verb, wanted_verb(code));
		assert_int_equal(v.unable, unable);
		assert_int_equal(v.later, later);
		assert_int_equal(v.failed, code != 0 && !later);
		snprintf(text, sizeof(text), "exited %d", code);
		assert_string_equal(v.reason, text);
	}
}

static void
each_signal_is_a_failed_attempt(void **state)
{
	struct verdict_set dead;

	(void)state;
	assert_null(verdict_dead_parse("1-255", &dead));
	for (int sig = 1; sig <= 64; sig++)
		for (int core = 0; core < 2; core++) {
			struct verdict v =
			    verdict_of(core ? DUMPED(sig) : KILLED(sig), &dead, 0);

			assert_int_equal(v.verb, Q_FAIL);
			assert_true(v.failed);
			assert_false(v.unable);
			assert_false(v.later);
			assert_memory_equal(v.reason, "killed by ", 10);
		}
}

static void
a_signal_is_named(void **state)
{
	static const struct {
		int sig;
		const char *reason;
	} rows[] = {
		{ SIGKILL, "killed by SIGKILL" },
		{ SIGTERM, "killed by SIGTERM" },
		{ SIGSEGV, "killed by SIGSEGV" },
		{ SIGXCPU, "killed by SIGXCPU" },
	};
	struct verdict_set dead;

	(void)state;
	verdict_dead_default(&dead);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    verdict_of(KILLED(rows[i].sig), &dead, 0).reason, rows[i].reason);
}

/* Those of 32 to 64 have no names in C; none may be shown as "(null)". */
static void
a_signal_without_a_name_has_a_number(void **state)
{
	struct verdict_set dead;

	(void)state;
	verdict_dead_default(&dead);
	for (int sig = 32; sig <= 64; sig++)
		assert_null(strstr(verdict_of(KILLED(sig), &dead, 0).reason, "null"));
}

static void
a_time_limit_outweighs_how_it_ended(void **state)
{
	static const int statuses[] = { EXITED(0), EXITED(65), EXITED(75), EXITED(127),
		KILLED(SIGTERM), KILLED(SIGKILL) };
	struct verdict_set dead;

	(void)state;
	verdict_dead_default(&dead);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct verdict v = verdict_of(statuses[i], &dead, 90 * Q_SECOND);

		assert_int_equal(v.verb, Q_FAIL);
		assert_true(v.failed);
		assert_false(v.unable);
		assert_false(v.later);
		assert_string_equal(v.reason, "timed out after 90 s");
	}
	assert_string_equal(
	    verdict_of(0, &dead, INT64_MAX).reason, "timed out after 106751 d");
	assert_string_equal(verdict_of(0, &dead, 1).reason, "timed out after 1 ns");
}

static void
a_list_is_what_it_says(void **state)
{
	static const struct {
		const char *list;
		int first, last; /* the only ones between 0 and 255 */
	} rows[] = {
		{ "1", 1, 1 },
		{ "255", 255, 255 },
		{ "100-110", 100, 110 },
		{ "7-7", 7, 7 },
		{ "7,8,9-11", 7, 11 },
		{ "11,10,7-9,8", 7, 11 },
		{ "1-255", 1, 255 },
		{ "007", 7, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict_set dead;

		memset(&dead, 0xff, sizeof(dead)); /* replaced, not added to */
		assert_null(verdict_dead_parse(rows[i].list, &dead));
		for (int code = 0; code < 256; code++)
			assert_int_equal(dead_on(&dead, code),
			    code >= rows[i].first && code <= rows[i].last);
	}
}

static void
a_list_outweighs_what_a_status_means_otherwise(void **state)
{
	struct verdict_set dead;

	(void)state;
	assert_null(verdict_dead_parse("75,127", &dead));
	for (int code = 75; code <= 127; code += 52) {
		struct verdict v = verdict_of(EXITED(code), &dead, 0);

		assert_int_equal(v.verb, Q_KILL);
		assert_true(v.failed);
		assert_false(v.unable);
		assert_false(v.later);
	}
	assert_int_equal(verdict_of(EXITED(65), &dead, 0).verb, Q_FAIL);
}

static void
what_is_no_list_changes_nothing(void **state)
{
	static const char *const lists[] = { "", ",", "65,", ",65", "65,,66", "0",
		"256", "0-5", "250-256", "70-60", "65-", "-65", "65-66-67", "x", "65x",
		"0x41", "+65", " 65", "65 ", "65, 66", "18446744073709551681" };
	struct verdict_set dead, before;

	(void)state;
	verdict_dead_default(&dead);
	before = dead;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const char *why = verdict_dead_parse(lists[i], &dead);

		assert_non_null(why);
		assert_true(*why != '\0');
		assert_memory_equal(&dead, &before, sizeof(dead));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_exit_status_has_its_meaning),
		cmocka_unit_test(
		    a_status_that_is_reported_means_what_an_exit_with_it_does),
		cmocka_unit_test(each_signal_is_a_failed_attempt),
		cmocka_unit_test(a_signal_is_named),
		cmocka_unit_test(a_signal_without_a_name_has_a_number),
		cmocka_unit_test(a_time_limit_outweighs_how_it_ended),
		cmocka_unit_test(a_list_is_what_it_says),
		cmocka_unit_test(a_list_outweighs_what_a_status_means_otherwise),
		cmocka_unit_test(what_is_no_list_changes_nothing),
	};

	return (cmocka_run_group_tests_name("verdict", tests, NULL, NULL));
}
