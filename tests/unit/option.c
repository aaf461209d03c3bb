/* SPDX-License-Identifier: ISC */
/* The table of a queue's options is whole, and its defaults are in range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "option.h"

static void
every_option_has_a_row(void **state)
{
	(void)state;
	for (int i = 0; i < Q_OPTIONS; i++) {
		const struct q_option_info *o = q_option_info((enum q_option)i);

		assert_non_null(o);
		assert_non_null(o->name);
		assert_true(
		    o->name[0] != '\0' &&
		    o->name[strspn(o->name, "abcdefghijklmnopqrstuvwxyz-")] == '\0');
		assert_true(o->help != NULL && o->help[0] != '\0');
		assert_in_range(o->kind, Q_COUNT, Q_CHOICE);
		for (uint64_t c = o->min; o->kind == Q_CHOICE && c <= o->max; c++)
			assert_non_null(o->choices[c]);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			    o->name, q_option_info((enum q_option)k)->name);
	}
}

static void
defaults_are_in_range(void **state)
{
	uint64_t values[Q_OPTIONS];

	(void)state;
	option_defaults(values);
	for (int i = 0; i < Q_OPTIONS; i++) {
		const struct q_option_info *o = q_option_info((enum q_option)i);

		assert_true(values[i] == o->initial);
		assert_true(o->min <= o->initial && o->initial <= o->max);
		/* Durations and sizes are handed on as signed numbers. */
		assert_true(o->max <= INT64_MAX);
	}
}

static void
other_numbers_have_no_row(void **state)
{
	(void)state;
	assert_null(q_option_info(Q_OPTIONS));
	assert_null(q_option_info((enum q_option) - 1));
	assert_null(q_option_info((enum q_option)1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_has_a_row),
		cmocka_unit_test(defaults_are_in_range),
		cmocka_unit_test(other_numbers_have_no_row),
	};

	return (cmocka_run_group_tests_name("option", tests, NULL, NULL));
}
