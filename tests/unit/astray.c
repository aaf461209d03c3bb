/* SPDX-License-Identifier: ISC */
/*
 * Rows that are in the wrong place, while the records they are of are right: nothing is
 * forgotten, expires or is delivered for them; and where they are in the way, it is
 * said which message they are of, and a repair puts them right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>

#include <cmocka.h>

#include "answer.h"
#include "bytes.h"
#include "event.h"
#include "kept.h"
#include "life.h"
#include "log.h"
#include "queue.h"
#include "unique.h"

#include "scratch.h"

#define HOUR (3600 * Q_SECOND)

enum { NOBODY = 77 };

static const struct span none = { NULL, 0 };

static void
begin(struct q *q, struct txn *t)
{
	assert_int_equal(flock(q->dir.data, LOCK_EX), 0);
	assert_int_equal(txn_begin_write(q, t), 0);
}

static void
commit(struct q *q, struct txn *t)
{
	assert_int_equal(txn_commit(t, true), 0);
	assert_int_equal(flock(q->dir.data, LOCK_UN), 0);
	txn_end(t);
}

static void
put(struct txn *t, enum table table, struct key k, struct span v)
{
	assert_int_equal(txn_put(t, table, key_span(&k), v), 0);
}

static void
del(struct txn *t, enum table table, struct key k)
{
	assert_int_equal(txn_del(t, table, key_span(&k)), 0);
}

static uint64_t
push(struct q *q, struct q_push p)
{
	struct q_pushed pushed;
	size_t stored;

	p.body = "x";
	p.size = 1;
	assert_int_equal(q_push(q, &p, 1, 0, &stored, &pushed), 0);
	return (pushed.id);
}

static void
take_one(struct q *q, bool ack)
{
	static const struct q_settle done = { .verb = Q_ACK };
	const struct q_take take = { .lease = HOUR };
	struct q_batch *b;

	assert_int_equal(q_take(q, &take, &b), 0);
	if (ack)
		assert_int_equal(q_batch_settle(q, &done, b, 0, 1), 0);
	q_batch_free(b);
}

static unsigned
found(struct q *q, const char *what)
{
	struct q_check *check;
	unsigned n, k = 0;

	assert_int_equal(q_check(q, &check), 0);
	n = (unsigned)check->found;
	if (what != NULL)
		for (size_t i = 0; i < check->count; i++)
			k += strstr(check->findings[i].what, what) != NULL;
	q_check_free(check);
	assert_true(what == NULL || k > 0);
	return (n);
}

/* By a repair, of which another file comes. */
static struct q *
mended(struct q *q)
{
	struct q_check *check;

	assert_int_equal(q_repair(q, &check), 0);
	q_check_free(check);
	q_close(q);
	q = open_queue();
	assert_int_equal(found(q, NULL), 0);
	return (q);
}

/* ---- rows of what is to end ---- */

/* That something of id is over since long ago. */
static void
put_over(struct txn *t, uint8_t kind, uint64_t id)
{
	put(t, T_EXPIRY, key_expiry(kind, 1, id), none);
}

static void
what_falls_due_too_early_stays(void **state)
{
	struct q *q = open_queue();
	struct q_result *result;
	struct q_stat stat;
	struct txn t;
	uint64_t done, leased;

	(void)state;
	assert_int_equal(q_option_set(q, Q_OPT_WINDOW, (uint64_t)HOUR), 0);
	done = push(q, (struct q_push){ .key = "done", .result = true });
	take_one(q, true);
	leased = push(q, (struct q_push){ .ttl = HOUR });
	take_one(q, false);
	begin(q, &t);
	put_over(&t, EXPIRY_RESULT, done);
	put_over(&t, EXPIRY_RESULT, NOBODY);
	put_over(&t, EXPIRY_DONE, NOBODY);
	put_over(&t, EXPIRY_TTL, NOBODY);
	put_over(&t, EXPIRY_TTL, leased);
	put_over(&t, EXPIRY_TTL, leased + 1);
	commit(q, &t);
	assert_int_equal(push(q, (struct q_push){ .ttl = HOUR }), leased + 1);
	assert_int_equal(push(q, (struct q_push){ .priority = 1 }), leased + 2);
	assert_int_equal(q_result_get(q, done, 0, &result), 0);
	q_result_free(result);
	assert_int_equal(q_stat(q, &stat), 0);
	assert_int_equal(stat.expired, 0);
	assert_int_equal(stat.count[Q_LEASED], 1);
	assert_int_equal(stat.count[Q_READY], 2);
	assert_int_equal(found(q, NULL), 0);
	q_close(q);
}

