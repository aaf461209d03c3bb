/* SPDX-License-Identifier: ISC */
/* Records of the queue: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "meta.h"

/* There may be no record of the other number that is tried. */
static int
decode_meta(const void *record, size_t size, uint64_t which)
{
	struct meta m = { 0 };

	return (
	    meta_decode(&m, (enum meta_record)(which % META_RECORDS), record, size));
}

/* A value of an option; that of a choice is one there is. */
static uint64_t
but_for_choices(uint64_t i, uint64_t value)
{
	const struct q_option_info *info = q_option_info((enum q_option)i);

	return (info->kind == Q_CHOICE ? info->max : value);
}

static void
meta_is_read_as_written(void **state)
{
	struct meta m, got;
	uint8_t record[META_MAX_SIZE];

	(void)state;
	/* Field by field, for there is padding. */
	m = (struct meta){
		.next = UINT64_MAX, .paused_in = 1, .paused_out = INT64_MAX
	};
	memset(m.uuid, 0xa5, sizeof(m.uuid));
	memset(m.boot.id, 0x5a, sizeof(m.boot.id));
	m.boot.number = UINT32_MAX;
	m.boot.hold_inode = UINT64_MAX - 1;
	m.boot.hold_since = INT64_MAX;
	for (q_time i = 0; i < RATES; i++)
		m.boot.rate[i] = (struct rate){ INT64_MAX - i, i };
	for (uint64_t i = 0; i < Q_OPTIONS; i++)
		m.option[i] = but_for_choices(i, UINT64_MAX - i);
	for (uint64_t i = 0; i < COUNTERS; i++)
		m.counter[i] = i << 56 | i;
	got = (struct meta){ 0 };
	for (int r = 0; r < META_RECORDS; r++) {
		size_t size = meta_encode(&m, (enum meta_record)r, record);

		assert_in_range(size, 9, META_MAX_SIZE);
		assert_int_equal(
		    meta_decode(&got, (enum meta_record)r, record, size), 0);
		assert_fragile(decode_meta, record, size, (uint64_t)r);
		assert_non_null(meta_key((enum meta_record)r));
		for (int k = 0; k < r; k++)
			assert_string_not_equal(meta_key((enum meta_record)r),
			    meta_key((enum meta_record)k));
	}
	assert_memory_equal(got.uuid, m.uuid, sizeof(m.uuid));
	assert_memory_equal(got.option, m.option, sizeof(m.option));
	assert_memory_equal(got.counter, m.counter, sizeof(m.counter));
	assert_memory_equal(got.boot.id, m.boot.id, sizeof(m.boot.id));
	assert_true(got.boot.number == m.boot.number &&
		    got.boot.hold_inode == m.boot.hold_inode &&
		    got.boot.hold_since == m.boot.hold_since);
	assert_memory_equal(got.boot.rate, m.boot.rate, sizeof(m.boot.rate));
	assert_true(got.next == m.next);
	assert_true(got.paused_in == m.paused_in && got.paused_out == m.paused_out);
}

static void
what_an_older_program_did_not_know_has_its_default(void **state)
{
	struct meta m = { 0 }, got = { 0 };
	uint8_t record[META_MAX_SIZE];
	size_t size;

	(void)state;
	for (int i = 0; i < Q_OPTIONS; i++)
		m.option[i] = but_for_choices((uint64_t)i, 1000 + (uint64_t)i);
	for (size_t i = 0; i < COUNTERS; i++)
		m.counter[i] = got.counter[i] = 1;
	size = meta_encode(&m, META_REC_CONFIG, record) - 16;
	seal(record, size, META_REC_CONFIG);
	assert_int_equal(meta_decode(&got, META_REC_CONFIG, record, size), 0);
	assert_true(got.option[Q_OPTIONS - 3] == m.option[Q_OPTIONS - 3]);
	for (int i = Q_OPTIONS - 2; i < Q_OPTIONS; i++)
		assert_true(got.option[i] == q_option_info((enum q_option)i)->initial);
	size = meta_encode(&m, META_REC_COUNTERS, record) - 8;
	seal(record, size, META_REC_COUNTERS);
	assert_int_equal(meta_decode(&got, META_REC_COUNTERS, record, size), 0);
	assert_true(got.counter[COUNT_AHEAD] == COUNT_UNKNOWN);
	size -= 8;
	seal(record, size, META_REC_COUNTERS);
	assert_int_equal(meta_decode(&got, META_REC_COUNTERS, record, size), 0);
	assert_true(got.counter[COUNT_DEAD] == 0 && got.counter[COUNT_LEASED] == 1);
}

/* Though it was written so: but for lists, to which later programs have added. */
static void
what_is_cut_off_is_refused(void **state)
{
	static const enum meta_record records[] = { META_REC_FORMAT, META_REC_UUID,
		META_REC_BOOT, META_REC_NEXT, META_REC_PAUSE };
	struct meta m = { .next = 1 };
	uint8_t record[META_MAX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		for (size_t n = meta_encode(&m, records[i], record) - 1; n >= 8; n--) {
			seal(record, n, records[i]);
			assert_int_equal(
			    meta_decode(&m, records[i], record, n), Q_ECORRUPT);
		}
}

static void
what_a_newer_program_wrote_is_refused_as_newer(void **state)
{
	static const enum meta_record lists[] = { META_REC_CONFIG, META_REC_COUNTERS };
	struct meta m = { 0 };
	uint8_t record[META_MAX_SIZE] = { 0 };
	size_t size;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size = meta_encode(&m, lists[i], record) + 8;
		seal(record, size, lists[i]);
		assert_int_equal(meta_decode(&m, lists[i], record, size), Q_EVERSION);
	}
	m.option[Q_OPT_RESULTS] = Q_RESULTS_ALL + 1;
	size = meta_encode(&m, META_REC_CONFIG, record);
	assert_int_equal(meta_decode(&m, META_REC_CONFIG, record, size), Q_EVERSION);
	size = meta_encode(&m, META_REC_FORMAT, record);
	(void)put_be32(record + 8, META_FORMAT + 1);
	seal(record, size, META_REC_FORMAT);
	assert_int_equal(meta_decode(&m, META_REC_FORMAT, record, size), Q_EVERSION);
	(void)put_be32(record + 8, 0);
	seal(record, size, META_REC_FORMAT);
	assert_int_equal(meta_decode(&m, META_REC_FORMAT, record, size), Q_ECORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_is_read_as_written),
		cmocka_unit_test(what_an_older_program_did_not_know_has_its_default),
		cmocka_unit_test(what_is_cut_off_is_refused),
		cmocka_unit_test(what_a_newer_program_wrote_is_refused_as_newer),
	};

	return (cmocka_run_group_tests_name("meta", tests, NULL, NULL));
}
