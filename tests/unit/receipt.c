/* SPDX-License-Identifier: ISC */
/* Receipts as text, and what their check is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "receipt.h"

enum { CHECK_MAX = (1 << 25) - 1 };

static const uint8_t uuid[16] = "0123456789abcde";

static void
assert_round_trip(uint64_t id, uint32_t delivery, uint32_t check)
{
	const struct q_receipt r = { id, delivery, check };
	struct q_receipt got = { 0 };
	char text[Q_MAX_RECEIPT];

	q_receipt_format(&r, text);
	assert_true(strlen(text) < sizeof(text));
	assert_int_equal(q_receipt_parse(text, &got), 0);
	assert_true(got.id == id);
	assert_true(got.delivery == delivery);
	assert_true(got.check == check);
}

static void
what_is_formatted_is_parsed(void **state)
{
	static const uint64_t ids[] = { 1, 9, 10, 42, UINT32_MAX, UINT64_MAX - 1,
		UINT64_MAX };
	static const uint32_t numbers[] = { 1, 2, 31, 32, 1000, UINT32_MAX - 1,
		UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			assert_round_trip(ids[i], numbers[k], numbers[k] & CHECK_MAX);
	for (uint32_t check = 1; check <= CHECK_MAX; check <<= 1)
		assert_round_trip(7, 1, check);
	assert_round_trip(7, 1, 0);
	assert_round_trip(7, 1, CHECK_MAX);
}

static void
the_text_is_short_enough_to_type(void **state)
{
	const struct q_receipt r = { 42, 1, 0 },
			       most = { UINT64_MAX, UINT32_MAX, CHECK_MAX };
	char text[Q_MAX_RECEIPT];

	(void)state;
	q_receipt_format(&r, text);
	assert_string_equal(text, "42.1.00000");
	q_receipt_format(&most, text);
	assert_string_equal(text, "18446744073709551615.4294967295.zzzzz");
}

static void
what_is_not_a_receipt_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"foo",
		"42",
		"42.1",
		"42.1.",
		"42.1.k3jx",
		"42.1.k3jx9x",
		"42.1.k3jx9 ",
		" 42.1.k3jx9",
		"42.1.k3jx9\n",
		"42 .1.k3jx9",
		"+42.1.k3jx9",
		"-42.1.k3jx9",
		"0.1.k3jx9",
		"042.1.k3jx9",
		"42.0.k3jx9",
		"42.01.k3jx9",
		"42..k3jx9",
		".1.k3jx9",
		"42,1,k3jx9",
		"0x2a.1.k3jx9",
		"42.1.K3JX9",
		"42.1.k3jxi",
		"42.1.k3jxl",
		"42.1.k3jxo",
		"42.1.k3jxu",
		"42.1.k3j.9",
		"18446744073709551616.1.k3jx9",
		"99999999999999999999.1.k3jx9",
		"184467440737095516150.1.k3jx9",
		"42.4294967296.k3jx9",
		"42.1.k3j\xff"
		"9",
	};
	struct q_receipt r = { 5, 6, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(q_receipt_parse(bad[i], &r), Q_EINVAL);
		assert_true(r.id == 5 && r.delivery == 6 && r.check == 7);
	}
}

static void
the_check_depends_on_queue_id_and_delivery(void **state)
{
	const uint32_t check = receipt_check(uuid, 42, 1);
	uint8_t other[16];

	(void)state;
	assert_true(check <= CHECK_MAX);
	assert_true(check == receipt_check(uuid, 42, 1));
	assert_true(check != receipt_check(uuid, 42, 2));
	assert_true(check != receipt_check(uuid, 43, 1));
	for (size_t i = 0; i < sizeof(uuid); i++) {
		memcpy(other, uuid, sizeof(other));
		other[i] ^= 1;
		assert_true(check != receipt_check(other, 42, 1));
	}
}

/* A typing mistake in any one place is found by the check, or is no receipt at all. */
static void
one_wrong_digit_is_found(void **state)
{
	const struct q_receipt r = { 1234567, 12, receipt_check(uuid, 1234567, 12) };
	char text[Q_MAX_RECEIPT], wrong[Q_MAX_RECEIPT];
	struct q_receipt got;

	(void)state;
	q_receipt_format(&r, text);
	for (size_t i = 0; i < strlen(text); i++)
		for (const char *c = "0123456789abcdefghjkmnpqrstvwxyz."; *c != '\0';
		     c++) {
			if (text[i] == *c)
				continue;
			strcpy(wrong, text);
			wrong[i] = *c;
			assert_true(
			    q_receipt_parse(wrong, &got) == Q_EINVAL ||
			    receipt_check(uuid, got.id, got.delivery) != got.check);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_formatted_is_parsed),
		cmocka_unit_test(the_text_is_short_enough_to_type),
		cmocka_unit_test(what_is_not_a_receipt_is_refused),
		cmocka_unit_test(the_check_depends_on_queue_id_and_delivery),
		cmocka_unit_test(one_wrong_digit_is_found),
	};

	return (cmocka_run_group_tests_name("receipt", tests, NULL, NULL));
}