static void
a_message_that_is_to_expire_later_is_as_it_was(void **state)
{
	struct q *q = open_queue();
	struct q_stat stat;
	struct txn t;
	uint64_t id;

	(void)state;
	id = push(q, (struct q_push){ .ttl = HOUR });
	begin(q, &t);
	put_over(&t, EXPIRY_TTL, id);
	commit(q, &t);
	(void)push(q, (struct q_push){ .priority = -1 });
	assert_int_equal(q_stat(q, &stat), 0);
	assert_int_equal(stat.count[Q_READY], 2);
	assert_int_equal(stat.expired, 0);
	assert_int_equal(found(q, NULL), 0);
	q_close(q);
}

/* Rows of keys say only how they begin: of several that begin so, those go whose time
 * has come. */
static void
only_keys_whose_time_has_come_are_forgotten(void **state)
{
	struct q *q = open_queue();
	uint8_t done[16], waits[16], over[16];
	struct key k;
	struct txn t;
	struct span v;

	(void)state;
	assert_int_equal(q_option_set(q, Q_OPT_WINDOW, (uint64_t)HOUR), 0);
	assert_int_equal(push(q, (struct q_push){ .key = "done" }), 1);
	take_one(q, true);
	assert_int_equal(push(q, (struct q_push){ .key = "waits" }), 2);
	begin(q, &t);
	unique_hash(&t, "done", 4, done);
	unique_hash(&t, "waits", 5, waits);
	memcpy(over, done, sizeof(over));
	memset(over + 8, 0xff, 8);
	assert_int_equal(unique_put(&t, over, 1, 1), 0);
	put_over(&t, EXPIRY_KEY, get_be64(waits));
	put_over(&t, EXPIRY_KEY, 0); /* of none */
	put_over(&t, EXPIRY_KEY, UINT64_MAX);
	commit(q, &t);
	(void)push(q, (struct q_push){ .key = NULL });
	begin(q, &t);
	k = key_unique(over);
	assert_int_equal(txn_get(&t, T_UNIQUE, key_span(&k), &v), STORE_NONE);
	commit(q, &t);
	assert_int_equal(push(q, (struct q_push){ .key = "done" }), 1);
	assert_int_equal(push(q, (struct q_push){ .key = "waits" }), 2);
	assert_int_equal(found(q, NULL), 0);
	q_close(q);
}

/* It cannot be read any more: then it is as if none had been kept. */
static void
a_damaged_result_goes_when_it_is_over(void **state)
{
	struct q *q = open_queue();
	struct q_result *result;
	struct txn t;
	uint64_t id;

	(void)state;
	id = push(q, (struct q_push){ .result = true });
	take_one(q, true);
	begin(q, &t);
	put(&t, T_RESULT, key_id(id), (struct span){ "damaged", 7 });
	commit(q, &t);
	assert_int_equal(q_result_get(q, id, 0, &result), Q_ECORRUPT);
	begin(q, &t);
	put_over(&t, EXPIRY_RESULT, id);
	commit(q, &t);
	(void)push(q, (struct q_push){ .ttl = 0 });
	assert_int_equal(q_result_get(q, id, 0, &result), Q_ENOENT);
	assert_int_equal(found(q, NULL), 0);
	q_close(q);
}

/* ---- rows of where a message is ---- */

/* In place of where the first of three is, which are delayed. */
static const struct {
	uint64_t due, id;
} places[] = {
	{ 1, 1 },      /* at another time */
	{ 1, 2 },      /* for one that shares its record */
	{ 1, 4 },      /* for one that is ready */
	{ 1, NOBODY }, /* for none */
};

static void
a_message_that_is_not_where_it_is_listed_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct q_push p[3], x = { .priority = 0 };
		struct q *q = open_queue();
		struct extent e;
		struct q_stat stat;
		char wanted[64];
		struct txn t;
		size_t stored;

		print_message("# place %zu\n", i);
		for (int k = 0; k < 3; k++)
			p[k] = (struct q_push){ .delay = HOUR };
		assert_int_equal(q_push(q, p, 3, 0, &stored, NULL), 0);
		assert_int_equal(push(q, x), 4);
		begin(q, &t);
		assert_int_equal(extent_find(&t, 1, &e), 0);
		del(&t, T_DELAYED, key_time(e.s.due, 1));
		put(&t, T_DELAYED, key_time(places[i].due, places[i].id), none);
		commit(q, &t);
		assert_int_equal(q_push(q, &x, 1, 0, &stored, NULL), Q_ECORRUPT);
		(void)snprintf(wanted, sizeof(wanted),
		    "message %d is listed where it is not", (int)places[i].id);
		assert_non_null(strstr(q_errmsg(), wanted));
		assert_true(found(q, NULL) > 0);
		q = mended(q);
		assert_int_equal(push(q, x), 5);
		assert_int_equal(q_stat(q, &stat), 0);
		assert_int_equal(stat.count[Q_DELAYED], 3);
		assert_int_equal(stat.count[Q_READY], 2);
		q_close(q);
		assert_int_equal(make_path(state), 0);
	}
}

