/* SPDX-License-Identifier: ISC */
/*
 * The end of the data file: LMDB numbers pages there that it does not write, as they
 * are free again. Only where one that is in use is missing the file was cut.
 */
#include "posters.h"

#include "structure.h"

enum { MANY = 4000 };

static void
push_many(struct q *q)
{
	struct q_push push[MANY] = { 0 };
	size_t stored;

	for (int i = 0; i < MANY; i++) {
		push[i].body = "some twenty-six bytes here";
		push[i].size = 26;
		push[i].priority = i * 37 % 100;
	}
	assert_int_equal(q_push(q, push, MANY, 0, &stored, NULL), 0);
}

/* Bytes up to the last page in use; and in *end, up to the last that has a number. */
static off_t
in_use(struct q *q, off_t *end)
{
	struct structure s;
	struct check *check;
	uint64_t last;

	assert_int_equal(check_new(&check), 0);
	assert_int_equal(structure_walk(q->dir.data, check, &s), 0);
	assert_int_equal(check->public.found, 0);
	*end = (off_t)(s.walk.pages * s.walk.page);
	for (last = s.walk.pages - 1; s.walk.seen[last] == WALK_FREE; last--)
		;
	last = (last + 1) * s.walk.page;
	structure_close(&s);
	q_check_free(&check->public);
	return ((off_t)last);
}

static void
assert_sound(struct q *q)
{
	struct q_check *check;

	assert_int_equal(q_check(q, &check), 0);
	assert_int_equal(check->found, 0);
	q_check_free(check);
}

static void
take_all(struct q *q, enum q_verb verb)
{
	const struct q_settle how = { .verb = verb };
	const struct q_take take = { .n = MANY };
	struct q_batch *b;
	struct stat st;

	assert_int_equal(q_take(q, &take, &b), 0);
	assert_int_equal(q_batch_count(b), MANY);
	assert_int_equal(q_batch_settle(q, &how, b, 0, MANY), 0);
	q_batch_free(b);
	assert_int_equal(fstat(q->dir.data, &st), 0);
	assert_true((uint64_t)st.st_size >= store_end(&q->store));
}

/* One transaction empties whole trees, whose pages it had copied to the end. */
static void
many_that_end_at_once_leave_a_file_of_full_length(void **state)
{
	struct q *q = open_queue();
	struct q_stat stat;

	(void)state;
	set(q, Q_OPT_BACKOFF, 0);
	push_many(q);
	take_all(q, Q_FAIL);
	take_all(q, Q_ACK);
	assert_int_equal(q_stat(q, &stat), 0);
	assert_sound(q);
	q_close(q);
}

static void
an_end_that_is_free_may_be_missing(void **state)
{
	const struct q_manage purge = { .act = Q_ACT_PURGE };
	struct q *q = open_queue();
	struct q_push push = { .body = "y", .size = 1 };
	struct q_managed managed;
	struct q_stat stat;
	off_t used, end;
	size_t stored;
	struct stat st;

	(void)state;
	push_many(q);
	assert_int_equal(q_manage(q, &purge, &managed), 0);
	used = in_use(q, &end);
	assert_true(used < end);
	assert_int_equal(ftruncate(q->dir.data, used), 0);
	assert_sound(q);
	assert_int_equal(q_stat(q, &stat), 0); /* a reader does not mend it */
	assert_int_equal(fstat(q->dir.data, &st), 0);
	assert_int_equal(st.st_size, used);
	q_close(q);
	q = open_queue();
	assert_int_equal(q_push(q, &push, 1, 0, &stored, NULL), 0);
	assert_int_equal(fstat(q->dir.data, &st), 0);
	assert_true((uint64_t)st.st_size >= store_end(&q->store));
	assert_sound(q);
	q_close(q);
}

static void
a_page_in_use_may_not(void **state)
{
	struct q *q = open_queue();
	struct q_push push = { .body = "y", .size = 1 };
	struct q_check *check;
	struct q_stat stat;
	off_t used, end;
	size_t stored;

	(void)state;
	push_many(q);
	used = in_use(q, &end);
	assert_int_equal(ftruncate(q->dir.data, used - 1), 0);
	assert_int_equal(q_stat(q, &stat), Q_ECORRUPT);
	assert_int_equal(q_push(q, &push, 1, 0, &stored, NULL), Q_ECORRUPT);
	assert_int_equal(q_check(q, &check), 0);
	assert_true(check->found > 0);
	q_check_free(check);
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_that_end_at_once_leave_a_file_of_full_length),
		TEST(an_end_that_is_free_may_be_missing),
		TEST(a_page_in_use_may_not),
	};

	return (cmocka_run_group_tests(tests, make_shared, remove_dir));
}
