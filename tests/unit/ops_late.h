/* SPDX-License-Identifier: ISC */
#ifndef OPS_LATE_H
#define OPS_LATE_H

/* What is settled late, again, or many at once; and what other processes have: each 0
 * or a code. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "rich.h"

static int
settle_by(struct q *q, enum q_verb verb, const struct q_receipt *r)
{
	const struct q_settle how = { .verb = verb, .lease = 60 * Q_SECOND };
	struct q_settled result;

	return (q_settle(q, &how, r, 1, &result));
}

/* The lease was over at once, and with it the last attempt: it is dead, lives again,
 * ends, and has ended. */
static int
op_late(struct q *q)
{
	struct q_push p = message("late");
	struct q_take take = { .lease = 1 };
	struct q_receipt r;
	struct q_batch *b;
	size_t stored;
	int rc;

	p.priority = 99;
	p.max_attempts = 1;
	p.result = true;
	p.group = "late";
	if ((rc = q_push(q, &p, 1, 0, &stored, NULL)) != 0 ||
	    (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	r = q_batch_get(b, 0)->receipt;
	q_batch_free(b);
	if ((rc = q_option_set(q, Q_OPT_RATE, 0)) != 0 ||
	    (rc = settle_by(q, Q_EXTEND, &r)) != 0 ||
	    (rc = settle_by(q, Q_ACK, &r)) != 0)
		return (rc);
	return (settle_by(q, Q_ACK, &r));
}

/* It failed after its time, and may be tried again since: one that would expire. */
static int
op_late_failure(struct q *q)
{
	struct q_push p = message("late");
	const struct q_take take = { .lease = 1 };
	struct q_receipt r;
	struct q_batch *b;
	size_t stored;
	int rc;

	p.priority = 99;
	p.ttl = 30 * 24 * 3600 * Q_SECOND;
	if ((rc = q_option_set(q, Q_OPT_MAX_ATTEMPTS, 1)) != 0 ||
	    (rc = q_push(q, &p, 1, 0, &stored, NULL)) != 0 ||
	    (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	r = q_batch_get(b, 0)->receipt;
	q_batch_free(b);
	if ((rc = q_option_set(q, Q_OPT_MAX_ATTEMPTS, 3)) != 0)
		return (rc);
	return (settle_by(q, Q_FAIL, &r));
}

/* Of a lease that somebody was given long ago. */
static int
op_leased(struct q *q)
{
	int rc = settle_by(q, Q_EXTEND, &of_leased);

	if (rc != 0 || (rc = settle_by(q, Q_FAIL, &of_leased)) != 0)
		return (rc);
	return (settle_by(q, Q_ACK, &of_leased));
}

/* Messages that share a record, acknowledged together: some, and the others. */
static int
op_together(struct q *q)
{
	const struct q_settle ack = { .verb = Q_ACK };
	const struct q_take take = { .n = 6 };
	struct q_push p[6];
	struct q_batch *b;
	size_t stored, n;
	int rc;

	for (int i = 0; i < 6; i++) {
		p[i] = message("together");
		p[i].priority = 99;
	}
	if ((rc = q_push(q, p, 6, 0, &stored, NULL)) != 0 ||
	    (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	n = q_batch_count(b);
	if (n > 2 && (rc = q_batch_settle(q, &ack, b, 0, 2)) == 0)
		rc = q_batch_settle(q, &ack, b, 2, n - 2);
	q_batch_free(b);
	return (rc);
}

/* It has messages in each way there is until the other end of the pipe is closed. */
static void
be_holder(int ready, int stay)
{
	const struct q_take ways[] = { { .n = 3, .ahead = 1 },
		{ .lease = 60 * Q_SECOND },
		{ .lease = 60 * Q_SECOND, .owner = getpid() } };
	struct q_batch *b;
	struct q *q;
	char c;
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (q_open(copy, NULL, &q) == 0)
		for (int i = 0; i < 3; i++)
			if (q_take(q, &ways[i], &b) == 0 && i == 0)
				(void)q_hold(q, &q_batch_get(b, 0)->id, 1, &fd);
	(void)write(ready, "", 1);
	(void)close(ready);
	(void)read(stay, &c, 1);
	_exit(0);
}

static int
op_others(struct q *q)
{
	int ready[2], stay[2];
	struct q_holder *list = NULL;
	size_t n;
	char c;
	pid_t pid;
	int rc;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(stay, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		(void)close(stay[1]);
		be_holder(ready[1], stay[0]);
	}
	assert_true(pid > 0);
	(void)close(ready[1]);
	(void)close(stay[0]);
	(void)read(ready[0], &c, 1);
	rc = q_holders(q, &list, &n);
	free(list); /* also of a queue that is busy */
	(void)close(ready[0]);
	(void)close(stay[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return (rc);
}

/* Its large bodies are gone: no check says that it is sound. */
static int
op_check_files(struct q *q)
{
	const char *const names[] = { "blob/5", output_file };
	struct q_check *check;
	char from[2][96], to[96];
	int rc;

	for (int i = 0; i < 2; i++) {
		(void)snprintf(from[i], sizeof(from[i]), "%s/%s", copy, names[i]);
		(void)snprintf(to, sizeof(to), "%s/%d", copy, i);
		(void)rename(from[i], to);
	}
	if ((rc = q_check(q, &check)) == 0) {
		assert_true(check->found > 0);
		q_check_free(check);
	}
	for (int i = 0; i < 2; i++) {
		(void)snprintf(to, sizeof(to), "%s/%d", copy, i);
		(void)rename(to, from[i]);
	}
	return (rc);
}

/* Where queues are that have a name alone, and those that have a path. */
static int
op_path(struct q *q)
{
	static const char *const names[] = { "jobs", "./jobs" };
	char *path;
	int rc = 0;

	(void)q;
	for (int i = 0; i < 4 && rc == 0; i++) {
		(void)(i < 2 ? unsetenv("Q_ROOT") : setenv("Q_ROOT", "/q", 1));
		if ((rc = q_path(names[i % 2], &path)) != 0)
			break;
		assert_non_null(strstr(path, "jobs"));
		free(path);
		if ((rc = q_root(&path)) == 0)
			free(path);
	}
	return (rc);
}

#endif
