/* SPDX-License-Identifier: ISC */
/* Base 64: the vectors of RFC 4648, every length, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/base64.h"

static void
the_vectors_of_the_standard_hold(void **state)
{
	static const char *const vector[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		const char *plain = vector[i][0], *coded = vector[i][1];
		char text[16];
		uint8_t bytes[16];
		size_t n = base64_encode(plain, strlen(plain), text);

		assert_int_equal(n, strlen(coded));
		assert_memory_equal(text, coded, n);
		assert_true(base64_decode(coded, strlen(coded), bytes, &n));
		assert_int_equal(n, strlen(plain));
		assert_memory_equal(bytes, plain, n);
	}
}

static void
every_byte_at_every_place_comes_back(void **state)
{
	uint8_t bytes[256 + 3], back[256 + 3];
	char text[BASE64_SIZE(sizeof(bytes))];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t from = 0; from < 3; from++) {
		for (size_t n = 0; n <= 256; n++) {
			size_t size = base64_encode(bytes + from, n, text), got;

			assert_int_equal(size, BASE64_SIZE(n));
			assert_true(base64_decode(text, size, back, &got));
			assert_int_equal(got, n);
			assert_memory_equal(back, bytes + from, n);
		}
	}
}

static void
what_has_another_spelling_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z",
		"Zg",
		"Zg=",
		"Zg===",
		"Zm9vZg",
		"====",
		"=Zg=",
		"Z===",
		"Zg=A",
		"Zg==Zg==",
		"Zm8=Zm9v", /* padding that is not the end */
		"Zh==",
		"Zm9=", /* bits that belong to no byte */
		"Zm9\n",
		"Zm 9",
		"Zm9v\n",
		"Zm-_",
		"Zm9\xff",
		"Zm9.",
	};
	uint8_t bytes[16];
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(base64_decode(bad[i], strlen(bad[i]), bytes, &n));
		assert_int_equal(n, 7);
	}
	assert_false(base64_decode("Zm\0v", 4, bytes, &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_standard_hold),
		cmocka_unit_test(every_byte_at_every_place_comes_back),
		cmocka_unit_test(what_has_another_spelling_is_refused),
	};

	return (cmocka_run_group_tests_name("base64", tests, NULL, NULL));
}
