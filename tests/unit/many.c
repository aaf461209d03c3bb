/* SPDX-License-Identifier: ISC */
/*
 * More than is looked at, kept or told at a time: nothing of it is lost, and what is
 * forgotten is the oldest.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "due.h"
#include "queue.h"

#include "scratch.h"

enum {
	MANY = 12 * DUE_MOST,
	REMEMBERED = 10000,
	HELD_MOST = 20000,
	MARK = 4,
	FAILURES_KEPT = 32
};

static struct q *q;

/* n like it, of their own keys and groups if it has any. */
static void
push(const struct q_push *like, size_t n)
{
	struct q_push *p = calloc(n, sizeof(*p));
	char(*name)[24] = calloc(n, sizeof(*name));
	size_t stored;

	assert_true(p != NULL && name != NULL);
	for (size_t i = 0; i < n; i++) {
		p[i] = *like;
		(void)snprintf(name[i], sizeof(name[i]), "%zu", i);
		if (like->key != NULL)
			p[i].key = name[i];
		if (like->group != NULL)
			p[i].group = name[i];
	}
	assert_int_equal(q_push(q, p, n, Q_ATOMIC, &stored, NULL), 0);
	free(name);
	free(p);
}

static struct q_batch *
take(const struct q_take *how, size_t n)
{
	struct q_batch *b;

	assert_int_equal(q_take(q, how, &b), 0);
	assert_int_equal(q_batch_count(b), n);
	return (b);
}

static struct q_stat
look(void)
{
	struct q_stat st;

	assert_int_equal(q_stat(q, &st), 0);
	return (st);
}

/* ---- what falls due at once ---- */

static void
test_expired(void **state)
{
	const struct q_push gone = { .body = "x", .size = 1, .ttl = 1 };
	const struct q_take one = { .lease = Q_SECOND };
	struct q_batch *b;

	(void)state;
	q = open_queue();
	push(&gone, MANY);
	assert_int_equal(q_take(q, &one, &b), Q_EMPTY);
	assert_int_equal(look().expired, MANY);
	assert_int_equal(look().count[Q_READY], 0);
	close_queue(q);
}

/* With what is ready behind them; counted as expired before anybody has noted it. */
static void
test_expired_delayed(void **state)
{
	const struct q_push gone = { .size = 1,
		.body = "x",
		.ttl = 1,
		.delay = Q_SECOND },
			    good = { .size = 1, .body = "y" };
	const struct q_take one = { .lease = Q_SECOND };

	(void)state;
	q = open_queue();
	push(&gone, MANY);
	push(&good, 1);
	assert_int_equal(look().count[Q_DELAYED], 0);
	assert_int_equal(look().expired, MANY);
	q_batch_free(take(&one, 1));
	assert_int_equal(look().expired, MANY);
	close_queue(q);
}

static void
test_expired_blocked(void **state)
{
	struct q_push p = { .body = "x", .size = 1, .group = "g" };
	size_t stored;

	(void)state;
	q = open_queue();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
		p.ttl = 1;
	}
	assert_int_equal(look().count[Q_READY], 1);
	assert_int_equal(look().count[Q_BLOCKED], 0);
	assert_int_equal(look().expired, 2);
	close_queue(q);
}

static void
test_delayed(void **state)
{
	const struct q_push later = { .body = "x", .size = 1, .delay = 1, .key = "" };
	const struct q_take all = { .n = MANY, .lease = 60 * Q_SECOND };
	size_t got = 0;

	(void)state;
	q = open_queue();
	push(&later, MANY);
	assert_int_equal(look().count[Q_READY], MANY);
	while (got < MANY) {
		struct q_batch *b;

		assert_int_equal(q_take(q, &all, &b), 0);
		got += q_batch_count(b);
		q_batch_free(b);
	}
	assert_int_equal(got, MANY);
	assert_int_equal(look().count[Q_LEASED], MANY);
	close_queue(q);
}

/* What lapsed is there again, each once. */
static void
test_lapsed(void **state)
{
	const struct q_push p = { .body = "x", .size = 1 };
	const struct q_take at_once = { .n = MANY, .lease = 1 },
			    all = { .n = MANY, .lease = 60 * Q_SECOND };
	size_t got = 0;

	(void)state;
	q = open_queue();
	push(&p, MANY);
	q_batch_free(take(&at_once, MANY));
	while (got < MANY) {
		struct q_batch *b;

		assert_int_equal(q_take(q, &all, &b), 0);
		for (size_t i = 0; i < q_batch_count(b); i++)
			assert_int_equal(q_batch_get(b, i)->attempt, 2);
		got += q_batch_count(b);
		q_batch_free(b);
	}
	assert_int_equal(got, MANY);
	assert_int_equal(look().lapsed, MANY);
	close_queue(q);
}

/* Whoever takes very many looks at no more holders than that. */
static void
test_held(void **state)
{
	const struct q_push p = { .body = "x", .size = 1 };
	const struct q_take all = { .n = HELD_MOST };

	(void)state;
	q = open_queue();
	push(&p, HELD_MOST);
	q_batch_free(take(&all, HELD_MOST));
	assert_int_equal(look().count[Q_LEASED], HELD_MOST);
	close_queue(q);
}

/* ---- what is kept ---- */

static int
settle_again(const struct q_receipt *receipt, bool *again)
{
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_settled r;

	assert_int_equal(q_settle(q, &ack, receipt, 1, &r), 0);
	*again = r.again;
	return (r.code);
}

