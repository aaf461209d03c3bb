/* SPDX-License-Identifier: ISC */
/* The log: what is written is read, nothing else is, and what is old goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec.h"
#include "hash.h"
#include "lock.h"
#include "log.h"
#include "note.h"
#include "queue.h"
#include "scratch.h"

static struct q *
open_logged(q_time keep)
{
	struct q *q = open_queue();

	assert_int_equal(q_option_set(q, Q_OPT_LOG, (uint64_t)keep), 0);
	return (q);
}

/* A transaction at some time that notes n events, with ids from id on. */
static int
transact(struct q *q, q_time when, uint64_t id, size_t n)
{
	struct txn t;
	int rc;

	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(txn_begin_write(q, &t), 0);
	t.now.wall = when;
	for (size_t i = 0; i < n; i++)
		note(&t, Q_EVENT_PUSHED, id + i, NULL, 0, NULL);
	rc = txn_commit(&t, false);
	lock_drop(q->dir.data);
	txn_end(&t);
	return (rc);
}

static struct q_events *
since(struct q *q, q_time when)
{
	struct q_events *e;

	assert_int_equal(q_events_since(q, when, &e), 0);
	return (e);
}

static void
assert_next(struct q_events *e, uint64_t id, uint64_t missed)
{
	struct q_event event;

	assert_int_equal(q_events_next(e, &event), 0);
	assert_int_equal(event.id, id);
	assert_int_equal(event.missed, missed);
}

static void
assert_none(struct q_events *e)
{
	struct q_event event;

	assert_int_equal(q_events_next(e, &event), Q_EMPTY);
}

static int
decode(const void *record, size_t size, uint64_t number)
{
	struct q_event e;

	return (log_decode(record, size, number, &e));
}

static void
assert_kept(const struct q_event *e)
{
	uint8_t record[LOG_MOST];
	size_t size = log_encode(e, ID, record);
	struct q_event got;

	assert_int_equal(log_decode(record, size, ID, &got), 0);
	assert_int_equal(got.kind, e->kind);
	assert_true(got.when == e->when && got.due == e->due && got.id == e->id);
	assert_true(got.uid == e->uid && got.pid == e->pid);
	assert_int_equal(got.attempt, e->attempt);
	assert_string_equal(got.command, e->command);
	assert_string_equal(got.detail, e->detail);
	assert_fragile(decode, record, size, ID);
}

static void
an_event_is_read_as_written(void **state)
{
	struct q_event e = { .kind = Q_EVENT_SET, .uid = (uid_t)-1 };

	(void)state;
	assert_kept(&e);
	e = (struct q_event){ .kind = Q_EVENT_FAILED,
		.when = INT64_MAX,
		.due = INT64_MIN,
		.id = UINT64_MAX,
		.attempt = UINT32_MAX,
		.uid = 1000,
		.pid = 4194304 };
	memset(e.command, 'c', sizeof(e.command) - 1);
	memset(e.detail, 'd', sizeof(e.detail) - 1);
	assert_kept(&e);
}

/* With a checksum that is right. */
static int
decode_changed(const uint8_t *record, size_t size, size_t at, uint8_t value)
{
	uint8_t copy[LOG_MOST];

	memcpy(copy, record, size);
	copy[at] = value;
	(void)put_be64(copy, hash_record(copy + 8, size - 8, ID));
	return (decode(copy, size, ID));
}

static void
an_event_of_bad_layout_is_refused(void **state)
{
	struct q_event e = { .kind = Q_EVENT_SET, .command = "ab", .detail = "cd" };
	uint8_t record[LOG_MOST];
	size_t size = log_encode(&e, ID, record);

	(void)state;
	assert_int_equal(decode_changed(record, size, 8, Q_EVENT_SET), 0);
	assert_int_equal(decode_changed(record, size, 8, 0), Q_ECORRUPT);
	assert_int_equal(decode_changed(record, size, 8, Q_EVENTS), Q_ECORRUPT);
	assert_int_equal(decode_changed(record, size, LOG_FIXED - 2, 3), Q_ECORRUPT);
	assert_int_equal(decode_changed(record, size, LOG_FIXED - 2, 255), Q_ECORRUPT);
	assert_int_equal(decode_changed(record, size, LOG_FIXED - 1, 1), Q_ECORRUPT);
	assert_int_equal(decode_changed(record, size, size - 1, 0), Q_ECORRUPT);
}

