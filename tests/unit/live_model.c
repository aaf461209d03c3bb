/* SPDX-License-Identifier: ISC */
/* The board's model: queues that come and go, samples, orders, the selection. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/live_model.h"

static size_t dropped;

static void
count_dropped(struct live_queue *q)
{
	assert_non_null(q->name);
	dropped++;
}

/* Set the names of a list that ends with NULL; gives the word. */
static const char *
set(struct live_model *m, const char *const *names)
{
	static char word[LIVE_WORD];
	char *list[8];
	size_t n = 0;

	for (; names[n] != NULL; n++)
		list[n] = (char *)(uintptr_t)names[n]; /* they are only read */
	live_model_set(m, list, n, count_dropped, word);
	return (word);
}

#define SET(m, ...) set(m, (const char *[]){ __VA_ARGS__, NULL })

/* "a b [c]": the order, and which is selected. */
static void
looks(const struct live_model *m, const char *wanted)
{
	char text[256] = "";

	for (size_t i = 0; i < m->count; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n,
		    i == m->selected ? "%s[%s]" : "%s%s", i > 0 ? " " : "",
		    m->queue[i]->name);
	}
	assert_string_equal(text, wanted);
}

static void
sample(struct live_model *m, const char *name, const struct q_stat *st, double seconds)
{
	live_model_sample(
	    live_model_find(m, name), st, (q_time)(seconds * (double)Q_SECOND));
}

static void
queues_come_and_go_with_a_word(void **state)
{
	struct live_model m = { 0 };

	(void)state;
	dropped = 0;
	assert_string_equal(SET(&m, "b", "a"), "");
	looks(&m, "[a] b");
	assert_string_equal(SET(&m, "a", "b"), "");
	assert_string_equal(SET(&m, "a", "b", "c"), "c is new");
	assert_string_equal(SET(&m, "a"), "b and 1 more are removed");
	assert_int_equal(dropped, 2);
	assert_string_equal(SET(&m, "x", "y"), "a is removed; x and 1 more are new");
	looks(&m, "[x] y");
	assert_string_equal(
	    set(&m, (const char *[]){ NULL }), "x and 1 more are removed");
	assert_null(live_model_selected(&m));
	live_model_move(&m, 1);
	live_model_order(&m);
	assert_int_equal(dropped, 5);
	live_model_free(&m);
}

static void
a_queue_that_is_named_twice_is_one(void **state)
{
	struct live_model m = { 0 };

	(void)state;
	assert_string_equal(SET(&m, "b", "a", "b", "b"), "");
	looks(&m, "[a] b");
	assert_string_equal(SET(&m, "b", "c", "b", "c"), "a is removed; c is new");
	looks(&m, "[b] c");
	live_model_free(&m);
}

static void
a_long_name_does_not_leave_the_word(void **state)
{
	struct live_model m = { 0 };
	char name[256];

	(void)state;
	memset(name, 'x', 255);
	name[255] = '\0';
	assert_string_equal(SET(&m, "a"), "");
	assert_true(strlen(SET(&m, name)) < LIVE_WORD);
	live_model_free(&m);
}

static void
the_selection_stays_with_its_queue(void **state)
{
	struct live_model m = { 0 };

	(void)state;
	(void)SET(&m, "b", "d", "f");
	live_model_move(&m, 1);
	looks(&m, "b [d] f");
	(void)SET(&m, "a", "b", "c", "d", "f");
	looks(&m, "a b c [d] f");
	(void)SET(&m, "c", "d", "f");
	looks(&m, "c [d] f");
	(void)SET(&m, "c", "f");
	looks(&m, "c [f]");
	(void)SET(&m, "c");
	looks(&m, "[c]");
	live_model_free(&m);
}

