/* SPDX-License-Identifier: ISC */
/*
 * Requests of many processes in one transaction: each exactly once, whoever dies, and
 * with the result it would have had alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "queue.h"
#include "slot.h"

enum { POSTERS = 8, WRITERS = 12, LARGE = 8000 };

static char dir[] = "/tmp/q-combine.XXXXXX";
static char path[sizeof(dir) + 16];

/* What one process says of its push; in memory that all share. */
struct said {
	volatile int code, done;
	volatile uint64_t id;
	char text[256];
};

static struct said *said;

static struct q *
open_queue(void)
{
	const struct q_open open = { .flags = Q_CREATE };
	struct q *q;

	assert_int_equal(q_open(path, &open, &q), 0);
	return (q);
}

static void
set(struct q *q, enum q_option option, uint64_t value)
{
	assert_int_equal(q_option_set(q, option, value), 0);
}

/* A process that pushes its number, and says what became of it. */
static pid_t
poster(int number, size_t size, q_time lock_wait)
{
	const struct q_open open = { .lock_wait = lock_wait };
	struct q_push message = { .size = size };
	static char body[LARGE];
	struct q_pushed pushed = { 0 };
	size_t stored;
	struct q *q;
	pid_t pid;

	memset(&said[number], 0, sizeof(said[number]));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)snprintf(body, sizeof(body), "%d", number);
	message.body = body;
	if (q_open(path, &open, &q) != 0)
		_exit(1);
	said[number].code = q_push(q, &message, 1, 0, &stored, &pushed);
	said[number].id = pushed.id;
	(void)snprintf(said[number].text, sizeof(said->text), "%s", q_errmsg());
	said[number].done = 1;
	q_close(q);
	_exit(0);
}

static unsigned
posted(struct q *q)
{
	struct ctl_file *f = ctl_need(q);
	unsigned n = 0;

	assert_non_null(f);
	for (int i = 0; i < CTL_SLOTS; i++)
		n += slot_state(atomic_load(&f->slot[i].word)) == SLOT_READY;
	return (n);
}

static void
await_posted(struct q *q, unsigned n)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	while (posted(q) < n && clock_monotonic() < until)
		(void)usleep(500);
	assert_int_equal(posted(q), n);
}

/* ctl is there first: of many that make it at once, one may do without. */
static void
start_posters(struct q *q, pid_t *pids, int n, q_time lock_wait)
{
	assert_non_null(ctl_need(q));
	for (int i = 0; i < n; i++)
		pids[i] = poster(i, 100, lock_wait);
	await_posted(q, (unsigned)n);
}

static void
end_posters(const pid_t *pids, int n)
{
	int status;

	for (int i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_true(said[i].done);
	}
}

static void
lock(struct q *q)
{
	assert_int_equal(flock(q->dir.data, LOCK_EX), 0);
}

static void
unlock(struct q *q)
{
	assert_int_equal(flock(q->dir.data, LOCK_UN), 0);
}

/* Take all there is; how often each number was there. */
static void
drain(struct q *q, unsigned *times, int n)
{
	const struct q_take args = { .n = 1000 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	int rc;

	memset(times, 0, (size_t)n * sizeof(*times));
	while ((rc = q_take(q, &args, &b)) == 0) {
		for (size_t i = 0; i < q_batch_count(b); i++) {
			const struct q_msg *m = q_batch_get(b, i);
			int number = atoi(m->body);

			assert_in_range(number, 0, n - 1);
			times[number]++;
		}
		assert_int_equal(q_batch_settle(q, &ack, b, 0, q_batch_count(b)), 0);
		q_batch_free(b);
	}
	assert_int_equal(rc, Q_EMPTY);
}

static void
assert_once(struct q *q, int n)
{
	unsigned times[POSTERS];

	drain(q, times, n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(said[i].code, 0);
		assert_int_equal(times[i], 1);
		for (int j = 0; j < i; j++)
			assert_true(said[i].id != said[j].id);
	}
}

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

/* ---- who dies, and who does not go on ---- */

/* Like a process that has just got the lock: it is that of the parent's descriptors. */
static pid_t
holder(struct q *locked, int number)
{
	struct q_push message = { 0 };
	char body[16];
	size_t stored;
	struct q *q;
	pid_t pid;

	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)snprintf(body, sizeof(body), "%d", number);
	message.body = body;
	message.size = strlen(body);
	if (q_open(path, NULL, &q) != 0 || dup2(locked->dir.data, q->dir.data) == -1 ||
	    dup2(locked->dir.fd, q->dir.fd) == -1 ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	(void)raise(SIGSTOP);
	_exit(q_push(q, &message, 1, 0, &stored, NULL) == 0 ? 0 : 1);
}

/* Let it run to its next stop; false if it has ended. */
static bool
step(pid_t pid, int *status)
{
	assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return (WIFSTOPPED(*status));
}

static pid_t
start_holder(struct q *q, int number)
{
	pid_t pid = holder(q, number);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), 0);
	return (pid);
}

