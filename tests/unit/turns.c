/* SPDX-License-Identifier: ISC */
/* Who posts a request has his turn as one has who waits at the gate. */
#include "posters.h"

#include <signal.h>
#include <sys/prctl.h>

#include "txn.h"

enum { READERS = 4, HOLD = 3000 }; /* microseconds */

/* It has the lock most of the time, as others do meanwhile. */
static pid_t
reader(void)
{
	struct q *q;
	struct txn t;
	pid_t pid = fork();

	if (pid != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
	if (q_open(path, NULL, &q) != 0)
		_exit(1);
	for (;;)
		if (txn_begin(q, &t) == 0) {
			(void)usleep(HOLD);
			txn_abort(&t);
		}
}

/* So often in a row somebody had it. */
static void
await_readers(struct q *q)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	for (int n = 0; n < 20 && clock_monotonic() < until; n++) {
		if (flock(q->dir.data, LOCK_EX | LOCK_NB) == 0) {
			unlock(q);
			n = 0;
		}
		(void)usleep(500);
	}
}

static void
readers_that_overlap_keep_no_request_waiting(void **state)
{
	const struct q_push message = { .body = "0", .size = 1 };
	struct q *q = open_queue();
	pid_t pids[READERS];
	size_t stored;

	(void)state;
	push_some(q, 1);
	assert_non_null(ctl_need(q));
	q_lock_wait(q, 20 * Q_SECOND);
	for (int i = 0; i < READERS; i++)
		pids[i] = reader();
	for (int i = 0; i < 5; i++) {
		await_readers(q);
		assert_int_equal(q_push(q, &message, 1, 0, &stored, NULL), 0);
	}
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	}
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(readers_that_overlap_keep_no_request_waiting),
	};

	return (cmocka_run_group_tests_name("turns", tests, make_shared, remove_dir));
}
