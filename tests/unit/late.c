/* SPDX-License-Identifier: ISC */
/* A receipt that comes late, after the lease: what it may still do, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "q.h"

#include "scratch.h"

#define HOUR (3600 * Q_SECOND)

static struct q *q;

static void
push(const struct q_push *p)
{
	size_t stored;

	assert_int_equal(q_push(q, p, 1, 0, &stored, NULL), 0);
}

static struct q_receipt
take(struct q *from, q_time lease)
{
	struct q_take how = { .lease = lease };
	struct q_receipt r;
	struct q_batch *b;

	assert_int_equal(q_take(from, &how, &b), 0);
	r = q_batch_get(b, 0)->receipt;
	q_batch_free(b);
	return (r);
}

static struct q_settled
settle(const struct q_receipt *r, struct q_settle how)
{
	struct q_settled result;

	assert_int_equal(q_settle(q, &how, r, 1, &result), 0);
	return (result);
}

/* By a write that is of nothing else. */
static void
notice(void)
{
	assert_int_equal(q_option_set(q, Q_OPT_RATE, 0), 0);
}

static enum q_state
state_of(uint64_t id)
{
	enum q_state state;
	struct q_batch *b;
	int rc = q_get(q, id, &b);

	if (rc != 0)
		return ((enum q_state)0);
	state = q_batch_get(b, 0)->state;
	q_batch_free(b);
	return (state);
}

/* What each verb makes of a message whose lease is over, as long as nobody has it. */
static void
test_lapsed(void **state)
{
	static const struct {
		struct q_settle how;
		enum q_state state;
		bool noticed;
	} cases[] = {
		{ { .verb = Q_ACK }, 0, false },
		{ { .verb = Q_ACK }, 0, true },
		{ { .verb = Q_RELEASE }, Q_READY, true },
		{ { .verb = Q_RELEASE, .delay = HOUR }, Q_DELAYED, true },
		{ { .verb = Q_RELEASE, .counted = true }, Q_READY, false },
		{ { .verb = Q_EXTEND, .lease = HOUR }, Q_LEASED, true },
		{ { .verb = Q_EXTEND, .lease = HOUR }, Q_LEASED, false },
		{ { .verb = Q_FAIL, .has_delay = true }, Q_READY, true },
		{ { .verb = Q_FAIL, .backoff_base = HOUR }, Q_DELAYED, false },
		{ { .verb = Q_KILL }, Q_DEAD, true },
	};
	const struct q_push p = { .body = "x", .size = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct q_receipt r;
		struct q_settled s;

		print_message("# case %zu\n", i);
		q = open_queue();
		push(&p);
		r = take(q, 1);
		if (cases[i].noticed)
			notice();
		s = settle(&r, cases[i].how);
		assert_int_equal(s.code, 0);
		assert_true(s.late > 0);
		assert_int_equal(state_of(r.id), cases[i].state);
		s = settle(&r, cases[i].how);
		if (cases[i].how.verb == Q_EXTEND)
			assert_int_equal(s.code, 0);
		else
			assert_true(s.code == 0 && s.again);
		close_queue(q);
	}
}

/* Who says that it must not be late is told that it is. */
static void
test_strict(void **state)
{
	const struct q_push p = { .body = "x", .size = 1 };
	const struct q_settle strict = { .verb = Q_ACK, .strict = true };
	struct q_take two = { .n = 2, .lease = HOUR };
	struct q_settled s;
	struct q_receipt r;
	struct q_batch *b;

	(void)state;
	q = open_queue();
	push(&p);
	r = take(q, 1);
	notice();
	s = settle(&r, strict);
	assert_int_equal(s.code, Q_ESTALE);
	assert_true(s.late > 0);
	assert_int_equal(state_of(r.id), Q_READY);
	push(&p);
	assert_int_equal(q_take(q, &two, &b), 0);
	assert_int_equal(q_batch_settle(q, &strict, b, 0, 2), 0);
	q_batch_free(b);
	assert_int_equal(state_of(r.id), 0);
	close_queue(q);
}

