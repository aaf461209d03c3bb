/* SPDX-License-Identifier: ISC */
/*
 * Held leases that another process makes: nobody else has them before their holder has
 * locked, who looks then whether they are his.
 */
#include "posters.h"

#include <signal.h>
#include <sys/prctl.h>

#include "due.h"
#include "life.h"
#include "serve.h"

static int gate[2]; /* takers hold what they have until it is closed */

/* A process that takes one message, to hold it. Says its id and delivery. */
static pid_t
taker(int number)
{
	const struct q_take args = { .n = 1 };
	struct q_batch *b = NULL;
	struct q *q;
	pid_t pid;
	char c;

	memset(&said[number], 0, sizeof(said[number]));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
	(void)close(gate[1]);
	if (q_open(path, NULL, &q) != 0)
		_exit(1);
	if ((said[number].code = q_take(q, &args, &b)) == 0) {
		said[number].id = q_batch_get(b, 0)->id;
		(void)snprintf(said[number].text, sizeof(said->text), "%.*s %u",
		    (int)q_batch_get(b, 0)->body_size,
		    (const char *)q_batch_get(b, 0)->body, q_batch_get(b, 0)->delivery);
	}
	said[number].done = 1;
	(void)read(gate[0], &c, 1);
	_exit(0);
}

static void
let_go(const pid_t *pids, int n)
{
	(void)close(gate[1]);
	end_posters(pids, n);
	(void)close(gate[0]);
}

static void
await_done(int n)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	for (int i = 0; i < n; i++)
		while (!said[i].done && clock_monotonic() < until)
			(void)usleep(500);
}

static struct q *
queue_of(int n)
{
	struct q_push messages[POSTERS] = { 0 };
	struct q *q = open_queue();
	size_t stored;

	for (int i = 0; i < n; i++) {
		messages[i].body = &"abcdefgh"[i];
		messages[i].size = 1;
	}
	assert_int_equal(q_push(q, messages, (size_t)n, 0, &stored, NULL), 0);
	assert_non_null(ctl_need(q));
	assert_int_equal(pipe(gate), 0);
	return (q);
}

static int
take(struct q *q, struct q_batch **b)
{
	const struct q_take args = { .n = POSTERS };

	return (q_take(q, &args, b));
}

/* As if it were so much later. */
static void
look_for_the_dead(struct q *q, q_time later)
{
	struct txn t;

	lock(q);
	assert_int_equal(txn_begin_write(q, &t), 0);
	t.now.boot += later;
	assert_int_equal(due_holders(&t, 16), 0);
	assert_int_equal(txn_commit(&t, true), 0);
	unlock(q);
	txn_end(&t);
}

static void
held_takes_share_a_transaction(void **state)
{
	struct q *q = queue_of(POSTERS - 1);
	MDB_envinfo before, after;
	pid_t pids[POSTERS];
	unsigned empty = 0;
	struct q_batch *b;

	(void)state;
	lock(q);
	(void)mdb_env_info(q->store.env, &before);
	for (int i = 0; i < POSTERS; i++)
		pids[i] = taker(i);
	await_posted(q, POSTERS);
	unlock(q);
	await_done(POSTERS);
	(void)mdb_env_info(q->store.env, &after);
	assert_int_equal(after.me_last_txnid - before.me_last_txnid, 1);
	for (int i = 0; i < POSTERS; i++) {
		empty += said[i].code == Q_EMPTY;
		for (int j = 0; j < i; j++)
			assert_true(said[i].code != 0 || said[i].id != said[j].id);
		if (said[i].code == 0) {
			assert_int_equal(said[i].text[0], "abcdefgh"[said[i].id - 1]);
			assert_string_equal(said[i].text + 1, " 1");
		}
	}
	assert_int_equal(empty, 1);
	look_for_the_dead(q, 31 * Q_SECOND);
	assert_int_equal(take(q, &b), Q_EMPTY);
	let_go(pids, POSTERS);
	assert_int_equal(take(q, &b), 0);
	assert_int_equal(q_batch_count(b), POSTERS - 1);
	for (size_t i = 0; i < POSTERS - 1; i++)
		assert_int_equal(q_batch_get(b, i)->delivery, 2);
	q_batch_free(b);
	q_close(q);
}

/* A taker whose request is applied while it is stopped, so that it does not lock. */
static pid_t
served_while_stopped(struct q *q)
{
	struct txn t;
	pid_t pid;
	int status;

	lock(q);
	assert_int_equal(txn_begin_write(q, &t), 0);
	pid = taker(0);
	await_posted(q, 1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	serve_collect(q);
	assert_int_equal(serve_apply(q, &t), 0);
	assert_int_equal(txn_commit(&t, true), 0);
	serve_answer(q, 0);
	unlock(q);
	serve_wake(q);
	txn_end(&t);
	return (pid);
}

static void
one_who_dies_before_he_locks_has_lost_it_at_once(void **state)
{
	struct q *q = queue_of(1);
	struct q_batch *b;
	pid_t pid;
	int status;

	(void)state;
	pid = served_while_stopped(q);
	assert_int_equal(take(q, &b), Q_EMPTY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(take(q, &b), 0);
	assert_int_equal(q_batch_get(b, 0)->delivery, 2);
	assert_int_equal(q_batch_get(b, 0)->attempt, 2);
	q_batch_free(b);
	let_go(NULL, 0);
	q_close(q);
}

static void
one_who_locks_too_late_is_told_so_and_lets_go(void **state)
{
	struct q *q = queue_of(1), *other;
	struct q_batch *b;
	pid_t pid;

	(void)state;
	pid = served_while_stopped(q);
	look_for_the_dead(q, 20 * Q_SECOND);
	assert_int_equal(take(q, &b), Q_EMPTY);
	look_for_the_dead(q, 31 * Q_SECOND);
	assert_int_equal(q_open(path, NULL, &other), 0);
	assert_int_equal(take(other, &b), 0);
	assert_int_equal(q_batch_get(b, 0)->delivery, 2);
	q_batch_free(b);
	assert_int_equal(kill(pid, SIGCONT), 0);
	await_done(1);
	assert_int_equal(said[0].code, Q_EBUSY);
	assert_int_equal(take(q, &b), Q_EMPTY);
	q_close(other); /* else it would be locked by the one who was late */
	assert_int_equal(take(q, &b), 0);
	assert_int_equal(q_batch_get(b, 0)->delivery, 3);
	q_batch_free(b);
	let_go(&pid, 1);
	q_close(q);
}

static void
without_the_file_nothing_is_held(void **state)
{
	struct q *q = queue_of(1);
	struct q_batch *b;
	pid_t pid;

	(void)state;
	pid = served_while_stopped(q);
	assert_int_equal(unlinkat(q->dir.fd, "hold", 0), 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	await_done(1);
	assert_int_equal(said[0].code, Q_EBUSY);
	assert_int_equal(take(q, &b), Q_EMPTY);
	let_go(&pid, 1);
	look_for_the_dead(
	    q, 61 * Q_SECOND); /* whoever may hold it has locked the new one */
	assert_int_equal(take(q, &b), 0);
	q_batch_free(b);
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(held_takes_share_a_transaction),
		TEST(one_who_dies_before_he_locks_has_lost_it_at_once),
		TEST(one_who_locks_too_late_is_told_so_and_lets_go),
		TEST(without_the_file_nothing_is_held),
	};

	return (cmocka_run_group_tests_name("handed", tests, make_shared, remove_dir));
}
