/* SPDX-License-Identifier: ISC */
/*
 * Requests of many processes in one transaction: each with the result it would have had
 * alone, though the memory they share be lost.
 */
#include "posters.h"

#include "life.h"
#include "serve.h"

/* ---- what is served ---- */

static void
requests_that_wait_share_a_transaction(void **state)
{
	struct q *q = open_queue();
	pid_t pids[POSTERS];
	MDB_envinfo before, after;
	struct q_stat stat;

	(void)state;
	assert_int_equal(q_stat(q, &stat), 0);
	lock(q);
	(void)mdb_env_info(q->store.env, &before);
	start_posters(q, pids, POSTERS, 0);
	unlock(q);
	end_posters(pids, POSTERS);
	(void)mdb_env_info(q->store.env, &after);
	assert_int_equal(after.me_last_txnid - before.me_last_txnid, 1);
	assert_once(q, POSTERS);
	q_close(q);
}

static void
a_limit_is_met_by_those_it_meets(void **state)
{
	struct q *q = open_queue();
	pid_t pids[POSTERS];
	unsigned times[POSTERS], stored = 0;

	(void)state;
	set(q, Q_OPT_MAX_MESSAGES, 5);
	lock(q);
	start_posters(q, pids, POSTERS, 0);
	unlock(q);
	end_posters(pids, POSTERS);
	set(q, Q_OPT_MAX_MESSAGES, 0);
	drain(q, times, POSTERS);
	for (int i = 0; i < POSTERS; i++) {
		assert_int_equal(times[i], said[i].code == 0);
		stored += times[i];
		if (said[i].code != 0) {
			assert_int_equal(said[i].code, Q_EFULL);
			assert_string_equal(said[i].text, "queue is full (5 messages)");
		}
	}
	assert_int_equal(stored, 5);
	q_close(q);
}

/* What was asked of one receipt, and what was said. */
struct asked {
	struct q_settle how;
	struct q_receipt receipt;
	int code;
	struct q_settled result;
};

enum { ASKED = 7 };

static void
settle(struct asked *a, struct q *q)
{
	a->code = q_settle(q, &a->how, &a->receipt, 1, &a->result);
}

static void
ask(struct asked *a, struct q *q)
{
	static const struct q_report report = { .how = Q_HOW_EXITED,
		.status = 3,
		.took = 5,
		.host = "here",
		.output = "no\0pe",
		.output_size = 5 };
	const struct q_take args = { .n = ASKED, .lease = 3600 * Q_SECOND };
	struct q_push messages[ASKED] = { 0 };
	struct q_batch *b;
	size_t stored;

	for (int i = 0; i < ASKED; i++) {
		messages[i].body = "1";
		messages[i].size = 1;
	}
	assert_int_equal(q_push(q, messages, ASKED, 0, &stored, NULL), 0);
	assert_int_equal(q_take(q, &args, &b), 0);
	for (int i = 0; i < ASKED; i++)
		a[i] = (struct asked){ .receipt = q_batch_get(b, i)->receipt };
	q_batch_free(b);
	a[0].how.verb = Q_ACK;
	a[1].how = (struct q_settle){
		.verb = Q_RELEASE, .delay = 3600 * Q_SECOND, .has_delay = true
	};
	a[2].how = (struct q_settle){ .verb = Q_EXTEND, .lease = 7200 * Q_SECOND };
	a[3].how =
	    (struct q_settle){ .verb = Q_FAIL, .reason = "because", .report = &report };
	a[4].how = (struct q_settle){ .verb = Q_KILL, .reason = "" };
	a[5].how.verb = Q_ACK;
	a[5].receipt.check ^= 1;
	a[6].how.verb = Q_ACK; /* for the second time */
	settle(&a[6], q);
}