static void
test_remembered(void **state)
{
	static struct q_receipt receipts[REMEMBERED + 1];
	static struct q_settled results[REMEMBERED + 1];
	const struct q_push p = { .body = "x", .size = 1 };
	const struct q_take all = { .n = REMEMBERED + 1, .lease = 600 * Q_SECOND };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	bool again;

	(void)state;
	q = open_queue();
	push(&p, REMEMBERED + 1);
	b = take(&all, REMEMBERED + 1);
	for (size_t i = 0; i <= REMEMBERED; i++)
		receipts[i] = q_batch_get(b, i)->receipt;
	q_batch_free(b);
	assert_int_equal(q_settle(q, &ack, receipts, REMEMBERED + 1, results), 0);
	for (size_t i = 0; i <= REMEMBERED; i++)
		assert_int_equal(results[i].code, 0);
	assert_int_equal(settle_again(&receipts[REMEMBERED], &again), 0);
	assert_true(again);
	assert_int_equal(settle_again(&receipts[1], &again), 0);
	assert_true(again);
	assert_int_equal(settle_again(&receipts[0], &again), Q_ENOENT);
	close_queue(q);
}

/* Of what a command has said the end, and of its failures the last ones. */
static void
test_failures(void **state)
{
	static char output[Q_MAX_OUTPUT + MARK + 1], command[Q_MAX_COMMAND + 1];
	const struct q_push p = { .body = "x", .size = 1, .max_attempts = 100 };
	const struct q_report report = { .how = Q_HOW_EXITED,
		.output = output,
		.output_size = Q_MAX_OUTPUT + MARK,
		.command = command,
		.command_size = sizeof(command) };
	const struct q_settle fail = {
		.verb = Q_FAIL, .has_delay = true, .report = &report
	};
	const struct q_take one = { .lease = 60 * Q_SECOND };
	const struct q_msg *m;
	struct q_settled r;
	struct q_batch *b;

	(void)state;
	memset(output, 'a', MARK);
	memset(output + MARK, 'b', Q_MAX_OUTPUT);
	q = open_queue();
	push(&p, 1);
	for (int i = 0; i < FAILURES_KEPT + 2; i++) {
		b = take(&one, 1);
		assert_int_equal(
		    q_settle(q, &fail, &q_batch_get(b, 0)->receipt, 1, &r), 0);
		assert_int_equal(r.code, 0);
		q_batch_free(b);
	}
	assert_int_equal(q_get(q, 1, &b), 0);
	m = q_batch_get(b, 0);
	assert_int_equal(m->failure_count, FAILURES_KEPT);
	for (int i = 0; i < FAILURES_KEPT; i++) {
		const struct q_failure *f = &m->failures[i];

		assert_int_equal(f->delivery, i + 3);
		assert_int_equal(f->report.output_size, Q_MAX_OUTPUT);
		assert_string_equal(f->report.output, output + MARK);
		assert_int_equal(f->report.command_size, 0);
	}
	q_batch_free(b);
	close_queue(q);
}

/* ---- what is damaged ---- */

/* One byte of each body that has this text. */
static void
spoil(const char *text, size_t most)
{
	static char all[16 << 20];
	char data[sizeof(path) + 16], *p = all;
	size_t n, found = 0;
	FILE *f;

	(void)snprintf(data, sizeof(data), "%s/data.mdb", path);
	f = fopen(data, "r+");
	assert_non_null(f);
	n = fread(all, 1, sizeof(all), f);
	for (; found < most &&
	       (p = memmem(p, n - (size_t)(p - all), text, strlen(text))) != NULL;
	     found++) {
		*p ^= 1;
		assert_int_equal(fseek(f, p - all, SEEK_SET), 0);
		assert_int_equal(fputc(*p, f), *p);
	}
	assert_int_equal(fclose(f), 0);
	assert_true(found > 0);
}

static void
test_findings(void **state)
{
	const struct q_push p = { .body = "a body of its own", .size = 17 };
	struct q_check *check;

	(void)state;
	q = open_queue();
	push(&p, Q_MAX_FINDINGS + 10);
	q_close(q);
	spoil("a body of its own", SIZE_MAX);
	assert_int_equal(q_open(path, NULL, &q), 0);
	assert_int_equal(q_check(q, &check), 0);
	assert_int_equal(check->found, Q_MAX_FINDINGS + 10);
	assert_int_equal(check->count, Q_MAX_FINDINGS);
	q_check_free(check);
	close_queue(q);
}

/* A repair has a transaction of so many rows: messages, keys, groups, failures. */
static void
test_repair(void **state)
{
	const struct q_push p = { .body = "in a group",
		.size = 10,
		.key = "",
		.group = "" },
			    bad = { .body = "to be damaged", .size = 13 };
	const struct q_settle fail = { .verb = Q_FAIL, .has_delay = true };
	const struct q_take all = { .n = 2 * MANY, .lease = 600 * Q_SECOND };
	struct q_check *check;
	struct q_batch *b;

	(void)state;
	q = open_queue();
	push(&p, 2 * MANY);
	b = take(&all, 2 * MANY);
	assert_int_equal(q_batch_settle(q, &fail, b, 0, 2 * MANY), 0);
	q_batch_free(b);
	push(&bad, 1);
	q_close(q);
	spoil("to be damaged", 1);
	assert_int_equal(q_open(path, NULL, &q), 0);
	assert_int_equal(q_repair(q, &check), 0);
	assert_int_equal(check->recovered, 2 * MANY + 1);
	assert_int_equal(check->set_aside, 1);
	q_check_free(check);
	q_close(q);
	assert_int_equal(q_open(path, NULL, &q), 0);
	assert_int_equal(q_check(q, &check), 0);
	assert_int_equal(check->found, 0);
	q_check_free(check);
	assert_int_equal(look().count[Q_READY], 2 * MANY);
	assert_int_equal(look().count[Q_DEAD], 1);
	close_queue(q);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_expired_delayed),
		cmocka_unit_test(test_expired_blocked),
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_lapsed),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_repair),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
