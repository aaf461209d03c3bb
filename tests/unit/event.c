/* SPDX-License-Identifier: ISC */
/* Records of failures and ends: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "event.h"

static int
decode_failure(const void *record, size_t size, uint64_t id)
{
	struct failure f;

	return (failure_decode(record, size, id, &f));
}

static int
decode_done(const void *record, size_t size, uint64_t id)
{
	struct done d;

	return (done_decode(record, size, id, &d));
}

static void
assert_failure(const struct failure *f)
{
	uint8_t record[FAILURE_MAX];
	size_t size = failure_encode(f, ID, record);
	struct failure got;

	assert_int_equal(size, FAILURE_FIXED + f->host_size + f->reason_size +
				   f->report.output_size + f->report.command_size);
	assert_int_equal(failure_decode(record, size, ID, &got), 0);
	assert_true(got.when == f->when && got.pid == f->pid);
	assert_int_equal(got.report.how, f->report.how);
	assert_int_equal(got.report.status, f->report.status);
	assert_true(
	    got.report.took == f->report.took && got.report.cpu == f->report.cpu);
	assert_true(got.report.memory == f->report.memory);
	assert_int_equal(got.host_size, f->host_size);
	assert_int_equal(got.reason_size, f->reason_size);
	assert_int_equal(got.report.output_size, f->report.output_size);
	assert_memory_equal(got.reason, f->reason, f->reason_size);
	assert_memory_equal(got.report.host, f->report.host, f->host_size);
	assert_memory_equal(got.report.output, f->report.output, f->report.output_size);
	assert_int_equal(got.report.command_size, f->report.command_size);
	assert_memory_equal(
	    got.report.command, f->report.command, f->report.command_size);
	assert_fragile(decode_failure, record, size, ID);
}

static void
a_failure_is_read_as_written(void **state)
{
	static char host[FAILURE_HOST_MOST], reason[Q_MAX_REASON], output[Q_MAX_OUTPUT],
	    command[Q_MAX_COMMAND];
	struct failure f = { .reason = "",
		.report = { .host = "", .output = "", .command = "" } };

	(void)state;
	memset(host, 'h', sizeof(host));
	memset(reason, 'r', sizeof(reason));
	memset(output, 'o', sizeof(output));
	assert_failure(&f);
	f = (struct failure){ INT64_MAX, UINT32_MAX,
		{ Q_HOW_EXITED, 255, INT64_MAX, 1, UINT64_MAX, "host", "oops\n", 5,
		    "{}\0a\0b", 7 },
		"exited 255", 4, 10 };
	assert_failure(&f);
	f = (struct failure){ INT64_MIN, 1,
		{ Q_HOW_KILLED, 9, 0, 0, 0, host, output, sizeof(output), command,
		    sizeof(command) },
		reason, sizeof(host), sizeof(reason) };
	assert_failure(&f);
}

static void
a_failure_of_bad_layout_is_refused(void **state)
{
	const struct failure f = { 1, 2, { 0 }, "abc", 0, 3 };
	uint8_t record[FAILURE_MAX] = { 0 };
	size_t size = failure_encode(&f, ID, record);
	uint8_t long_record[FAILURE_MAX + 1] = { 0 };

	(void)state;
	for (size_t n = 8; n < size; n++) {
		seal(record, n, ID);
		assert_int_equal(
		    decode_copy(decode_failure, record, n, ID), Q_ECORRUPT);
	}
	record[FAILURE_FIXED - 5] = 2; /* a byte is left over */
	seal(record, size, ID);
	assert_int_equal(decode_failure(record, size, ID), Q_ECORRUPT);
	(void)put_be16(long_record + FAILURE_FIXED - 6, Q_MAX_REASON + 1);
	seal(long_record, sizeof(long_record), ID);
	assert_int_equal(
	    decode_failure(long_record, sizeof(long_record), ID), Q_ECORRUPT);
}

/* Each part is as long as it may be, or a byte more: they all are within the record. */
static void
a_part_that_is_too_long_is_refused(void **state)
{
	static char text[Q_MAX_OUTPUT + 1];
	static const size_t most[] = { FAILURE_HOST_MOST, Q_MAX_REASON, Q_MAX_OUTPUT,
		Q_MAX_COMMAND };
	uint8_t record[FAILURE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		for (size_t more = 0; more < 2; more++) {
			size_t size[4] = { 0 };
			struct failure f = { .reason = text,
				.report = {
				    .host = text, .output = text, .command = text } };

			size[i] = most[i] + more;
			f.host_size = size[0];
			f.reason_size = size[1];
			f.report.output_size = size[2];
			f.report.command_size = size[3];
			assert_int_equal(decode_copy(decode_failure, record,
					     failure_encode(&f, ID, record), ID),
			    more == 0 ? 0 : Q_ECORRUPT);
		}
}

static void
an_end_is_read_as_written(void **state)
{
	static const struct done ends[] = {
		{ 1, Q_ACK, 1 },
		{ UINT32_MAX, UINT8_MAX, INT64_MAX },
		{ 0, 0, INT64_MIN },
	};
	uint8_t record[DONE_SIZE];
	struct done got;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		done_encode(&ends[i], ID, record);
		assert_int_equal(done_decode(record, sizeof(record), ID, &got), 0);
		assert_true(got.delivery == ends[i].delivery &&
			    got.verb == ends[i].verb && got.when == ends[i].when);
		assert_fragile(decode_done, record, sizeof(record), ID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_read_as_written),
		cmocka_unit_test(a_failure_of_bad_layout_is_refused),
		cmocka_unit_test(a_part_that_is_too_long_is_refused),
		cmocka_unit_test(an_end_is_read_as_written),
	};

	return (cmocka_run_group_tests_name("event", tests, NULL, NULL));
}
