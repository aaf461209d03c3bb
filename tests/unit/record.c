/* SPDX-License-Identifier: ISC */
/* Stored records: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "event.h"
#include "hash.h"
#include "message.h"
#include "meta.h"
#include "policy.h"
#include "state.h"

enum { ID = 42 };

/* Reads a record of message id; the result is not looked at. */
typedef int decode_fn(const void *record, size_t size, uint64_t id);

/* From memory of exactly that size, so that a sanitizer sees a byte too far. */
static int
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
static void
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
static void
seal(uint8_t *record, size_t size, uint64_t id)
{
	(void)put_be64(record, hash_record(record + 8, size - 8, id));
}

/* ---- the message record ---- */

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
	const struct message full = { MSG_EXPIRES | MSG_ATTEMPTS | MSG_HEADERS, 200,
		INT64_MAX, INT64_MAX, UINT32_MAX, UINT32_MAX, headers, sizeof(headers),
		"b\0dy", 4, 0 };
	const struct message negative = { MSG_EXPIRES, 0, INT64_MIN, -1, 0, 0, NULL, 0,
		"x", 1, 0 };
	const struct message blob = { MSG_BLOB | MSG_HEADERS, 1, 0, 0, 0, 0, "a=", 3,
		NULL, UINT64_MAX, UINT64_MAX };
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
	/* Cut, with a checksum that fits: each field that is missing is missed. */
	m = (struct message){ .flags = MSG_EXPIRES | MSG_ATTEMPTS | MSG_BLOB,
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

/* ---- the state record ---- */

static int
decode_state(const void *record, size_t size, uint64_t id)
{
	struct state s;

	return (state_decode(record, size, id, &s));
}

static void
assert_state(const struct state *s, size_t want)
{
	uint8_t record[STATE_OWNED_SIZE], again[STATE_OWNED_SIZE];
	struct state got;
	size_t size = state_encode(s, ID, record);

	assert_int_equal(size, want);
	assert_int_equal(state_decode(record, size, ID, &got), 0);
	assert_int_equal(got.state, s->state);
	assert_int_equal(got.rank, s->rank);
	assert_int_equal(got.flags, s->flags);
	assert_true(got.delivery == s->delivery && got.uncounted == s->uncounted);
	assert_int_equal(got.in_a_row, s->in_a_row);
	assert_int_equal(got.settled, s->settled);
	assert_true(got.due == s->due && got.changed == s->changed);
	assert_true(got.boot == s->boot && got.pid == s->pid);
	assert_true(got.max_attempts == s->max_attempts && got.size == s->size);
	assert_true(got.owner_start == s->owner_start && got.owner_ns == s->owner_ns);
	assert_int_equal(state_encode(&got, ID, again), size);
	assert_memory_equal(record, again, size);
	assert_fragile(decode_state, record, size, ID);
}

static void
a_state_is_read_as_written(void **state)
{
	const struct state full = { Q_LEASED, POLICY_RANK_MOST, ST_KNOWN, UINT32_MAX,
		UINT32_MAX, UINT16_MAX, UINT8_MAX, HELD, INT64_MAX, UINT32_MAX,
		UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	struct state s = full;

	(void)state;
	assert_state(&full, STATE_OWNED_SIZE);
	s.flags &= (uint16_t)~ST_OWNED;
	s.owner_start = s.owner_ns = 0;
	assert_state(&s, STATE_SIZE);
	for (int i = Q_READY; i < Q_STATES; i++) {
		s = (struct state){ .state = (enum q_state)i };
		assert_state(&s, STATE_SIZE);
	}
	s.changed = INT64_MIN;
	assert_state(&s, STATE_SIZE);
}

static void
a_state_of_bad_layout_is_refused(void **state)
{
	const struct state s = { .state = Q_LEASED, .flags = ST_OWNED, .delivery = 2 };
	uint8_t record[STATE_OWNED_SIZE + 1] = { 0 };
	size_t size = state_encode(&s, ID, record);

	(void)state;
	for (size_t n = 8; n < size; n++) {
		seal(record, n, ID);
		assert_int_equal(decode_copy(decode_state, record, n, ID), Q_ECORRUPT);
	}
	seal(record, size + 1, ID);
	assert_int_equal(decode_state(record, size + 1, ID), Q_ECORRUPT);
	record[8] = 0; /* no state */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[8] = Q_STATES;
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[8] = Q_LEASED;
	record[10] = 0x80; /* a flag nobody knows */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[10] = 0;
	record[19] = 3; /* more uncounted deliveries than there were */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[19] = 2;
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), 0);
}

static void
states_have_names(void **state)
{
	(void)state;
	for (int i = Q_READY; i < Q_STATES; i++) {
		const char *name = q_state_name((enum q_state)i);

		assert_non_null(name);
		assert_int_equal(q_state_of(name), i);
	}
	assert_null(q_state_name((enum q_state)0));
	assert_null(q_state_name(Q_STATES));
	assert_null(q_state_name((enum q_state) - 1));
	assert_int_equal(q_state_of(""), 0);
	assert_int_equal(q_state_of("Ready"), 0);
	assert_int_equal(q_state_of("read"), 0);
}