/* Of a holder that serves two others, killed when it is before or after a call. */
static bool
survive_death(struct q *q, int stop, bool lose_ctl)
{
	unsigned times[3];
	pid_t pids[2], pid;
	int status = 0;
	bool alive = true;

	lock(q);
	assert_int_equal(flock(q->dir.fd, LOCK_EX), 0);
	start_posters(q, pids, 2, 0);
	pid = start_holder(q, 2);
	for (int i = 0; i < stop && alive; i++)
		alive = step(pid, &status);
	if (alive) {
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	} else {
		assert_int_equal(status, 0);
	}
	if (lose_ctl)
		(void)unlinkat(q->dir.fd, "ctl", 0);
	unlock(q); /* as the kernel does when the last descriptor is closed */
	assert_int_equal(flock(q->dir.fd, LOCK_UN), 0);
	end_posters(pids, 2);
	drain(q, times, 3);
	assert_int_equal(said[0].code, 0);
	assert_int_equal(said[1].code, 0);
	assert_int_equal(times[0], 1);
	assert_int_equal(times[1], 1);
	assert_in_range(times[2], alive ? 0 : 1, 1);
	return (alive);
}

static void
a_holder_may_die_at_every_system_call(void **state)
{
	struct q *q = open_queue();
	int stop = 1;

	(void)state;
	while (survive_death(q, stop, false) && survive_death(q, stop, true))
		stop++;
	assert_true(stop > 50); /* it did something */
	q_close(q);
}

