/* SPDX-License-Identifier: ISC */
/* Events: what was committed is told once, in order; what is lost is counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "hash.h"
#include "lock.h"
#include "note.h"
#include "queue.h"
#include "ring.h"
#include "scratch.h"

static struct q_events *
watch(struct q *q)
{
	struct q_events *e;

	assert_int_equal(q_events_open(q, &e), 0);
	return (e);
}

static struct q_event
next(struct q_events *e)
{
	struct q_event event;

	assert_int_equal(q_events_next(e, &event), 0);
	return (event);
}

static void
assert_none(struct q_events *e)
{
	struct q_event event;

	assert_int_equal(q_events_next(e, &event), Q_EMPTY);
}

/* n events of messages from id on, nothing missed but what comes before. */
static void
assert_pushed(struct q_events *e, uint64_t id, size_t n, uint64_t missed)
{
	for (size_t i = 0; i < n; i++) {
		struct q_event event = next(e);

		assert_int_equal(event.kind, Q_EVENT_PUSHED);
		assert_int_equal(event.id, id + i);
		assert_int_equal(event.missed, i == 0 ? missed : 0);
	}
	assert_none(e);
}

static void
every_kind_has_a_name(void **state)
{
	(void)state;
	assert_null(q_event_name(0));
	assert_null(q_event_name(Q_EVENTS));
	for (int i = 1; i < Q_EVENTS; i++) {
		assert_non_null(q_event_name((enum q_event_kind)i));
		for (int j = 1; j < i; j++)
			assert_string_not_equal(q_event_name((enum q_event_kind)i),
			    q_event_name((enum q_event_kind)j));
	}
}

static void
an_event_says_who_did_what_to_whom(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);
	const struct q_push p = {
		.body = "x", .size = 1, .key = "the key", .due = 4e18
	};
	struct q_event event;
	size_t stored;

	(void)state;
	assert_none(e);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	event = next(e);
	assert_int_equal(event.kind, Q_EVENT_PUSHED);
	assert_int_equal(event.id, 1);
	assert_int_equal(event.attempt, 0);
	assert_int_equal(event.due, (q_time)4e18);
	assert_int_equal(event.uid, geteuid());
	assert_int_equal(event.pid, getpid());
	assert_string_equal(event.command, "ring");
	assert_string_equal(event.detail, "the key");
	assert_int_equal(event.missed, 0);
	assert_true(event.when > 1700000000 * Q_SECOND);
	assert_none(e);
	q_events_close(e);
	q_close(q);
}

static void
a_watcher_sees_only_what_comes_after_it(void **state)
{
	struct q *q = open_queue();
	struct q_events *first = watch(q), *second;

	(void)state;
	push_some(q, 2);
	second = watch(q);
	push_some(q, 1);
	assert_pushed(first, 1, 3, 0);
	assert_pushed(second, 3, 1, 0);
	q_events_close(first);
	q_events_close(second);
	q_close(q);
}

static void
a_reader_that_keeps_up_misses_nothing(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	for (size_t i = 0; i < 3 * CTL_EVENTS; i += 1000) {
		push_some(q, 1000);
		assert_pushed(e, i + 1, 1000, 0);
	}
	push_some(q, CTL_EVENTS); /* exactly as many as there are places for */
	assert_pushed(e, 13001, CTL_EVENTS, 0);
	q_events_close(e);
	q_close(q);
}

static void
a_reader_that_is_lapped_knows_what_it_missed(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	for (int i = 0; i < 5; i++)
		push_some(q, 1000);
	assert_pushed(e, 5000 - CTL_EVENTS + 1, CTL_EVENTS, 5000 - CTL_EVENTS);
	q_events_close(e);
	q_close(q);
}

static void
a_large_transaction_tells_its_end(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	push_some(q, 10000);
	assert_pushed(e, 10000 - CTL_EVENTS + 1, CTL_EVENTS, 10000 - CTL_EVENTS);
	push_some(q, 1); /* and that of one that follows, no more than it */
	assert_pushed(e, 10001, 1, 0);
	q_events_close(e);
	q_close(q);
}

static void
what_is_not_committed_is_not_told(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);
	struct q_push two[2] = { { .body = "x", .size = 1 },
		{ .body = "x", .size = 1 } };
	struct txn t;
	size_t stored;

	(void)state;
	assert_true(lock_try(q, LOCK_EX));
	assert_int_equal(txn_begin_write(q, &t), 0);
	assert_true(t.noting);
	note(&t, Q_EVENT_PURGED, 7, NULL, 0, NULL);
	txn_abort(&t);
	lock_drop(q->dir.data);
	assert_none(e);
	assert_int_equal(q_option_set(q, Q_OPT_MAX_MESSAGES, 1), 0);
	assert_int_equal(q_push(q, two, 2, Q_ATOMIC, &stored, NULL), Q_EFULL);
	push_some(q, 1);
	assert_int_equal(next(e).kind, Q_EVENT_SET);
	assert_pushed(e, 1, 1, 0);
	q_events_close(e);
	q_close(q);
}

static void
without_ctl_nothing_is_noted(void **state)
{
	struct q *q = open_queue();

	(void)state;
	push_some(q, 10);
	assert_null(q->ctl.map);
	assert_int_equal(q->notes.room, 0);
	q_close(q);
}