/* The last attempt: it is dead, and lives again if whoever had it goes on; unless the
 * next one of its group has gone on meanwhile. */
static void
test_dead(void **state)
{
	const struct q_settle extend = { .verb = Q_EXTEND, .lease = HOUR };
	struct q_push p = { .body = "x", .size = 1, .max_attempts = 1, .result = true };
	struct q_result *result;
	struct q_receipt r;

	(void)state;
	for (int grouped = 0; grouped < 2; grouped++) {
		q = open_queue();
		p.group = grouped ? "g" : NULL;
		push(&p);
		if (grouped)
			push(&p);
		r = take(q, 1);
		notice();
		assert_int_equal(state_of(r.id), Q_DEAD);
		assert_int_equal(q_result_get(q, r.id, 0, &result), 0);
		assert_int_equal(result->state, Q_DEAD);
		q_result_free(result);
		assert_int_equal(settle(&r, extend).code, grouped ? Q_ESTALE : 0);
		assert_int_equal(state_of(r.id), grouped ? Q_DEAD : Q_LEASED);
		if (!grouped)
			assert_int_equal(q_result_get(q, r.id, 0, &result), Q_EMPTY);
		close_queue(q);
	}
}

/* What a handle held that is closed by now, and another has not taken. */
static void
test_held(void **state)
{
	struct q_push p = { .body = "x", .size = 1 };
	struct q_settled s;
	struct q_receipt r;
	struct q *holder;

	(void)state;
	q = open_queue();
	push(&p);
	assert_int_equal(q_open(path, NULL, &holder), 0);
	r = take(holder, 0);
	q_close(holder);
	p.priority = 1;
	push(&p);
	assert_int_equal(take(q, HOUR).id, r.id + 1);
	s = settle(&r, (struct q_settle){ .verb = Q_ACK });
	assert_int_equal(s.code, 0);
	assert_true(s.late > 0);
	assert_int_equal(state_of(r.id), 0);
	close_queue(q);
}

/* Another has it: then the receipt is worth nothing, and it is said who has. */
static void
test_stale(void **state)
{
	const struct q_push p = { .body = "x", .size = 1 };
	struct q_receipt old, new;
	struct q_settled s;

	(void)state;
	q = open_queue();
	push(&p);
	old = take(q, 1);
	new = take(q, HOUR);
	s = settle(&old, (struct q_settle){ .verb = Q_ACK });
	assert_int_equal(s.code, Q_ESTALE);
	assert_int_equal(s.holder, new.delivery);
	assert_int_equal(s.pid, getpid());
	assert_int_equal(settle(&new, (struct q_settle){ .verb = Q_ACK }).code, 0);
	s = settle(&old, (struct q_settle){ .verb = Q_ACK });
	assert_int_equal(s.code, Q_ESTALE);
	assert_false(s.again);
	old = new;
	old.id = 99;
	assert_int_equal(
	    settle(&old, (struct q_settle){ .verb = Q_ACK }).code, Q_EFOREIGN);
	close_queue(q);
}

/* "Not now" a thousand times in a row is an attempt. */
static void
test_not_now(void **state)
{
	enum { IN_A_ROW = 1000 };
	const struct q_push p = { .body = "x", .size = 1, .max_attempts = 2 };
	const struct q_settle release = { .verb = Q_RELEASE };
	struct q_receipt r;
	struct q_settled s = { 0 };

	(void)state;
	q = open_queue();
	push(&p);
	for (int i = 0; i <= IN_A_ROW; i++) {
		r = take(q, HOUR);
		s = settle(&r, release);
		assert_int_equal(s.code, 0);
		assert_int_equal(s.attempt, i == IN_A_ROW);
	}
	assert_int_equal(s.state, Q_READY);
	close_queue(q);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lapsed),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_not_now),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