static void
assert_same(struct q *q, const struct asked *a, const struct asked *b)
{
	struct q_batch *x, *y;

	assert_int_equal(a->code, b->code);
	assert_int_equal(a->result.code, b->result.code);
	assert_int_equal(a->result.again, b->result.again);
	assert_int_equal(a->result.state, b->result.state);
	assert_int_equal(a->result.attempt, b->result.attempt);
	assert_int_equal(a->result.max_attempts, b->result.max_attempts);
	assert_int_equal(a->result.due != 0, b->result.due != 0);
	if (q_get(q, a->receipt.id, &x) != 0)
		return;
	assert_int_equal(q_get(q, b->receipt.id, &y), 0);
	assert_int_equal(
	    q_batch_get(x, 0)->failure_count, q_batch_get(y, 0)->failure_count);
	for (size_t i = 0; i < q_batch_get(x, 0)->failure_count; i++) {
		const struct q_failure *f = &q_batch_get(x, 0)->failures[i],
				       *g = &q_batch_get(y, 0)->failures[i];

		assert_string_equal(f->reason, g->reason);
		assert_int_equal(f->report.how, g->report.how);
		assert_int_equal(f->report.status, g->report.status);
		assert_true(f->report.took == g->report.took);
		assert_int_equal(f->report.output_size, g->report.output_size);
		assert_memory_equal(
		    f->report.output, g->report.output, f->report.output_size);
	}
	q_batch_free(x);
	q_batch_free(y);
}