static void
events_are_read_once_and_in_order_of_commits(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e = since(q, 0);

	(void)state;
	assert_none(e);
	assert_int_equal(transact(q, 1000, 1, 2), 0);
	assert_next(e, 1, 0);
	assert_int_equal(transact(q, 900, 3, 300), 0); /* the clock was set back */
	for (uint64_t id = 2; id <= 302; id++)
		assert_next(e, id, 0);
	assert_none(e);
	assert_int_equal(transact(q, 2000, 303, 1), 0);
	assert_next(e, 303, 0);
	assert_none(e);
	q_events_close(e);
	e = since(q, 2000);
	assert_next(e, 303, 0);
	assert_none(e);
	q_events_close(e);
	q_close(q);
}

static void
what_is_old_goes_by_and_by_but_for_the_last(void **state)
{
	struct q *q = open_logged(1000);
	struct q_events *e, *slow;

	(void)state;
	assert_int_equal(transact(q, 5000, 1, 100), 0);
	slow = since(q, 0);
	for (uint64_t id = 1; id <= 100; id++)
		assert_next(slow, id, 0);
	assert_int_equal(transact(q, 5500, 101, 100), 0);
	assert_int_equal(transact(q, 6001, 201, 1), 0); /* 66 of the first go */
	e = since(q, 0);
	assert_next(e, 67, 0);
	q_events_close(e);
	for (int i = 0; i < 3; i++)
		assert_int_equal(transact(q, 9000, 0, 0), 0);
	e = since(q, 0);
	assert_next(e, 201, 0);
	assert_none(e);
	q_events_close(e);
	assert_next(slow, 201, 100); /* and who was to come knows how many went */
	assert_int_equal(transact(q, 99000, 202, 1), 0);
	assert_next(slow, 202, 0);
	assert_none(slow);
	q_events_close(slow);
	q_close(q);
}

static void
a_log_that_is_not_kept_any_more_goes(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e;

	(void)state;
	assert_int_equal(transact(q, 1000, 1, 100), 0);
	assert_int_equal(q_option_set(q, Q_OPT_LOG, 0), 0);
	e = since(q, 0);
	q_events_close(e);
	assert_int_equal(q_option_set(q, Q_OPT_LOG, 0), 0);
	assert_int_equal(q_events_since(q, 0, &e), Q_ENOTSUP);
	assert_int_equal(q_events_since(q, -1, &e), Q_EINVAL);
	q_close(q);
}

static void
what_is_not_committed_is_not_logged(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e = since(q, 0);
	struct txn t;

	(void)state;
	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(txn_begin_write(q, &t), 0);
	note(&t, Q_EVENT_PURGED, 7, NULL, 0, NULL);
	txn_abort(&t);
	lock_drop(q->dir.data);
	assert_none(e);
	assert_int_equal(transact(q, 1000, 1, 1), 0);
	assert_next(e, 1, 0);
	assert_none(e);
	q_events_close(e);
	q_close(q);
}

/* A place in the log that cannot be written fails what it tells of. */
static void
what_cannot_be_logged_does_not_happen(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e = since(q, 0);
	struct txn t;

	(void)state;
	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(txn_begin_write(q, &t), 0);
	note(&t, Q_EVENT_PURGED, 7, NULL, 0, NULL);
	t.log_code = Q_ENOMEM;
	assert_int_equal(txn_commit(&t, false), Q_ENOMEM);
	lock_drop(q->dir.data);
	assert_none(e);
	q_events_close(e);
	q_close(q);
}

/* LMDB refuses whatever comes after a write for which there was no room. */
static void
a_log_without_room_is_why_nothing_more_is_written(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct span key = { "key", 3 }, value = { "v", 1 };
	struct txn t;

	(void)state;
	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(mdb_env_set_mapsize(q->store.env, 1), 0); /* what is used */
	assert_int_equal(txn_begin_write(q, &t), 0);
	for (int i = 0; i < 10000 && t.log_code == 0; i++)
		note(&t, Q_EVENT_PUSHED, 1, NULL, 0, NULL);
	assert_int_equal(t.log_code, STORE_GROW);
	assert_int_equal(txn_put(&t, T_GROUP, key, value), STORE_GROW);
	assert_int_equal(txn_get(&t, T_META, key, &value), STORE_GROW);
	assert_int_equal(txn_first(&t, T_LOG, &key, &value), STORE_GROW);
	assert_int_equal(txn_commit(&t, false), STORE_GROW);
	lock_drop(q->dir.data);
	q_close(q);
}