static void
moves_end_at_both_ends(void **state)
{
	struct live_model m = { 0 };

	(void)state;
	(void)SET(&m, "a", "b", "c");
	live_model_move(&m, -1);
	looks(&m, "[a] b c");
	live_model_move(&m, 2);
	looks(&m, "a b [c]");
	live_model_move(&m, 100);
	looks(&m, "a b [c]");
	live_model_move(&m, -100);
	looks(&m, "[a] b c");
	live_model_free(&m);
}

static void
numbers_are_sorted_from_the_greatest_on(void **state)
{
	static const struct {
		enum live_sort sort;
		const char *order, *reversed;
	} orders[] = {
		{ LIVE_BY_NAME, "[a] b c", "c b [a]" },
		{ LIVE_BY_READY, "b c [a]", "[a] c b" },
		{ LIVE_BY_LEASED, "c [a] b", "b [a] c" },
		{ LIVE_BY_DEAD, "[a] b c", "c b [a]" },
		{ LIVE_BY_OLDEST, "c b [a]", "[a] b c" },
		{ LIVE_BY_IN, "b [a] c", "c [a] b" },
		{ LIVE_BY_OUT, "c b [a]", "[a] b c" },
	};
	struct q_stat a = { .count = { 0, 1, 0, 0, 5, 9 }, .rate_in = { 2 } };
	struct q_stat b = { .count = { 0, 7, 0, 0, 0, 8 },
		.oldest = 200,
		.rate_in = { 3 },
		.rate_out = { 1 } };
	struct q_stat c = {
		.count = { 0, 6, 0, 0, 6, 0 }, .oldest = 100, .rate_out = { 4 }
	};
	struct live_model m = { 0 };

	(void)state;
	(void)SET(&m, "a", "b", "c");
	sample(&m, "a", &a, 1);
	sample(&m, "b", &b, 1);
	sample(&m, "c", &c, 1);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		live_model_sort(&m, orders[i].sort, false);
		looks(&m, orders[i].order);
		live_model_sort(&m, orders[i].sort, true);
		looks(&m, orders[i].reversed);
		assert_non_null(live_model_sort_name(orders[i].sort));
	}
	live_model_sort(&m, LIVE_BY_READY, false);
	live_model_fail(live_model_find(&m, "c"), LIVE_DAMAGED, "no", 2);
	live_model_order(&m);
	looks(&m, "c b [a]"); /* what cannot be read is first */
	live_model_free(&m);
}

static void
rates_are_those_of_the_counters(void **state)
{
	struct q_stat st = { .count = { 0, 4, 0, 3 }, .pushed = 100, .done = 50 };
	struct live_model m = { 0 };
	struct live_queue *q;
	double in[4], out[4], depth[4];

	(void)state;
	(void)SET(&m, "a");
	q = live_model_find(&m, "a");
	assert_int_equal(live_ring_in(&q->ring, in, 4), 0);
	sample(&m, "a", &st, 10);
	st.pushed += 30;
	st.done += 5;
	sample(&m, "a", &st, 12);
	assert_int_equal(live_ring_in(&q->ring, in, 4), 2);
	assert_int_equal(live_ring_out(&q->ring, out, 4), 2);
	assert_int_equal(live_ring_depth(&q->ring, depth, 4), 2);
	assert_true(isnan(in[0]) && isnan(out[0]));
	assert_true(in[1] == 15 && out[1] == 2.5 && depth[1] == 7);
	sample(&m, "a", &st, 12); /* no time has passed */
	(void)live_ring_in(&q->ring, in, 1);
	assert_true(isnan(in[0]));
	live_model_free(&m);
}

