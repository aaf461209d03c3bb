/* SPDX-License-Identifier: ISC */
#ifndef CODEC_H
#define CODEC_H

/* What the tests of stored records share. To be included after cmocka.h. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "q.h"

enum { ID = 42 };

/* Reads a record of message id; the result is not looked at. */
typedef int decode_fn(const void *record, size_t size, uint64_t id);

/* From memory of exactly that size, so that a sanitizer sees a byte too far. */
static inline int
decode_copy(decode_fn *decode, const uint8_t *record, size_t size, uint64_t id)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, record, size);
	rc = decode(copy, size, id);
	free(copy);
	return (rc);
}

/* Every prefix, every byte changed in two ways, one byte more, and another id. */
static inline void
assert_fragile(decode_fn *decode, const uint8_t *record, size_t size, uint64_t id)
{
	uint8_t *b = malloc(size + 1);

	assert_non_null(b);
	memcpy(b, record, size);
	b[size] = 0;
	assert_int_equal(decode_copy(decode, b, size, id), 0);
	for (size_t n = 0; n < size; n++)
		assert_int_equal(decode_copy(decode, b, n, id), Q_ECORRUPT);
	assert_int_equal(decode_copy(decode, b, size + 1, id), Q_ECORRUPT);
	for (size_t i = 0; i < size; i++) {
		b[i] ^= 0x01;
		assert_int_equal(decode_copy(decode, b, size, id), Q_ECORRUPT);
		b[i] ^= 0x01 ^ 0xff;
		assert_int_equal(decode_copy(decode, b, size, id), Q_ECORRUPT);
		b[i] ^= 0xff;
	}
	assert_int_equal(decode_copy(decode, b, size, id ^ 1), Q_ECORRUPT);
	assert_int_equal(decode_copy(decode, b, size, id), 0);
	free(b);
}

/* What a record with a good checksum but a bad layout is made with. */
static inline void
seal(uint8_t *record, size_t size, uint64_t id)
{
	(void)put_be64(record, hash_record(record + 8, size - 8, id));
}

#endif