static void
assert_damaged(struct q_events *e)
{
	struct q_event event;

	assert_int_equal(q_events_next(e, &event), 0);
	assert_true(event.damaged);
	assert_int_equal(event.id, 0);
}

/* A row of the log with that key. */
static void
put_row(struct q *q, const void *key, size_t size)
{
	struct txn t;

	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(txn_begin_write(q, &t), 0);
	t.now.wall = 1000;
	assert_int_equal(
	    txn_put(&t, T_LOG, (struct span){ key, size }, (struct span){ "x", 1 }), 0);
	assert_int_equal(txn_commit(&t, false), 0);
	lock_drop(q->dir.data);
	txn_end(&t);
}

static void
put_damaged(struct q *q, uint64_t when, uint64_t number)
{
	struct key k = key_time(when, number);

	put_row(q, k.b, k.size);
}

static void
a_damaged_row_is_left_out_and_what_follows_is_read(void **state)
{
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e = since(q, 0);

	(void)state;
	assert_int_equal(transact(q, 1000, 1, 600), 0);
	put_damaged(q, 1000, 2);
	put_damaged(q, 1000, 3);
	put_damaged(q, 1000, 256); /* the last that is read at once, and the first */
	put_damaged(q, 1000, 257);
	put_damaged(q, 1000, 600);
	assert_next(e, 1, 0);
	assert_damaged(e);
	assert_damaged(e);
	for (uint64_t id = 4; id < 256; id++)
		assert_next(e, id, 0);
	assert_damaged(e);
	assert_damaged(e);
	for (uint64_t id = 258; id < 600; id++)
		assert_next(e, id, 0);
	assert_damaged(e);
	assert_none(e);
	assert_int_equal(transact(q, 2000, 601, 1), 0);
	assert_next(e, 601, 0);
	assert_none(e);
	q_events_close(e);
	q_close(q);
}

static void
a_key_that_is_damaged_does_not_keep_the_reader(void **state)
{
	static const uint8_t longer[] = { 0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0, 0,
		0, 2, 9 };
	static const uint8_t shorter[] = { 0, 0, 0, 0, 0, 0, 4 };
	struct q *q = open_logged(Q_FOREVER / 100);
	struct q_events *e = since(q, 0);

	(void)state;
	assert_int_equal(transact(q, 1000, 1, 2), 0);
	put_row(q, longer, sizeof(longer)); /* in the place of number 2 */
	put_row(q, shorter, sizeof(shorter));
	put_damaged(q, UINT64_MAX, UINT64_MAX);
	assert_next(e, 1, 0);
	assert_next(e, 2, 0);
	assert_damaged(e);
	assert_damaged(e);
	for (int i = 0; i < 3; i++)
		assert_none(e);
	q_events_close(e);
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_read_as_written),
		cmocka_unit_test(an_event_of_bad_layout_is_refused),
		cmocka_unit_test_teardown(
		    events_are_read_once_and_in_order_of_commits, remove_queue),
		cmocka_unit_test_teardown(
		    what_is_old_goes_by_and_by_but_for_the_last, remove_queue),
		cmocka_unit_test_teardown(
		    a_log_that_is_not_kept_any_more_goes, remove_queue),
		cmocka_unit_test_teardown(
		    what_is_not_committed_is_not_logged, remove_queue),
		cmocka_unit_test_teardown(
		    what_cannot_be_logged_does_not_happen, remove_queue),
		cmocka_unit_test_teardown(
		    a_log_without_room_is_why_nothing_more_is_written, remove_queue),
		cmocka_unit_test_teardown(
		    a_damaged_row_is_left_out_and_what_follows_is_read, remove_queue),
		cmocka_unit_test_teardown(
		    a_key_that_is_damaged_does_not_keep_the_reader, remove_queue),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