static void
settling_in_a_slot_is_settling(void **state)
{
	struct q *q = open_queue();
	struct asked *shared = mmap(NULL, ASKED * sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct asked alone[ASKED];
	pid_t pids[ASKED];
	int status;

	(void)state;
	assert_true(shared != MAP_FAILED);
	ask(alone, q);
	for (int i = 0; i < ASKED; i++)
		settle(&alone[i], q);
	ask(shared, q);
	lock(q);
	assert_non_null(ctl_need(q));
	for (int i = 0; i < ASKED; i++)
		if ((pids[i] = fork()) == 0) {
			settle(&shared[i], open_queue());
			_exit(0);
		}
	await_posted(q, ASKED);
	unlock(q);
	for (int i = 0; i < ASKED; i++)
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
	assert_int_equal(shared[0].result.code, 0);
	assert_int_equal(shared[3].result.state, Q_DELAYED);
	assert_int_equal(shared[5].result.code, Q_EFOREIGN);
	assert_true(shared[6].result.code == 0 && shared[6].result.again);
	for (int i = 0; i < ASKED; i++)
		assert_same(q, &shared[i], &alone[i]);
	(void)munmap(shared, ASKED * sizeof(*shared));
	q_close(q);
}

/* A process that takes one message under a timed lease; says its id and body. */
static pid_t
taker(int number)
{
	const struct q_take args = { .lease = 3600 * Q_SECOND };
	struct q_batch *b;
	struct q *q;
	pid_t pid;

	memset(&said[number], 0, sizeof(said[number]));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	if (q_open(path, NULL, &q) != 0)
		_exit(1);
	if ((said[number].code = q_take(q, &args, &b)) == 0) {
		said[number].id = q_batch_get(b, 0)->id;
		(void)snprintf(said[number].text, sizeof(said->text), "%.*s %d",
		    (int)q_batch_get(b, 0)->body_size,
		    (const char *)q_batch_get(b, 0)->body,
		    (int)q_batch_get(b, 0)->pid == (int)getpid());
	}
	said[number].done = 1;
	q_close(q);
	_exit(0);
}

static void
timed_takes_share_a_transaction_too(void **state)
{
	struct q_push messages[POSTERS - 1] = { 0 };
	struct q *q = open_queue();
	pid_t pids[POSTERS];
	MDB_envinfo before, after;
	unsigned empty = 0;
	size_t stored;
	char want[16];

	(void)state;
	for (int i = 0; i < POSTERS - 1; i++) {
		messages[i].body = &"abcdefghij"[i];
		messages[i].size = 1;
	}
	assert_int_equal(q_push(q, messages, POSTERS - 1, 0, &stored, NULL), 0);
	lock(q);
	(void)mdb_env_info(q->store.env, &before);
	assert_non_null(ctl_need(q));
	for (int i = 0; i < POSTERS; i++)
		pids[i] = taker(i);
	await_posted(q, POSTERS);
	unlock(q);
	end_posters(pids, POSTERS);
	(void)mdb_env_info(q->store.env, &after);
	assert_int_equal(after.me_last_txnid - before.me_last_txnid, 1);
	for (int i = 0; i < POSTERS; i++) {
		if (said[i].code == Q_EMPTY) {
			empty++;
			continue;
		}
		assert_int_equal(said[i].code, 0);
		(void)snprintf(
		    want, sizeof(want), "%c 1", "abcdefghij"[said[i].id - 1]);
		assert_string_equal(said[i].text, want);
		for (int j = 0; j < i; j++)
			assert_true(said[i].id != said[j].id);
	}
	assert_int_equal(empty, 1);
	q_close(q);
}

static void
a_lease_lasts_from_when_it_is_asked_for(void **state)
{
	const struct q_push message = { .body = "a", .size = 1 };
	struct q *q = open_queue();
	struct clock asked;
	struct state s;
	struct txn t;
	size_t stored;
	pid_t pid;

	(void)state;
	assert_int_equal(q_push(q, &message, 1, 0, &stored, NULL), 0);
	lock(q);
	assert_non_null(ctl_need(q));
	assert_int_equal(txn_begin_write(q, &t), 0);
	assert_int_equal(clock_read(&asked), 0);
	pid = taker(0);
	await_posted(q, 1);
	serve_collect(q);
	assert_int_equal(serve_apply(q, &t), 0);
	assert_int_equal(life_get(&t, 1, &s), 0);
	assert_true((q_time)s.due >= asked.boot + 3600 * Q_SECOND);
	assert_int_equal(txn_commit(&t, true), 0);
	serve_answer(q, 0);
	unlock(q);
	serve_wake(q);
	txn_end(&t);
	end_posters(&pid, 1);
	assert_int_equal(said[0].code, 0);
	q_close(q);
}

static void
a_take_of_another_does_not_move_when_ours_is_due(void **state)
{
	const struct q_take args = { .every = 10 * Q_SECOND, .n = 1 };
	struct q *q = open_queue();
	struct q_batch *b;
	pid_t pid;

	(void)state;
	push_some(q, 1);
	assert_int_equal(q_take(q, &args, &b), 0);
	q_batch_free(b);
	lock(q);
	assert_non_null(ctl_need(q));
	pid = taker(0);
	await_posted(q, 1);
	assert_int_equal(q_take(q, &args, &b), Q_EMPTY);
	end_posters(&pid, 1);
	assert_int_equal(said[0].code, Q_EMPTY);
	assert_true(q->ctl.due <= clock_monotonic() + 10 * Q_SECOND);
	q_close(q);
}

/* ---- the file is lost while requests wait in it ---- */

static void
deleted(struct q *q)
{
	assert_int_equal(unlinkat(q->dir.fd, "ctl", 0), 0);
}

static void
cut(struct q *q)
{
	assert_int_equal(ftruncate(q->ctl.fd, 0), 0);
}

static void
cut_in_part(struct q *q)
{
	assert_int_equal(ftruncate(q->ctl.fd, CTL_HEAD_SIZE), 0);
}

static void
overwritten(struct q *q)
{
	uint8_t *noise = malloc(CTL_SIZE);
	uint32_t x = 1;

	assert_non_null(noise);
	for (size_t i = 0; i < CTL_SIZE; i++)
		noise[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
	assert_int_equal(pwrite(q->ctl.fd, noise, CTL_SIZE, 0), CTL_SIZE);
	free(noise);
}

static void
overwritten_behind_its_head(struct q *q)
{
	struct ctl_file *f = q->ctl.map;

	for (int i = 0; i < CTL_SLOTS; i++) {
		f->slot[i].size = UINT32_MAX;
		memset(f->slot[i].data, 0xff, CTL_PAYLOAD);
	}
}

static void
a_request_survives_that_its_slot_is_lost(void **state)
{
	static void (*const damage[])(struct q *) = { deleted, cut, cut_in_part,
		overwritten, overwritten_behind_its_head };
	pid_t pids[POSTERS];

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct q *q = open_queue();

		lock(q);
		start_posters(q, pids, POSTERS, 0);
		damage[i](q);
		unlock(q);
		end_posters(pids, POSTERS);
		assert_once(q, POSTERS);
		q_close(q);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_that_wait_share_a_transaction),
		TEST(a_limit_is_met_by_those_it_meets),
		TEST(settling_in_a_slot_is_settling),
		TEST(timed_takes_share_a_transaction_too),
		TEST(a_lease_lasts_from_when_it_is_asked_for),
		TEST(a_take_of_another_does_not_move_when_ours_is_due),
		TEST(a_request_survives_that_its_slot_is_lost),
	};

	return (cmocka_run_group_tests_name("combine", tests, make_shared, remove_dir));
}