static void
a_request_in_the_hands_of_a_stopped_holder_is_not_called_undone(void **state)
{
	struct q *q = open_queue();
	struct __ptrace_syscall_info info = { 0 };
	unsigned times[3];
	pid_t pids[2], pid;
	int status;

	(void)state;
	lock(q);
	assert_int_equal(flock(q->dir.fd, LOCK_EX), 0);
	start_posters(q, pids, 2, Q_SECOND);
	pid = start_holder(q, 2);
	do {
		assert_true(step(pid, &status));
		assert_true(
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
	} while (
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_fdatasync);
	end_posters(pids, 2);
	assert_int_equal(said[0].code, Q_EBUSY);
	assert_int_equal(said[1].code, Q_EBUSY);
	assert_non_null(strstr(said[0].text, "not known"));
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	drain(q, times, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(times[i], 1);
	q_close(q);
}

static void
a_request_that_gave_up_waiting_is_never_applied(void **state)
{
	struct q *q = open_queue();
	pid_t pids[POSTERS];
	unsigned times[POSTERS];

	(void)state;
	lock(q);
	start_posters(q, pids, POSTERS, Q_SECOND / 2);
	end_posters(pids, POSTERS);
	assert_int_equal(posted(q), 0);
	unlock(q);
	drain(q, times, POSTERS);
	for (int i = 0; i < POSTERS; i++) {
		assert_int_equal(said[i].code, Q_EBUSY);
		assert_non_null(strstr(said[i].text, "nothing done"));
		assert_int_equal(times[i], 0);
	}
	q_close(q);
}

static void
a_slot_of_the_dead_is_served_and_used_again(void **state)
{
	struct q *q = open_queue();
	pid_t pids[POSTERS];
	unsigned times[POSTERS];
	size_t stored;
	struct q_push message = { .body = "0", .size = 1 };

	(void)state;
	for (int round = 0; round < 3; round++) {
		lock(q);
		start_posters(q, pids, POSTERS, 0);
		for (int i = 0; i < POSTERS; i++) {
			(void)kill(pids[i], SIGKILL);
			(void)waitpid(pids[i], NULL, 0);
		}
		unlock(q);
		assert_int_equal(q_push(q, &message, 1, 0, &stored, NULL), 0);
		assert_int_equal(posted(q), 0);
		drain(q, times, POSTERS);
		assert_int_equal(times[0], 2);
		for (int i = 1; i < POSTERS; i++)
			assert_int_equal(times[i], 1);
	}
	q_close(q);
}

/* ---- writers that are killed at random ---- */

enum { LIVES = 150, PUSHES = 2000 };

static void
mortal(int life, volatile uint32_t *stored_count)
{
	char body[100] = "";
	struct q_push message = { .body = body, .size = sizeof(body) };
	struct q *q;
	size_t stored;

	if (q_open(path, NULL, &q) != 0)
		_exit(1);
	for (uint32_t i = 0; i < PUSHES; i++) {
		(void)snprintf(body, sizeof(body), "%d %u", life, i);
		if (q_push(q, &message, 1, 0, &stored, NULL) != 0)
			_exit(1);
		stored_count[life] = i + 1;
	}
	for (;;)
		(void)pause();
}

static void
assert_lives(struct q *q, const volatile uint32_t *stored_count)
{
	const struct q_take args = { .n = 10000 };
	const struct q_settle ack = { .verb = Q_ACK };
	uint8_t *times = calloc(LIVES, PUSHES + 1);
	struct q_batch *b;

	assert_non_null(times);
	while (q_take(q, &args, &b) == 0) {
		for (size_t i = 0; i < q_batch_count(b); i++) {
			int life;
			unsigned n;

			assert_int_equal(
			    sscanf(q_batch_get(b, i)->body, "%d %u", &life, &n), 2);
			assert_true(n <= stored_count[life] && n < PUSHES);
			assert_int_equal(times[life * (PUSHES + 1) + (int)n]++, 0);
		}
		assert_int_equal(q_batch_settle(q, &ack, b, 0, q_batch_count(b)), 0);
		q_batch_free(b);
	}
	for (int life = 0; life < LIVES; life++)
		for (uint32_t n = 0; n < stored_count[life]; n++)
			assert_int_equal(times[life * (PUSHES + 1) + (int)n], 1);
	free(times);
}

static void
what_a_killed_writer_was_told_is_true(void **state)
{
	volatile uint32_t *stored_count = mmap(NULL, LIVES * sizeof(uint32_t),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct q *q = open_queue();
	pid_t pids[WRITERS] = { 0 };
	unsigned random = 1;

	(void)state;
	for (int life = 0; life < LIVES; life++) {
		pid_t *pid = &pids[life % WRITERS];

		if (*pid != 0) {
			(void)usleep(random % 5000);
			random = random * 1103515245 + 12345;
			(void)kill(*pid, SIGKILL);
			(void)waitpid(*pid, NULL, 0);
		}
		if ((*pid = fork()) == 0)
			mortal(life, stored_count);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		(void)kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFSIGNALED(status));
	}
	assert_lives(q, stored_count);
	(void)munmap((void *)(uintptr_t)stored_count, LIVES * sizeof(uint32_t));
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

static int
make_dir(void **state)
{
	(void)state;
	said = mmap(NULL, POSTERS * sizeof(*said), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return (said == MAP_FAILED || mkdtemp(dir) == NULL ? -1 : 0);
}

/* A queue for each test. */
static int
make_path(void **state)
{
	static int number;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/%d", dir, ++number);
	return (0);
}

static int
remove_dir(void **state)
{
	char command[sizeof(dir) + 16];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	return (system(command));
}

#define TEST(name) cmocka_unit_test_setup(name, make_path)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_that_wait_share_a_transaction),
		TEST(a_limit_is_met_by_those_it_meets),
		TEST(settling_in_a_slot_is_settling),
		TEST(timed_takes_share_a_transaction_too),
		TEST(a_holder_may_die_at_every_system_call),
		TEST(a_request_in_the_hands_of_a_stopped_holder_is_not_called_undone),
		TEST(a_request_that_gave_up_waiting_is_never_applied),
		TEST(a_slot_of_the_dead_is_served_and_used_again),
		TEST(what_a_killed_writer_was_told_is_true),
		TEST(a_request_survives_that_its_slot_is_lost),
	};

	return (cmocka_run_group_tests_name("combine", tests, make_dir, remove_dir));
}
