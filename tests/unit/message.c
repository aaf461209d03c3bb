/* SPDX-License-Identifier: ISC */
/* Records of messages: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "message.h"

static int
decode_message(const void *record, size_t size, uint64_t id)
{
	struct message m;

	return (message_decode(record, size, id, &m));
}

static uint8_t *
encode_message(const struct message *m, size_t *size)
{
	uint8_t *record;

	*size = message_size(m);
	record = malloc(*size);
	assert_non_null(record);
	message_encode(m, ID, record);
	return (record);
}

static void
assert_message(const struct message *m)
{
	struct message got;
	size_t size;
	uint8_t *record = encode_message(m, &size);

	assert_int_equal(message_decode(record, size, ID, &got), 0);
	assert_int_equal(got.flags, m->flags);
	assert_int_equal(got.rank, m->rank);
	assert_true(got.pushed == m->pushed);
	assert_true(got.expires == m->expires);
	assert_true(got.uid == m->uid);
	assert_true(got.max_attempts == m->max_attempts);
	assert_int_equal(got.key_size, m->key_size);
	if (m->key_size > 0)
		assert_memory_equal(got.key, m->key, m->key_size);
	assert_int_equal(got.group_size, m->group_size);
	if (m->group_size > 0)
		assert_memory_equal(got.group, m->group, m->group_size);
	assert_int_equal(got.headers_size, m->headers_size);
	if (m->headers_size > 0)
		assert_memory_equal(got.headers, m->headers, m->headers_size);
	assert_true(got.size == m->size);
	assert_true(got.blob_hash == m->blob_hash);
	if (m->flags & MSG_BLOB)
		assert_null(got.body);
	else if (m->size > 0)
		assert_memory_equal(got.body, m->body, m->size);
	assert_fragile(decode_message, record, size, ID);
	free(record);
}

static const struct message plain = {
	.rank = 100, .pushed = 1, .body = "body", .size = 4
};

static void
a_message_is_read_as_written(void **state)
{
	static const char headers[] = "type=text/plain\0empty=\0a.b_c-D9=x=y";
	const struct message full = {
		.flags = MSG_KNOWN & ~MSG_BLOB,
		.rank = 200,
		.pushed = INT64_MAX,
		.expires = INT64_MAX,
		.uid = UINT32_MAX,
		.max_attempts = UINT32_MAX,
		.key = "nightly",
		.key_size = 7,
		.group = "\xff",
		.group_size = 1,
		.headers = headers,
		.headers_size = sizeof(headers),
		.body = "b\0dy",
		.size = 4,
	};
	const struct message negative = { .flags = MSG_EXPIRES,
		.pushed = INT64_MIN,
		.expires = -1,
		.body = "x",
		.size = 1 };
	const struct message blob = { .flags = MSG_BLOB | MSG_HEADERS | MSG_GROUP,
		.rank = 1,
		.group = "g",
		.group_size = 1,
		.headers = "a=",
		.headers_size = 3,
		.size = UINT64_MAX,
		.blob_hash = UINT64_MAX };
	const struct message empty = { 0 };

	(void)state;
	assert_message(&plain);
	assert_message(&full);
	assert_message(&negative);
	assert_message(&blob);
	assert_message(&empty);
}

static void
a_body_of_every_small_size_is_read(void **state)
{
	uint8_t body[300];

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n < sizeof(body); n += n < 20 ? 1 : 93) {
		struct message m = plain;

		m.body = body;
		m.size = n;
		assert_message(&m);
	}
}

static void
headers_up_to_the_limit_are_read(void **state)
{
	struct message m = plain;
	char *headers = malloc(Q_MAX_HEADERS + 1);
	size_t size;
	uint8_t *record;

	(void)state;
	assert_non_null(headers);
	memset(headers, 'h', Q_MAX_HEADERS + 1);
	headers[1] = '=';
	headers[Q_MAX_HEADERS - 1] = '\0';
	m.flags = MSG_HEADERS;
	m.headers = headers;
	m.headers_size = Q_MAX_HEADERS;
	record = encode_message(&m, &size);
	assert_int_equal(decode_message(record, size, ID), 0);
	free(record);
	headers[Q_MAX_HEADERS - 1] = 'h';
	headers[Q_MAX_HEADERS] = '\0';
	m.headers_size = Q_MAX_HEADERS + 1;
	record = encode_message(&m, &size);
	assert_int_equal(decode_message(record, size, ID), Q_ECORRUPT);
	free(record);
	free(headers);
}

static void
a_message_of_bad_layout_is_refused(void **state)
{
	struct message m = plain;
	size_t size;
	uint8_t *record;

	(void)state;
	m.flags = MSG_HEADERS;
	m.headers = "a=b";
	m.headers_size = 4;
	record = encode_message(&m, &size);
	record[27] = 0xff; /* the size of the headers goes past the end */
	seal(record, size, ID);
	assert_int_equal(decode_message(record, size, ID), Q_ECORRUPT);
	record[27] = 3; /* or ends inside one */
	seal(record, size, ID);
	assert_int_equal(decode_message(record, size, ID), Q_ECORRUPT);
	record[27] = 4;
	record[8] = 0x80; /* a flag nobody knows */
	seal(record, size, ID);
	assert_int_equal(decode_message(record, size, ID), Q_ECORRUPT);
	free(record);
	/* A key that is empty, has a NUL, or is too long. */
	m = (struct message){ .flags = MSG_KEY, .key = "ab", .key_size = 2 };
	record = encode_message(&m, &size);
	for (int i = 0; i < 3; i++) {
		record[24] = i == 2 ? Q_MAX_KEY >> 8 : 0;
		record[25] = i == 0 ? 0 : 2;
		record[27] = i == 1 ? '\0' : 'b';
		seal(record, size, ID);
		assert_int_equal(decode_message(record, size, ID), Q_ECORRUPT);
	}
	free(record);
	/* Cut, with a checksum that fits: each field that is missing is missed. */
	m = (struct message){ .flags = MSG_EXPIRES | MSG_ATTEMPTS | MSG_KEY |
		                       MSG_GROUP | MSG_BLOB,
		.key = "k",
		.key_size = 1,
		.group = "g",
		.group_size = 1,
		.size = 1 };
	record = encode_message(&m, &size);
	for (size_t n = 8; n < size; n++) {
		seal(record, n, ID);
		assert_int_equal(
		    decode_copy(decode_message, record, n, ID), Q_ECORRUPT);
	}
	free(record);
}

static void
headers_are_checked(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool good;
	} row[] = {
		{ "", 0, true },
		{ "a=", 3, true },
		{ "a=b\0c=d", 8, true },
		{ "a==", 4, true },
		{ "a-b_c.D9=\xff", 11, true },
		{ "a=\n", 4, true },
		{ "a", 2, false },
		{ "=b", 3, false },
		{ "a=b", 3, false },
		{ "a b=c", 6, false },
		{ "a=b\0", 5, false },
		{ "a=b\0\0c=d", 9, false },
		{ "\xc3\xb6=c", 5, false },
		{ "a=b\0c", 6, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(message_check_headers(row[i].text, row[i].size),
		    row[i].good ? 0 : Q_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_read_as_written),
		cmocka_unit_test(a_body_of_every_small_size_is_read),
		cmocka_unit_test(headers_up_to_the_limit_are_read),
		cmocka_unit_test(a_message_of_bad_layout_is_refused),
		cmocka_unit_test(headers_are_checked),
	};

	return (cmocka_run_group_tests_name("message", tests, NULL, NULL));
}
