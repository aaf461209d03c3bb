/* SPDX-License-Identifier: ISC */
/* Every code has a text and a class; the sentence is the thread's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* cmocka's; ours is a function */

#include "error.h"
#include "q.h"

static const char unknown[] = "unknown error";

static void
every_code_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < Q_CODES; i++) {
		const char *text = q_strerror(-i);

		assert_non_null(text);
		assert_true(text[0] >= 'a' && text[0] <= 'z');
		assert_string_not_equal(text, unknown);
		assert_true(text[strlen(text) - 1] != '.');
		for (int k = 0; k < i; k++)
			assert_string_not_equal(text, q_strerror(-k));
	}
}

static void
other_numbers_are_unknown_and_not_temporary(void **state)
{
	static const int other[] = { 1, 2, 100, INT32_MAX, -Q_CODES, -Q_CODES - 1,
		-1000, INT32_MIN + 1, INT32_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_string_equal(q_strerror(other[i]), unknown);
		assert_false(q_temporary(other[i]));
	}
}

static void
what_may_pass_by_itself_is_temporary(void **state)
{
	static const bool temporary[Q_CODES] = {
		[-Q_EMPTY] = true,
		[-Q_ETIMEDOUT] = true,
		[-Q_EFULL] = true,
		[-Q_EBUSY] = true,
		[-Q_ENOSPC] = true,
		[-Q_EPAUSED] = true,
	};

	(void)state;
	for (int i = 0; i < Q_CODES; i++)
		assert_true(q_temporary(-i) == temporary[i]);
}

static void
a_failure_is_kept_as_a_sentence(void **state)
{
	(void)state;
	assert_non_null(q_errmsg());
	assert_int_equal(fail(Q_EFULL, "queue is full (%d messages)", 3), Q_EFULL);
	assert_string_equal(q_errmsg(), "queue is full (3 messages)");
}

static void
errno_chooses_the_code(void **state)
{
	static const struct {
		int error, code;
	} row[] = {
		{ ENOSPC, Q_ENOSPC },
		{ EDQUOT, Q_ENOSPC },
		{ EFBIG, Q_ENOSPC },
		{ ENOMEM, Q_ENOMEM },
		{ EACCES, Q_EACCES },
		{ EPERM, Q_EACCES },
		{ EROFS, Q_EACCES },
		{ EIO, Q_ESYS },
		{ EMFILE, Q_ESYS },
		{ ENOENT, Q_ESYS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		errno = row[i].error;
		assert_int_equal(fail_sys("data.%s", "mdb"), row[i].code);
		assert_int_equal(errno, row[i].error);
		assert_non_null(strstr(q_errmsg(), "data.mdb: "));
		assert_non_null(strstr(q_errmsg(), strerror(row[i].error)));
	}
}

static void
a_long_sentence_is_cut_not_overrun(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)fail(Q_EINVAL, "%s", text);
	assert_in_range(strlen(q_errmsg()), 100, 1000);
	errno = EIO;
	assert_int_equal(fail_sys("%s", text), Q_ESYS);
	assert_in_range(strlen(q_errmsg()), 100, 1000);
}

static void
the_version_is_known(void **state)
{
	(void)state;
	assert_string_equal(q_version(), VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_text_of_its_own),
		cmocka_unit_test(other_numbers_are_unknown_and_not_temporary),
		cmocka_unit_test(what_may_pass_by_itself_is_temporary),
		cmocka_unit_test(a_failure_is_kept_as_a_sentence),
		cmocka_unit_test(errno_chooses_the_code),
		cmocka_unit_test(a_long_sentence_is_cut_not_overrun),
		cmocka_unit_test(the_version_is_known),
	};

	return (cmocka_run_group_tests_name("error", tests, NULL, NULL));
}
