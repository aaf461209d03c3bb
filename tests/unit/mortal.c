/* SPDX-License-Identifier: ISC */
/*
 * Requests of many processes in one transaction: each exactly once, whoever dies or
 * does not go on.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "posters.h"

enum { WRITERS = 12 };

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_holder_may_die_at_every_system_call),
		TEST(a_request_in_the_hands_of_a_stopped_holder_is_not_called_undone),
		TEST(a_request_that_gave_up_waiting_is_never_applied),
		TEST(a_slot_of_the_dead_is_served_and_used_again),
		TEST(what_a_killed_writer_was_told_is_true),
	};

	return (cmocka_run_group_tests_name("mortal", tests, make_shared, remove_dir));
}