static void
a_lease_that_is_not_where_it_is_listed_is_named(void **state)
{
	struct q *q = open_queue();
	struct q_push x = { .priority = 0 };
	struct q_stat stat;
	struct extent e;
	struct txn t;
	size_t stored;

	(void)state;
	(void)push(q, x);
	take_one(q, false);
	begin(q, &t);
	assert_int_equal(extent_find(&t, 1, &e), 0);
	del(&t, T_LEASED, key_lease(e.s.boot, e.s.due, 1));
	put(&t, T_LEASED, key_lease(e.s.boot, 1, 1), none);
	commit(q, &t);
	assert_int_equal(q_push(q, &x, 1, 0, &stored, NULL), Q_ECORRUPT);
	assert_non_null(strstr(q_errmsg(), "message 1 is listed where it is not"));
	q = mended(q);
	assert_int_equal(q_stat(q, &stat), 0);
	assert_int_equal(stat.count[Q_LEASED], 1);
	q_close(q);
}

static void
a_key_of_one_that_has_none_is_found(void **state)
{
	struct q *q = open_queue();
	uint8_t hash[16] = { 5 };
	struct txn t;

	(void)state;
	(void)push(q, (struct q_push){ .key = NULL });
	begin(q, &t);
	assert_int_equal(unique_put(&t, hash, 1, 0), 0);
	commit(q, &t);
	assert_int_equal(found(q, "has a key in table unique that is not its own"), 1);
	q = mended(q);
	q_close(q);
}

/* ---- rows of what was ---- */

/* Numbers begin again where those before are lost: nobody knows how many that were. */
static void
a_log_whose_numbers_go_back_has_missed_some(void **state)
{
	struct q_event e = { .kind = Q_EVENT_PUSHED, .id = NOBODY };
	struct q *q = open_queue();
	uint8_t record[LOG_MOST];
	struct q_events *events;
	uint64_t last = 0;
	struct txn t;

	(void)state;
	assert_int_equal(q_option_set(q, Q_OPT_LOG, (uint64_t)HOUR), 0);
	for (int i = 0; i < 3; i++)
		(void)push(q, (struct q_push){ .key = NULL });
	begin(q, &t);
	e.when = t.now.wall + HOUR;
	put(&t, T_LOG, key_time((uint64_t)e.when, 1),
	    (struct span){ record, log_encode(&e, 1, record) });
	commit(q, &t);
	assert_int_equal(q_events_since(q, 0, &events), 0);
	while (q_events_next(events, &e) == 0) {
		assert_false(e.damaged);
		assert_true(e.missed == (e.id == NOBODY ? UINT64_MAX : 0));
		last = e.id;
	}
	assert_int_equal(last, NOBODY);
	q_events_close(events);
	q_close(q);
}

/* Answers that were kept for those who wait are removed a day later; those that seem to
 * be of a later day, too. */
static void
answers_of_another_day_are_not_kept(void **state)
{
	static const struct {
		q_time after;
		uint64_t generation;
		bool stays;
	} rows[] = {
		{ -48 * HOUR, 5, false }, { 0, 5, true }, { 48 * HOUR, 5, false },
		{ 48 * HOUR, 7, true }, /* of this ctl, whatever the clock says */
	};
	struct q *q = open_queue();
	struct txn t;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answered a = { .ticket = 1, .data = (const uint8_t *)"" };
		struct key k = key_slot(rows[i].generation, i);
		uint8_t record[ANSWERED_MAX];
		struct span v;

		begin(q, &t);
		a.when = t.now.wall + rows[i].after;
		put(&t, T_SLOT, k,
		    (struct span){ record, answered_encode(&a, i, record) });
		q->ctl.swept = 0;
		a.when = t.now.wall;
		assert_int_equal(kept_put(&t, 7, 99, &a), 0);
		assert_int_equal(txn_get(&t, T_SLOT, key_span(&k), &v),
		    rows[i].stays ? 0 : STORE_NONE);
		commit(q, &t);
	}
	q_close(q);
}

#define TEST(name) cmocka_unit_test_setup(name, make_path)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_falls_due_too_early_stays),
		TEST(a_message_that_is_to_expire_later_is_as_it_was),
		TEST(only_keys_whose_time_has_come_are_forgotten),
		TEST(a_damaged_result_goes_when_it_is_over),
		TEST(a_message_that_is_not_where_it_is_listed_is_named),
		TEST(a_lease_that_is_not_where_it_is_listed_is_named),
		TEST(a_key_of_one_that_has_none_is_found),
		TEST(a_log_whose_numbers_go_back_has_missed_some),
		TEST(answers_of_another_day_are_not_kept),
	};

	return (cmocka_run_group_tests_name("astray", tests, make_dir, remove_dir));
}
