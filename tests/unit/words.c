/* SPDX-License-Identifier: ISC */
/* What the commands over musl call a system error: as the others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../libq/musl/words.c"

static char musls[] = "musl's";

char *
__real_strerror(int error)
{
	(void)error;
	return (musls);
}

static void
the_words_are_those_of_glibc(void **state)
{
	int n = 0;

	(void)state;
	for (int error = 0; error < 200; error++)
		if (__wrap_strerror(error) != musls) {
			assert_string_equal(__wrap_strerror(error), strerror(error));
			n++;
		}
	assert_int_equal(n, sizeof(words) / sizeof(words[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_are_those_of_glibc),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
