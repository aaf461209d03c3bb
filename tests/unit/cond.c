/* SPDX-License-Identifier: ISC */
/* Conditions: what is one, what is none and why, and when they are met. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/cond.h"

static void
what_is_a_condition_is_read(void **state)
{
	static const struct {
		const char *text, *name, *op;
		double limit;
	} good[] = {
		{ "ready>1000", "ready", ">", 1000 },
		{ "ready >= 0", "ready", ">=", 0 },
		{ "dead==0", "dead", "==", 0 },
		{ "delayed<5", "delayed", "<", 5 },
		{ "blocked<=5", "blocked", "<=", 5 },
		{ "leased>18446744073709551615", "leased", ">",
		    18446744073709551615.0 },
		{ "oldest>5m", "oldest", ">", 300 },
		{ "oldest>1.5", "oldest", ">", 1.5 },
		{ "wait99>  2h30m", "wait99", ">", 9000 },
		{ "wait50<1us", "wait50", "<", 1e-6 },
		{ "service>1d", "service", ">", 86400 },
		{ "bytes>=2G", "bytes", ">=", 2147483648.0 },
		{ "disk>10M", "disk", ">", 10485760 },
		{ "in<1/m", "in", "<", 1.0 / 60 },
		{ "out>0.5", "out", ">", 0.5 },
		{ "out>36/h", "out", ">", 0.01 },
		{ "in>10.5/s", "in", ">", 10.5 },
		{ "load>0.8", "load", ">", 0.8 },
		{ "pending==0", "pending", "==", 0 },
		{ "empty", "pending", "==", 0 },
	};
	struct cond c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *why = cond_parse(good[i].text, &c);

		if (why != NULL)
			fail_msg("%s: %s", good[i].text, why);
		assert_string_equal(cond_name(&c), good[i].name);
		assert_string_equal(cond_op(&c), good[i].op);
		assert_true(fabs(c.limit - good[i].limit) <= 1e-12 * good[i].limit);
		assert_true(cond_looks_like(good[i].text));
	}
}

static void
what_is_none_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "is not a condition (like" },
		{ "ready", "'ready' is not a condition" },
		{ "ready>", "'' is not a number" },
		{ "ready>x", "'x' is not a number" },
		{ "ready>-1", "-1 is not between 0 and" },
		{ "ready>1 0", "'1 0' is not a number" },
		{ "ready>>1", "'>1' is not a number" },
		{ "ready=1", "is not a condition" },
		{ "ready=>1", "is not a condition" },
		{ "redi>1", "'redi' is not one of ready, delayed," },
		{ ">1", "'' is not one of ready" },
		{ "READY>1", "'READY' is not one of" },
		{ "oldest>5 min", "'5 min' is not a duration" },
		{ "bytes>5X", "is not a size" },
		{ "in>5/w", "'5/w' is not a rate" },
		{ "in>5/", "'5/' is not a rate" },
		{ "in>.5", "is not a rate" },
		{ "in>5.", "is not a rate" },
		{ "in>1e9", "is not a rate" },
		{ "in>nan", "is not a rate" },
		{ "load>-1", "'-1' is not a number" },
		{ "load>11111111111111111111111111111111", "is not a number" },
		{ "\033[31m>1", "'\\x1b[31m' is not one of" },
		{ "empty>1", "'empty' is not one of" },
	};
	struct cond c = { .limit = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = cond_parse(bad[i].text, &c);

		if (why == NULL || strstr(why, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].text, why != NULL ? why : "read");
	}
	assert_true(c.name == NULL && c.limit == 77);
	assert_false(cond_looks_like("jobs"));
	assert_false(cond_looks_like("./a>b"));
	assert_true(cond_looks_like("redi>1"));
	assert_true(cond_looks_like("in>10/m"));
}

static bool
met(const char *text, const struct q_stat *st, q_time now)
{
	struct cond c;

	assert_null(cond_parse(text, &c));
	return (cond_met(&c, st, now));
}

static void
conditions_are_met_by_what_they_say(void **state)
{
	static const struct {
		const char *text;
		bool met;
	} v[] = {
		{ "ready>4", true },
		{ "ready>5", false },
		{ "ready>=5", true },
		{ "ready<6", true },
		{ "ready<5", false },
		{ "ready<=5", true },
		{ "ready==5", true },
		{ "ready==4", false },
		{ "delayed==2", true },
		{ "blocked==3", true },
		{ "leased==4", true },
		{ "dead==7", true },
		{ "pending==14", true },
		{ "empty", false },
		{ "oldest>9", true },
		{ "oldest>10s", false },
		{ "oldest>=10s", true },
		{ "bytes>1K", true },
		{ "disk>1M", false },
		{ "in>=2", true },
		{ "out>=3", true },
	};
	const struct q_stat st = { .count = { 0, 5, 2, 3, 4, 7 },
		.bytes = 2000,
		.disk = 4096,
		.oldest = 90 * Q_SECOND,
		.rate_in = { 2, 0, 0 },
		.rate_out = { 3, 0, 0 } };
	const struct q_stat dead = { .count = { [Q_DEAD] = 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (met(v[i].text, &st, 100 * Q_SECOND) != v[i].met)
			fail_msg("%s", v[i].text);
	assert_true(met("empty", &dead, 0));
	/* Nothing is ready, or the clock was set back. */
	assert_true(met("oldest==0", &dead, 0));
	assert_true(met("oldest==0", &st, 0));
}

static void
what_is_not_known_meets_nothing(void **state)
{
	static const char *const of[] = { "wait50", "wait99", "service", "load" };
	static const char *const how[] = { ">0", ">=0", "<1", "<=1", "==0" };
	struct q_stat st = { .leased_most = 1, .done = 100 };
	char text[32];

	(void)state;
	st.wait.count = st.service.count = 29;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 5; j++) {
			strcat(strcpy(text, of[i]), how[j]);
			assert_false(met(text, &st, 0));
		}
	st.wait.count = st.service.count = 30;
	st.wait.bucket[0] = st.service.bucket[0] = 30;
	st.seen_in[0] = 60;
	st.rate_in[0] = 1;
	for (size_t i = 0; i < 4; i++)
		assert_true(met(strcat(strcpy(text, of[i]), "<1"), &st, 0));
}

static void
values_are_shown_with_their_units(void **state)
{
	static const struct {
		const char *cond;
		double value;
		const char *text, *unit;
	} v[] = {
		{ "ready>1", 1000000, "1000000", "" },
		{ "oldest>1", 300, "5.00 min", "s" },
		{ "bytes>1", 2048, "2.0 KiB", "B" },
		{ "bytes>1", 0x1p64, "15.9 EiB", "B" },
		{ "in>1", 0.5, "0.5/s", "" },
		{ "load>1", 0.75, "0.75", "" },
		{ "wait99>1", NAN, "unknown", "s" },
	};
	char buf[COND_TEXT];
	struct cond c;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_null(cond_parse(v[i].cond, &c));
		assert_string_equal(cond_text(buf, &c, v[i].value), v[i].text);
		assert_string_equal(cond_unit(&c), v[i].unit);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_condition_is_read),
		cmocka_unit_test(what_is_none_is_refused_with_the_reason),
		cmocka_unit_test(conditions_are_met_by_what_they_say),
		cmocka_unit_test(what_is_not_known_meets_nothing),
		cmocka_unit_test(values_are_shown_with_their_units),
	};

	return (cmocka_run_group_tests_name("cond", tests, NULL, NULL));
}