/* ---- the records of failures and ends ---- */

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

	assert_int_equal(size,
	    FAILURE_FIXED + f->host_size + f->reason_size + f->report.output_size);
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
	assert_fragile(decode_failure, record, size, ID);
}

static void
a_failure_is_read_as_written(void **state)
{
	static char host[FAILURE_HOST_MOST], reason[Q_MAX_REASON], output[Q_MAX_OUTPUT];
	struct failure f = { .reason = "", .report = { .host = "", .output = "" } };

	(void)state;
	memset(host, 'h', sizeof(host));
	memset(reason, 'r', sizeof(reason));
	memset(output, 'o', sizeof(output));
	assert_failure(&f);
	f = (struct failure){ INT64_MAX, UINT32_MAX,
		{ Q_HOW_EXITED, 255, INT64_MAX, 1, UINT64_MAX, "host", "oops\n", 5 },
		"exited 255", 4, 10 };
	assert_failure(&f);
	f = (struct failure){ INT64_MIN, 1,
		{ Q_HOW_KILLED, 9, 0, 0, 0, host, output, sizeof(output) }, reason,
		sizeof(host), sizeof(reason) };
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
	record[FAILURE_FIXED - 3] = 2; /* a byte is left over */
	seal(record, size, ID);
	assert_int_equal(decode_failure(record, size, ID), Q_ECORRUPT);
	(void)put_be16(long_record + FAILURE_FIXED - 4, Q_MAX_REASON + 1);
	seal(long_record, sizeof(long_record), ID);
	assert_int_equal(
	    decode_failure(long_record, sizeof(long_record), ID), Q_ECORRUPT);
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

/* ---- the records of the queue ---- */

static int
decode_meta(const void *record, size_t size, uint64_t which)
{
	struct meta m = { 0 };

	return (meta_decode(&m, (enum meta_record)which, record, size));
}

static void
meta_is_read_as_written(void **state)
{
	struct meta m, got;
	uint8_t record[META_MAX_SIZE];

	(void)state;
	/* Field by field, for there is padding. */
	m = (struct meta){ .next = UINT64_MAX };
	memset(m.uuid, 0xa5, sizeof(m.uuid));
	memset(m.boot.id, 0x5a, sizeof(m.boot.id));
	m.boot.number = UINT32_MAX;
	m.boot.hold_inode = UINT64_MAX - 1;
	m.boot.hold_since = INT64_MAX;
	for (uint64_t i = 0; i < Q_OPTIONS; i++)
		m.option[i] = UINT64_MAX - i;
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
	assert_true(got.next == m.next);
}

static void
what_an_older_program_did_not_know_has_its_default(void **state)
{
	struct meta m = { 0 }, got = { 0 };
	uint8_t record[META_MAX_SIZE];
	size_t size;

	(void)state;
	for (int i = 0; i < Q_OPTIONS; i++)
		m.option[i] = 1000 + (uint64_t)i;
	for (size_t i = 0; i < COUNTERS; i++)
		m.counter[i] = got.counter[i] = 1;
	size = meta_encode(&m, META_REC_CONFIG, record) - 16;
	seal(record, size, META_REC_CONFIG);
	assert_int_equal(meta_decode(&got, META_REC_CONFIG, record, size), 0);
	assert_true(got.option[Q_OPTIONS - 3] == 1000 + Q_OPTIONS - 3);
	for (int i = Q_OPTIONS - 2; i < Q_OPTIONS; i++)
		assert_true(got.option[i] == q_option_info((enum q_option)i)->initial);
	size = meta_encode(&m, META_REC_COUNTERS, record) - 8;
	seal(record, size, META_REC_COUNTERS);
	assert_int_equal(meta_decode(&got, META_REC_COUNTERS, record, size), 0);
	assert_true(got.counter[COUNTERS - 1] == 0);
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
		cmocka_unit_test(a_message_is_read_as_written),
		cmocka_unit_test(a_body_of_every_small_size_is_read),
		cmocka_unit_test(headers_up_to_the_limit_are_read),
		cmocka_unit_test(a_message_of_bad_layout_is_refused),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(a_state_is_read_as_written),
		cmocka_unit_test(a_state_of_bad_layout_is_refused),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(a_failure_is_read_as_written),
		cmocka_unit_test(a_failure_of_bad_layout_is_refused),
		cmocka_unit_test(an_end_is_read_as_written),
		cmocka_unit_test(meta_is_read_as_written),
		cmocka_unit_test(what_an_older_program_did_not_know_has_its_default),
		cmocka_unit_test(what_a_newer_program_wrote_is_refused_as_newer),
	};

	return (cmocka_run_group_tests_name("record", tests, NULL, NULL));
}
