/* SPDX-License-Identifier: ISC */
/*
 * Who gave his request to another and hears no more of it is told the truth: that
 * nothing was done only if nothing was, and never will be.
 */
#include "posters.h"

#include "serve.h"

#define BRIEFLY (Q_SECOND / 5)

static uint64_t
pushed(struct q *q)
{
	struct q_stat stat;

	assert_int_equal(q_stat(q, &stat), 0);
	return (stat.pushed);
}

/* A holder of the lock has what waits in hand. */
static void
serve(struct q *q, struct txn *t)
{
	assert_int_equal(txn_begin_write(q, t), 0);
	await_posted(q, 1);
	serve_collect(q);
	assert_int_equal(serve_apply(q, t), 0);
}

static void
commit(struct q *q, struct txn *t)
{
	assert_int_equal(txn_commit(t, true), 0);
	serve_answer(q, 0);
	txn_end(t);
}

static void
assert_unknown(void)
{
	assert_int_equal(said->code, Q_EBUSY);
	assert_true(said->doubt);
	assert_non_null(strstr(said->text, "not known"));
}

/* By who has asked, before the holder goes on. */
static void
give_up_while_served(bool without_ctl)
{
	struct q *q = open_queue();
	struct txn t;
	pid_t pid;

	assert_non_null(ctl_need(q));
	lock(q);
	pid = poster(0, 100, BRIEFLY);
	serve(q, &t);
	if (without_ctl)
		assert_int_equal(unlinkat(q->dir.fd, "ctl", 0), 0);
	end_posters(&pid, 1);
	assert_unknown();
	commit(q, &t);
	unlock(q);
	assert_int_equal(pushed(q), 1);
	q_close(q);
}

static void
a_holder_does_not_go_on(void **state)
{
	(void)state;
	give_up_while_served(false);
}

static void
ctl_is_lost_while_a_request_is_served(void **state)
{
	(void)state;
	give_up_while_served(true);
}

/* Nobody knows then whether it is stored: the handle of who asked is of no use, too. */
static void
a_commit_that_failed_failed_for_all_in_it(void **state)
{
	struct q *q = open_queue();
	struct txn t;
	pid_t pid;

	(void)state;
	assert_non_null(ctl_need(q));
	lock(q);
	pid = poster(0, 100, 0);
	serve(q, &t);
	txn_abort(&t);
	(void)q_receipt_parse("", &(struct q_receipt){ 0 }); /* fails with a sentence */
	serve_answer(q, Q_ESYS);
	txn_end(&t);
	end_posters(&pid, 1); /* the lock is another's meanwhile */
	unlock(q);
	assert_int_equal(said->code, Q_ESYS);
	assert_true(said->doubt);
	assert_string_equal(said->text, "not a receipt (like 42.1.k3jx9)");
	assert_int_equal(pushed(q), 0);
	q_close(q);
}

static void
what_is_given_up_while_ctl_is_of_no_use_is_not_served_later(void **state)
{
	const struct q_push message = { .body = "1", .size = 1 };
	struct q *q = open_queue();
	size_t stored;
	pid_t pid;

	(void)state;
	assert_non_null(ctl_need(q));
	lock(q);
	pid = poster(0, 100, BRIEFLY);
	await_posted(q, 1);
	assert_int_equal(linkat(q->dir.fd, "ctl", q->dir.fd, "link", 0), 0);
	end_posters(&pid, 1);
	assert_int_equal(said->code, Q_EBUSY);
	assert_false(said->doubt);
	assert_non_null(strstr(said->text, "nothing done"));
	assert_int_equal(unlinkat(q->dir.fd, "link", 0), 0);
	unlock(q);
	assert_int_equal(q_push(q, &message, 1, 0, &stored, NULL), 0);
	assert_int_equal(pushed(q), 1);
	q_close(q);
}

/* A process with two messages: it settles the first and takes the second at once, when
 * it has been told to. */
static pid_t
exchanger(void)
{
	const struct q_open open = { .lock_wait = BRIEFLY };
	const struct q_take args = { .n = 1 };
	struct q_finish finish = { .how = { .verb = Q_ACK } };
	struct q_batch *b;
	struct q *q;
	pid_t pid;

	memset(said, 0, sizeof(*said));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	if (q_open(path, &open, &q) != 0 || q_take(q, &args, &b) != 0)
		_exit(1);
	finish.msg = q_batch_get(b, 0);
	finish.result.code = 1; /* not written yet */
	said->id = finish.msg->id;
	while (said->id != 0)
		(void)usleep(500);
	said->code = q_exchange(q, &finish, 1, &args, &b);
	(void)snprintf(said->text, sizeof(said->text), "%s", q_errmsg());
	said->id = finish.result.code == 0;
	said->done = 1;
	_exit(0);
}

static void
what_was_settled_with_a_take_that_cannot_be_read_is_said_to_be(void **state)
{
	struct q *q = open_queue();
	struct q_stat stat;
	struct txn t;
	pid_t pid;

	(void)state;
	push_some(q, 2);
	assert_non_null(ctl_need(q));
	pid = exchanger();
	while (said->id == 0)
		(void)usleep(500);
	lock(q);
	said->id = 0;
	serve(q, &t);
	commit(q, &t);
	end_posters(&pid, 1); /* the lock is another's meanwhile */
	unlock(q);
	assert_int_equal(said->code, Q_EBUSY);
	assert_null(strstr(said->text, "nothing done"));
	assert_true(said->id);
	assert_int_equal(q_stat(q, &stat), 0);
	assert_int_equal(stat.done, 1);
	q_close(q);
}

static void
replace_data(struct q *q)
{
	char command[4 * sizeof(path) + 64];

	lock(q);
	(void)snprintf(command, sizeof(command),
	    "cp -p %s/data.mdb %s/new && mv %s/new %s/data.mdb", path, path, path,
	    path);
	assert_int_equal(system(command), 0);
	unlock(q);
}

/* The lock of the old one is free, while the holder of the new one has the request. */
static void
data_is_replaced_while_a_request_is_served(void **state)
{
	struct q *old = open_queue(), *q;
	struct txn t;
	pid_t pid;

	(void)state;
	assert_non_null(ctl_need(old));
	assert_int_equal(flock(old->dir.fd, LOCK_EX), 0);
	pid = poster(0, 100, 0);
	await_posted(old, 1);
	replace_data(old);
	q = open_queue();
	assert_non_null(ctl_need(q));
	lock(q);
	serve(q, &t);
	assert_int_equal(flock(old->dir.fd, LOCK_UN), 0); /* it tries the lock */
	end_posters(&pid, 1);
	assert_unknown();
	commit(q, &t);
	unlock(q);
	assert_int_equal(pushed(q), 1);
	q_close(q);
	q_close(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_holder_does_not_go_on),
		TEST(a_commit_that_failed_failed_for_all_in_it),
		TEST(ctl_is_lost_while_a_request_is_served),
		TEST(what_is_given_up_while_ctl_is_of_no_use_is_not_served_later),
		TEST(what_was_settled_with_a_take_that_cannot_be_read_is_said_to_be),
		TEST(data_is_replaced_while_a_request_is_served),
	};

	return (cmocka_run_group_tests_name("told", tests, make_shared, remove_dir));
}
