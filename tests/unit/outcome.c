/* SPDX-License-Identifier: ISC */
/* Records of keys and results: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "event.h"
#include "outcome.h"

static int
decode_outcome(const void *record, size_t size, uint64_t id)
{
	struct outcome o;

	return (outcome_decode(record, size, id, &o));
}

static int
decode_unique(const void *record, size_t size, uint64_t id)
{
	uint8_t hash[16] = { 0 };
	struct unique u;

	(void)put_be64(hash, id);
	return (unique_decode(record, size, hash, &u));
}

static void
assert_outcome(const struct outcome *o)
{
	size_t size = outcome_size(o);
	uint8_t *record = malloc(size);
	struct outcome got;

	assert_non_null(record);
	outcome_encode(o, ID, record);
	assert_int_equal(outcome_decode(record, size, ID, &got), 0);
	assert_true(got.when == o->when && got.until == o->until);
	assert_int_equal(got.state, o->state);
	assert_int_equal(got.flags, o->flags);
	assert_int_equal(got.how, o->how);
	assert_int_equal(got.status, o->status);
	assert_true(got.size == o->size && got.hash == o->hash);
	assert_int_equal(got.reason_size, o->reason_size);
	assert_memory_equal(got.reason, o->reason, o->reason_size);
	if (!(o->flags & OUT_BLOB))
		assert_memory_equal(got.output, o->output, o->size);
	else
		assert_null(got.output);
	assert_fragile(decode_outcome, record, size, ID);
	free(record);
}

static void
an_outcome_is_read_as_written(void **state)
{
	static char reason[Q_MAX_REASON];
	struct outcome o = { .reason = "", .output = "" };

	(void)state;
	assert_outcome(&o);
	o = (struct outcome){ .when = INT64_MAX,
		.until = INT64_MIN,
		.state = Q_DEAD,
		.how = Q_HOW_EXITED,
		.status = 255,
		.reason = "exited 255",
		.reason_size = 10,
		.output = "a\0b",
		.size = 3 };
	assert_outcome(&o);
	o.flags = OUT_LOST;
	assert_outcome(&o);
	o = (struct outcome){ .flags = OUT_BLOB,
		.size = UINT64_MAX,
		.hash = UINT64_MAX - 1,
		.reason = reason,
		.reason_size = sizeof(reason) };
	memset(reason, 'r', sizeof(reason));
	assert_outcome(&o);
}

static void
an_outcome_of_bad_layout_is_refused(void **state)
{
	/* Offset and value of a byte that no record has there. */
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 24, 1 },      /* ready is no end */
		{ 25, 0x80 },   /* a flag nobody knows */
		{ 26, Q_HOWS }, /* nor a way to end */
		{ 27, 1 },      /* what is zero */
		{ 31, 200 },    /* a reason beyond the end */
	};
	const struct outcome o = { .reason = "abc", .reason_size = 3, .output = "" };
	size_t size = outcome_size(&o);
	uint8_t record[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		outcome_encode(&o, ID, record);
		assert_int_equal(decode_outcome(record, size, ID), 0);
		record[bad[i].at] = bad[i].value;
		seal(record, size, ID);
		assert_int_equal(decode_outcome(record, size, ID), Q_ECORRUPT);
	}
}

static void
a_key_is_read_as_written(void **state)
{
	static const struct unique keys[] = { { 1, 0 }, { UINT64_MAX, INT64_MAX },
		{ 0, INT64_MIN } };
	uint8_t hash[16] = { 0 }, record[UNIQUE_SIZE];
	struct unique got;

	(void)state;
	(void)put_be64(hash, ID);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unique_encode(&keys[i], hash, record);
		assert_int_equal(unique_decode(record, sizeof(record), hash, &got), 0);
		assert_true(got.id == keys[i].id && got.until == keys[i].until);
		assert_fragile(decode_unique, record, sizeof(record), ID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outcome_is_read_as_written),
		cmocka_unit_test(an_outcome_of_bad_layout_is_refused),
		cmocka_unit_test(a_key_is_read_as_written),
	};

	return (cmocka_run_group_tests_name("outcome", tests, NULL, NULL));
}
