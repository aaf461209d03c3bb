/* SPDX-License-Identifier: ISC */
/* The first messages of each state, whatever there is besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../libq/q.h"
#include "scratch.h"

static struct q *
open_as(unsigned flags)
{
	struct q_open args = { .flags = flags };
	struct q *q = NULL;

	assert_int_equal(q_open(path, &args, &q), 0);
	return (q);
}

static void
push(struct q *q, const char *body, int priority, q_time delay)
{
	struct q_push p = {
		.body = body, .size = strlen(body), .priority = priority, .delay = delay
	};
	size_t stored;

	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
}

/* What a look gives, as "ID STATE BODY;" each. */
static void
shows(struct q *q, enum q_state state, size_t n, const char *wanted)
{
	char text[512] = "";
	struct q_batch *b = NULL;
	int rc = q_peek(q, state, n, 3, &b);

	if (*wanted == '\0') {
		assert_int_equal(rc, Q_EMPTY);
		return;
	}
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < q_batch_count(b); i++) {
		const struct q_msg *m = q_batch_get(b, i);
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%d %s %.*s;", (int)m->id,
		    q_state_name(m->state), (int)m->body_size, (const char *)m->body);
	}
	q_batch_free(b);
	assert_string_equal(text, wanted);
}

static void
take(struct q *q, size_t n, q_time lease, struct q_batch **b)
{
	struct q_take how = { .n = n, .lease = lease };

	assert_int_equal(q_take(q, &how, b), 0);
}

static void
each_state_has_its_order(void **state)
{
	const struct q_settle kill = { .verb = Q_KILL, .reason = "no" };
	struct q_batch *held = NULL, *timed = NULL, *dead = NULL;
	struct q *q = open_as(Q_CREATE);

	(void)state;
	for (enum q_state s = Q_READY; s < Q_STATES; s++)
		if (s != Q_BLOCKED)
			shows(q, s, 5, "");
	for (int i = 0; i < 6; i++)
		push(q, "plain", 0, 0);
	take(q, 1, 0, &held);                /* 1 */
	take(q, 1, 3600 * Q_SECOND, &timed); /* 2 */
	take(q, 2, 0, &dead);                /* 3, 4 */
	assert_int_equal(q_batch_settle(q, &kill, dead, 0, 2), 0);
	push(q, "low", -5, 0);                /* 7 */
	push(q, "high", 5, 0);                /* 8 */
	push(q, "later", 0, 7200 * Q_SECOND); /* 9 */
	push(q, "late", 0, 3600 * Q_SECOND);  /* 10 */
	shows(q, Q_READY, 10, "8 ready hig;5 ready pla;7 ready low;");
	shows(q, Q_READY, 2, "8 ready hig;5 ready pla;");
	shows(q, Q_DELAYED, 10, "10 delayed lat;9 delayed lat;");
	shows(q, Q_LEASED, 10, "2 leased pla;1 leased pla;");
	shows(q, Q_DEAD, 10, "4 dead pla;3 dead pla;");
	shows(q, Q_DEAD, 1, "4 dead pla;");
	shows(q, Q_DEAD, 0, "4 dead pla;");
	q_batch_free(held);
	q_batch_free(timed);
	q_batch_free(dead);
	q_close(q);
}

static void
who_may_only_look_may_peek(void **state)
{
	struct q *q = open_as(Q_RDONLY);
	struct q_batch *b = NULL;

	(void)state;
	shows(q, Q_DEAD, 5, "4 dead pla;3 dead pla;");
	/* The lease that was held went with its handle, and nobody has noted it. */
	shows(q, Q_LEASED, 5, "2 leased pla;");
	assert_int_equal(q_peek(q, Q_BLOCKED, 1, 0, &b), Q_EINVAL);
	assert_int_equal(q_peek(q, (enum q_state)0, 1, 0, &b), Q_EINVAL);
	assert_null(b);
	q_close(q);
}

static void
a_look_is_limited(void **state)
{
	struct q_push p[1200];
	struct q *q = open_as(0);
	struct q_batch *b = NULL;
	size_t stored;

	(void)state;
	for (size_t i = 0; i < 1200; i++)
		p[i] =
		    (struct q_push){ .body = "x", .size = 1, .delay = Q_SECOND * 99 };
	assert_int_equal(q_push(q, p, 1200, 0, &stored, NULL), 0);
	assert_int_equal(q_peek(q, Q_DELAYED, SIZE_MAX, 0, &b), 0);
	assert_int_equal(q_batch_count(b), Q_MAX_PEEK);
	assert_null(q_batch_get(b, 0)->body);
	q_batch_free(b);
	q_close(q);
}

/* A header is found by its name, or by all of it: what is behind the first "=" is its
 * value. */
static void
headers_are_found(void **state)
{
	static const struct {
		const char *wanted;
		size_t n;
	} cases[] = {
		{ "peek", 1 },
		{ "peek=b=c", 1 },
		{ "peek=b", 0 },
		{ "pee", 0 },
		{ "none=", 1 },
		{ "none", 1 },
	};
	struct q_push p = { .headers = "peek=b=c\0none=", .headers_size = 15 };
	struct q *q = open_as(0);
	struct q_batch *b;
	size_t stored;

	(void)state;
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct q_list list = { .header = cases[i].wanted };

		print_message("# %s\n", cases[i].wanted);
		assert_int_equal(q_list(q, &list, &b), cases[i].n == 0 ? Q_EMPTY : 0);
		if (cases[i].n == 0)
			continue;
		assert_int_equal(q_batch_count(b), cases[i].n);
		q_batch_free(b);
	}
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_has_its_order),
		cmocka_unit_test(who_may_only_look_may_peek),
		cmocka_unit_test(a_look_is_limited),
		cmocka_unit_test(headers_are_found),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_dir));
}