/* As a writer that died, or one that is just there, leaves a place. */
static void
a_torn_event_is_missed(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	push_some(q, 3);
	atomic_store(&q->ctl.map->event[2].number, 0);
	assert_int_equal(next(e).id, 1);
	assert_pushed(e, 3, 1, 1);
	push_some(q, 1);
	atomic_store(&q->ctl.map->event[4].number, 4 + CTL_EVENTS);
	assert_none(e);
	push_some(q, 1);
	assert_pushed(e, 5, 1, 1);
	/* Written, and not counted yet: the next one is written there. */
	atomic_store(&q->ctl.map->event[6].number, 6);
	assert_none(e);
	push_some(q, 1);
	assert_pushed(e, 6, 1, 0);
	q_events_close(e);
	q_close(q);
}

static void
a_count_that_goes_back_is_a_loss_of_unknown_size(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	push_some(q, 5);
	assert_pushed(e, 1, 5, 0);
	atomic_store(&q->ctl.map->last_event, 2);
	assert_none(e);
	push_some(q, 1);
	assert_pushed(e, 6, 1, UINT64_MAX);
	/* Numbers go round, and 0 is none. */
	atomic_store(&q->ctl.map->last_event, UINT64_MAX);
	assert_none(e);
	push_some(q, 3);
	assert_pushed(e, 8, 2, UINT64_MAX);
	q_events_close(e);
	q_close(q);
}

static void
a_ctl_that_was_deleted_is_made_again(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	push_some(q, 2);
	assert_int_equal(unlinkat(q->dir.fd, "ctl", 0), 0);
	assert_pushed(e, 1, 2, 0); /* what it had, and the new one is there */
	push_some(q, 1);
	assert_pushed(e, 3, 1, UINT64_MAX);
	q_events_close(e);
	q_close(q);
}

static void
a_ctl_that_was_cut_is_not_touched(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);

	(void)state;
	push_some(q, 1);
	assert_int_equal(ftruncate(q->ctl.fd, 0), 0);
	assert_none(e);
	push_some(q, 1);
	assert_pushed(e, 2, 1, UINT64_MAX);
	q_events_close(e);
	q_close(q);
}

static void
a_queue_that_is_removed_is_no_silence(void **state)
{
	struct q *q = open_queue(), *again;
	struct q_events *e = watch(q);
	struct q_event event;

	(void)state;
	push_some(q, 1);
	assert_int_equal(remove_queue(NULL), 0);
	assert_int_equal(next(e).kind, Q_EVENT_PUSHED);
	assert_int_equal(q_events_next(e, &event), Q_ENOQUEUE);
	again = open_queue();
	assert_int_equal(q_events_next(e, &event), Q_ENOQUEUE);
	q_events_close(e);
	q_close(q);
	q_close(again);
}

/* Strangers write what they like: it is read within bounds, and it ends. */
static void
garbage_is_bounded(void **state)
{
	struct q *q = open_queue();
	struct q_events *e = watch(q);
	struct ctl_file *f = q->ctl.map;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t *word = (uint64_t *)(void *)f->event;
		struct q_event event;
		unsigned n = 0;

		for (uint64_t i = 0; i < CTL_EVENTS * CTL_EVENT_SIZE / 8; i++)
			word[i] = hash_record(&i, sizeof(i), seed);
		for (uint64_t i = 0; i < CTL_EVENTS; i += 1 + seed % 3)
			f->event[i].number = seed * CTL_EVENTS + i;
		f->last_event = seed * CTL_EVENTS + 100;
		while (q_events_next(e, &event) == 0) {
			assert_non_null(q_event_name(event.kind));
			assert_int_equal(event.command[Q_EVENT_COMMAND - 1], '\0');
			assert_int_equal(event.detail[Q_EVENT_DETAIL - 1], '\0');
			assert_true(++n <= CTL_EVENTS);
		}
		push_some(q, 1);
		assert_int_equal(next(e).kind, Q_EVENT_PUSHED);
	}
	q_events_close(e);
	q_close(q);
}

/* Then ctl cannot be opened, though it is there: nothing is said of who may make it. */
static void
who_has_no_descriptor_left_is_told_so(void **state)
{
	struct q *q = open_queue();
	struct rlimit before, none;
	struct q_events *e;
	int next;

	(void)state;
	push_some(q, 1);
	q_events_close(watch(q));
	assert_true((next = dup(0)) != -1 && close(next) == 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(q_events_open(q, &e), Q_ESYS);
	assert_non_null(strstr(q_errmsg(), strerror(EMFILE)));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	q_events_close(watch(q));
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_name),
		cmocka_unit_test_teardown(
		    an_event_says_who_did_what_to_whom, remove_queue),
		cmocka_unit_test_teardown(
		    a_watcher_sees_only_what_comes_after_it, remove_queue),
		cmocka_unit_test_teardown(
		    a_reader_that_keeps_up_misses_nothing, remove_queue),
		cmocka_unit_test_teardown(
		    a_reader_that_is_lapped_knows_what_it_missed, remove_queue),
		cmocka_unit_test_teardown(
		    a_large_transaction_tells_its_end, remove_queue),
		cmocka_unit_test_teardown(
		    what_is_not_committed_is_not_told, remove_queue),
		cmocka_unit_test_teardown(without_ctl_nothing_is_noted, remove_queue),
		cmocka_unit_test_teardown(a_torn_event_is_missed, remove_queue),
		cmocka_unit_test_teardown(
		    a_count_that_goes_back_is_a_loss_of_unknown_size, remove_queue),
		cmocka_unit_test_teardown(
		    a_ctl_that_was_deleted_is_made_again, remove_queue),
		cmocka_unit_test_teardown(
		    a_ctl_that_was_cut_is_not_touched, remove_queue),
		cmocka_unit_test_teardown(
		    a_queue_that_is_removed_is_no_silence, remove_queue),
		cmocka_unit_test_teardown(garbage_is_bounded, remove_queue),
		cmocka_unit_test_teardown(
		    who_has_no_descriptor_left_is_told_so, remove_queue),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
