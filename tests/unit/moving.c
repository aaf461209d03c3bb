/* SPDX-License-Identifier: ISC */
/*
 * A move that was cut off after its messages were marked: they are delivered nowhere,
 * belong to the queue they are on their way to, and arrive when it is done again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "manage.h"
#include "queue.h"

#include "scratch.h"

enum { MESSAGES = 3 };

static struct q *from, *to;

static struct q_stat
stat_of(struct q *q)
{
	struct q_stat st;

	assert_int_equal(q_stat(q, &st), 0);
	return (st);
}

/* The first step of a move there, and no more. */
static void
cut_off(const uint8_t uuid[16])
{
	const struct q_manage how = { .act = (enum q_act)ACT_MARK };
	struct manage m = { .how = &how, .to_name = "elsewhere" };
	struct manage_part part;

	memcpy(m.to, uuid, 16);
	assert_int_equal(batch_new(&m.out), 0);
	assert_int_equal(manage_part(from, &m, &part), 0);
	assert_int_equal(part.sum.count, MESSAGES);
	q_batch_free(m.out);
}

/* Two queues: one has a message that is ready, one that is delayed, and one of a group.
 */
static int
begin(void **state)
{
	struct q_push p[MESSAGES] = { { .body = "x" }, { .body = "y" },
		{ .body = "z" } };
	size_t stored;

	(void)make_path(state);
	from = open_queue();
	(void)make_path(state);
	to = open_queue();
	p[1].delay = 3600 * Q_SECOND;
	p[2].group = "g";
	for (int i = 0; i < MESSAGES; i++)
		p[i].size = 1;
	return (q_push(from, p, MESSAGES, 0, &stored, NULL));
}

static int
finish(void **state)
{
	(void)state;
	q_close(from);
	q_close(to);
	return (0);
}

static uint64_t
moved(int wanted)
{
	struct q_managed managed;

	assert_int_equal(
	    q_transfer(from, to, &(struct q_transfer){ .most = 0 }, &managed), wanted);
	return (managed.count);
}

static void
what_is_on_its_way_is_left_alone(void **state)
{
	const struct q_take take = { .lease = Q_SECOND };
	const struct q_manage redrive = { .act = Q_ACT_REDRIVE };
	struct q_managed managed;
	struct q_batch *b, *old;
	uint64_t id;

	(void)state;
	assert_int_equal(q_get(from, 1, &old), 0);
	cut_off(stat_of(to).uuid);
	assert_int_equal(q_take(from, &take, &b), Q_EMPTY);
	assert_int_equal(
	    q_replace(from, q_batch_get(old, 0), "new", 3, NULL, &id), Q_ESTALE);
	q_batch_free(old);
	assert_int_equal(q_manage(from, &redrive, &managed), 0);
	assert_int_equal(managed.count, 0);
	assert_int_equal(stat_of(from).count[Q_DEAD], MESSAGES);
	assert_int_equal(stat_of(to).pushed, 0);
}

static void
the_same_again_takes_over_the_rest(void **state)
{
	(void)state;
	cut_off(stat_of(to).uuid);
	assert_int_equal(moved(0), MESSAGES);
	assert_int_equal(moved(0), 0);
	assert_int_equal(stat_of(from).purged, MESSAGES);
	assert_int_equal(stat_of(to).pushed, MESSAGES);
}

/* The uuids of two queues may begin alike. */
static void
another_queue_does_not_get_them(void **state)
{
	struct q_stat st = stat_of(to);

	(void)state;
	for (size_t i = 0; i < sizeof(st.uuid); i += 15) {
		uint8_t uuid[16];

		memcpy(uuid, st.uuid, 16);
		uuid[i] ^= 1;
		cut_off(uuid);
		assert_int_equal(moved(0), 0);
		assert_int_equal(stat_of(from).count[Q_DEAD], MESSAGES);
		assert_int_equal(stat_of(to).pushed, 0);
		assert_int_equal(finish(state), 0);
		assert_int_equal(begin(state), 0);
		st = stat_of(to);
	}
}

/* Where there is no room yet, they are on their way still: some may be there. */
static void
what_finds_no_room_stays_on_its_way(void **state)
{
	struct q_batch *b;

	(void)state;
	cut_off(stat_of(to).uuid);
	assert_int_equal(q_option_set(to, Q_OPT_MAX_MESSAGES, 1), 0);
	assert_int_equal(moved(Q_EFULL), 1);
	assert_int_equal(stat_of(from).count[Q_DEAD], MESSAGES - 1);
	assert_int_equal(q_get(from, MESSAGES, &b), 0);
	assert_true(q_batch_get(b, 0)->moving);
	q_batch_free(b);
	assert_int_equal(q_option_set(to, Q_OPT_MAX_MESSAGES, 0), 0);
	assert_int_equal(moved(0), MESSAGES - 1);
	assert_int_equal(stat_of(from).count[Q_DEAD], 0);
	assert_int_equal(stat_of(to).pushed, MESSAGES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_on_its_way_is_left_alone),
		TEST(the_same_again_takes_over_the_rest),
		TEST(another_queue_does_not_get_them),
		TEST(what_finds_no_room_stays_on_its_way),
	};

	return (cmocka_run_group_tests_name("moving", tests, make_dir, remove_dir));
}
