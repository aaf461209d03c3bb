/* SPDX-License-Identifier: ISC */
/* What a queue allows: what is over it is refused with the reason, or waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "q.h"

#include "scratch.h"

static struct q *q;

static int
begin(void **state)
{
	(void)state;
	return (q_open(path, &(struct q_open){ .flags = Q_CREATE }, &q));
}

static int
finish(void **state)
{
	q_close(q);
	return (remove_queue(state));
}

static void
set(enum q_option option, uint64_t value)
{
	assert_int_equal(q_option_set(q, option, value), 0);
}

static int
push(size_t size)
{
	static char body[5000];
	const struct q_push p = { .body = body, .size = size };
	size_t stored;

	return (q_push(q, &p, 1, 0, &stored, NULL));
}

static int
take(struct q_take how, size_t *n)
{
	struct q_batch *b;
	int rc = q_take(q, &how, &b);

	*n = 0;
	if (rc != 0)
		return (rc);
	*n = q_batch_count(b);
	q_batch_free(b);
	return (0);
}

/* A row: what is set, how much is there, what is pushed, and what comes of it. */
static void
test_push(void **state)
{
	static const struct {
		enum q_option option;
		uint64_t value;
		size_t before, size;
		int code;
		const char *text;
	} cases[] = {
		{ Q_OPT_MAX_BODY, 100, 0, 100, 0, "" },
		{ Q_OPT_MAX_BODY, 100, 0, 101, Q_ETOOBIG, "over the queue's limit" },
		{ Q_OPT_MAX_BODY, 0, 0, 4096, 0, "" },
		{ Q_OPT_MAX_BYTES, 100, 50, 50, 0, "" },
		{ Q_OPT_MAX_BYTES, 100, 50, 51, Q_EFULL, "queue is full (" },
		{ Q_OPT_MAX_BYTES, 100, 50, 101, Q_ETOOBIG, "the queue may hold" },
		{ Q_OPT_MAX_BYTES, 0, 50, 4096, 0, "" },
		{ Q_OPT_MAX_MESSAGES, 2, 1, 1, 0, "" },
		{ Q_OPT_MAX_MESSAGES, 1, 1, 1, Q_EFULL, "queue is full (1 messages)" },
		{ Q_OPT_MAX_MESSAGES, 0, 1, 1, 0, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# case %zu\n", i);
		if (cases[i].before > 0)
			assert_int_equal(push(cases[i].before), 0);
		set(cases[i].option, cases[i].value);
		assert_int_equal(push(cases[i].size), cases[i].code);
		if (cases[i].code != 0)
			assert_non_null(strstr(q_errmsg(), cases[i].text));
		assert_int_equal(finish(state), 0);
		assert_int_equal(begin(state), 0);
	}
}

/* Whoever waits for room is told when there can be none: for all, or none. */
static void
test_patient(void **state)
{
	static const struct {
		enum q_option option;
		uint64_t value;
		size_t n;
		const char *key;
		int code;
		const char *text;
	} cases[] = {
		{ Q_OPT_MAX_MESSAGES, 0, 3, NULL, 0, "" },
		{ Q_OPT_MAX_MESSAGES, 3, 3, NULL, 0, "" },
		{ Q_OPT_MAX_MESSAGES, 2, 3, NULL, Q_ETOOBIG,
		    "3 messages at once are over the 2 the queue may hold" },
		{ Q_OPT_MAX_BYTES, 0, 3, NULL, 0, "" },
		{ Q_OPT_MAX_BYTES, 3, 3, NULL, 0, "" },
		{ Q_OPT_MAX_BYTES, 2, 3, NULL, Q_ETOOBIG, "at once are over the" },
		{ Q_OPT_MAX_MESSAGES, 2, 3, "same", 0, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct q_push p[3];
		size_t stored;

		print_message("# case %zu\n", i);
		for (size_t k = 0; k < 3; k++)
			p[k] = (struct q_push){
				.body = "x", .size = 1, .key = cases[i].key
			};
		set(cases[i].option, cases[i].value);
		assert_int_equal(
		    q_push(q, p, cases[i].n, Q_ATOMIC | Q_PATIENT, &stored, NULL),
		    cases[i].code);
		assert_int_equal(stored, cases[i].code == 0 ? cases[i].n : 0);
		if (cases[i].code != 0)
			assert_non_null(strstr(q_errmsg(), cases[i].text));
		assert_int_equal(finish(state), 0);
		assert_int_equal(begin(state), 0);
	}
}

/* A body that has a file is not read, so it needs no room. */
static void
test_room(void **state)
{
	const struct q_take few = { .n = 3, .bytes = 10, .lease = 60 * Q_SECOND };
	size_t n;

	(void)state;
	set(Q_OPT_INLINE, 4096);
	assert_int_equal(push(8), 0);
	assert_int_equal(push(5000), 0);
	assert_int_equal(push(8), 0);
	assert_int_equal(take(few, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(take(few, &n), 0);
	assert_int_equal(n, 1);
}

static void
test_take(void **state)
{
	const struct q_take three = { .n = 3, .lease = 60 * Q_SECOND };
	size_t n;

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_int_equal(push(1), 0);
	set(Q_OPT_MAX_LEASED, 5);
	assert_int_equal(take(three, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(take(three, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(take(three, &n), Q_EMPTY);
	assert_string_equal(
	    q_errmsg(), "5 messages are leased, as many as the queue allows");
	set(Q_OPT_MAX_LEASED, 0);
	assert_int_equal(take(three, &n), 0);
	assert_int_equal(n, 3);
}

/* Others may have at once what is not begun: where there is a limit, nothing is taken
 * ahead. */
static void
test_ahead(void **state)
{
	const struct q_take two = { .n = 2, .ahead = 1 }, none = { .n = 1, .ahead = 1 },
			    paced = { .n = 2, .ahead = 1, .every = 3600 * Q_SECOND };
	size_t n;

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_int_equal(push(1), 0);
	assert_int_equal(take(two, &n), 0);
	assert_int_equal(n, 2);
	set(Q_OPT_MAX_LEASED, 8);
	assert_int_equal(take(two, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(take(none, &n), Q_EMPTY);
	assert_string_equal(q_errmsg(), "nothing is taken ahead of a limit");
	set(Q_OPT_MAX_LEASED, 0);
	assert_int_equal(take(paced, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(take(paced, &n), Q_EMPTY);
	assert_string_equal(q_errmsg(), "the rate allows no more for now");
	set(Q_OPT_RATE, 1000000);
	assert_int_equal(take(none, &n), Q_EMPTY);
}

/* In the log, as one would say it: the longest unit without a fraction. */
static void
test_told(void **state)
{
	static const struct {
		q_time value;
		const char *text;
	} cases[] = {
		{ 7, "7ns" },
		{ 7000, "7us" },
		{ 7000000, "7ms" },
		{ 7 * Q_SECOND, "7s" },
		{ 90 * Q_SECOND + 1, "90000000001ns" },
	};
	struct q_events *events;
	struct q_event e;
	size_t i = 0;

	(void)state;
	set(Q_OPT_LOG, 3600ULL * Q_SECOND);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		set(Q_OPT_BACKOFF, (uint64_t)cases[k].value);
	assert_int_equal(q_events_since(q, 0, &events), 0);
	while (q_events_next(events, &e) == 0)
		if (strncmp(e.detail, "backoff", 7) == 0) {
			assert_true(i < sizeof(cases) / sizeof(cases[0]));
			assert_non_null(strstr(e.detail, cases[i].text));
			i++;
		}
	assert_int_equal(i, sizeof(cases) / sizeof(cases[0]));
	q_events_close(events);
}

static void
test_list(void **state)
{
	struct q_list list = { .after = UINT64_MAX };
	struct q_batch *b;

	(void)state;
	assert_int_equal(push(1), 0);
	assert_int_equal(q_list(q, &list, &b), Q_EMPTY);
	list.after = 0;
	assert_int_equal(q_list(q, &list, &b), 0);
	q_batch_free(b);
}

/* What is leased, or cannot be read, is not replaced. */
static void
test_replace(void **state)
{
	struct q_msg m;
	struct q_batch *b;
	uint64_t id;
	size_t n;

	(void)state;
	assert_int_equal(push(1), 0);
	assert_int_equal(take((struct q_take){ .lease = 60 * Q_SECOND }, &n), 0);
	assert_int_equal(q_get(q, 1, &b), 0);
	m = *q_batch_get(b, 0);
	assert_int_equal(q_replace(q, &m, "new", 3, NULL, &id), Q_ESTALE);
	assert_string_equal(q_errmsg(), "it is leased");
	m.damaged = true;
	assert_int_equal(q_replace(q, &m, "new", 3, NULL, &id), Q_ECORRUPT);
	assert_string_equal(q_errmsg(), "it is damaged");
	q_batch_free(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_push),
		TEST(test_patient),
		TEST(test_room),
		TEST(test_take),
		TEST(test_ahead),
		TEST(test_told),
		TEST(test_list),
		TEST(test_replace),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