static void
what_is_not_known_is_a_gap(void **state)
{
	struct q_stat st = { .pushed = 10 };
	struct live_model m = { 0 };
	struct live_queue *q;
	double in[8];

	(void)state;
	(void)SET(&m, "a");
	q = live_model_find(&m, "a");
	live_model_fail(q, LIVE_DAMAGED, "broken", 1);
	assert_int_equal(live_ring_in(&q->ring, in, 8), 0);
	assert_string_equal(q->why, "broken");
	sample(&m, "a", &st, 2);
	assert_int_equal(q->health, LIVE_WELL);
	assert_string_equal(q->why, "");
	live_model_fail(q, LIVE_BUSY, "locked", 3 * Q_SECOND);
	assert_int_equal(q->stat.pushed, 10); /* older numbers are better than none */
	st.pushed = 14;
	sample(&m, "a", &st, 4);
	assert_int_equal(live_ring_in(&q->ring, in, 8), 3);
	assert_true(isnan(in[1]) && in[2] == 2);
	live_model_fail(q, LIVE_GONE, "gone", 5 * Q_SECOND);
	assert_int_equal(q->stat.pushed, 0);
	sample(&m, "a", &st, 6);
	(void)live_ring_in(&q->ring, in, 1);
	assert_true(isnan(in[0]));
	live_model_free(&m);
}

static void
another_queue_of_the_name_starts_anew(void **state)
{
	struct q_stat st = { .pushed = 10, .uuid = { 1 } };
	struct live_model m = { 0 };
	struct live_queue *q;
	double in[4];

	(void)state;
	(void)SET(&m, "a");
	q = live_model_find(&m, "a");
	sample(&m, "a", &st, 1);
	st.uuid[0] = 2;
	st.pushed = 1000;
	sample(&m, "a", &st, 2);
	assert_int_equal(live_ring_in(&q->ring, in, 4), 1);
	assert_true(isnan(in[0]));
	st.pushed = 3; /* restored from an older copy */
	sample(&m, "a", &st, 3);
	(void)live_ring_in(&q->ring, in, 1);
	assert_true(isnan(in[0]));
	live_model_free(&m);
}

static void
a_ring_keeps_the_last_samples(void **state)
{
	struct live_model m = { 0 };
	static double depth[2 * LIVE_SAMPLES];
	struct live_queue *q;

	(void)state;
	(void)SET(&m, "a");
	q = live_model_find(&m, "a");
	for (uint64_t i = 0; i < LIVE_SAMPLES + 7; i++) {
		struct q_stat st = { .count = { [Q_READY] = i } };

		sample(&m, "a", &st, (double)i + 1);
	}
	assert_int_equal(
	    live_ring_depth(&q->ring, depth, 2 * LIVE_SAMPLES), LIVE_SAMPLES);
	assert_true(depth[0] == 7 && depth[LIVE_SAMPLES - 1] == LIVE_SAMPLES + 6);
	assert_int_equal(live_ring_depth(&q->ring, depth, 2), 2);
	assert_true(depth[1] == LIVE_SAMPLES + 6);
	assert_true(live_ring_at(&q->ring, 0)->when == (LIVE_SAMPLES + 7) * Q_SECOND);
	assert_null(live_ring_at(&q->ring, LIVE_SAMPLES));
	live_model_free(&m);
}

static void
costly_rounds_are_rarer(void **state)
{
	(void)state;
	assert_true(live_model_pace(Q_SECOND, 0) == Q_SECOND);
	assert_true(live_model_pace(Q_SECOND, Q_SECOND / 100) == Q_SECOND);
	assert_true(live_model_pace(Q_SECOND, Q_SECOND / 50) == 2 * Q_SECOND);
	assert_true(live_model_pace(Q_SECOND, Q_FOREVER) == 60 * Q_SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_come_and_go_with_a_word),
		cmocka_unit_test(a_queue_that_is_named_twice_is_one),
		cmocka_unit_test(a_long_name_does_not_leave_the_word),
		cmocka_unit_test(the_selection_stays_with_its_queue),
		cmocka_unit_test(moves_end_at_both_ends),
		cmocka_unit_test(numbers_are_sorted_from_the_greatest_on),
		cmocka_unit_test(rates_are_those_of_the_counters),
		cmocka_unit_test(what_is_not_known_is_a_gap),
		cmocka_unit_test(another_queue_of_the_name_starts_anew),
		cmocka_unit_test(a_ring_keeps_the_last_samples),
		cmocka_unit_test(costly_rounds_are_rarer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
