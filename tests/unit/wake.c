/* SPDX-License-Identifier: ISC */
/* Waiting: who sleeps is woken for a message each, and nobody sleeps past one. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl.h"
#include "queue.h"
#include "scratch.h"

enum { WAITERS = 64 };

static int
take(struct q *q)
{
	const struct q_take args = { .lease = 3600 * Q_SECOND };
	struct q_batch *b = NULL;
	int rc = q_take(q, &args, &b);

	q_batch_free(b);
	return (rc);
}

/* Arm as a taker does, and sleep for as long as the test may last. */
static int
waiter(void)
{
	struct q *q = open_queue();
	struct ctl *c = &q->ctl;

	if (take(q) != Q_EMPTY)
		return (1);
	q_wait(q, Q_FOREVER);
	if (!c->armed || take(q) != Q_EMPTY)
		return (1);
	return (ctl_sleep(&c->map->channel[CTL_READY].count, c->count, 60 * Q_SECOND)
		    ? 0
		    : 1);
}

static bool
sleeps(pid_t pid)
{
	char name[64], text[16] = "";
	FILE *f;

	(void)snprintf(name, sizeof(name), "/proc/%d/syscall", (int)pid);
	if ((f = fopen(name, "r")) == NULL)
		return (false);
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	return (atoi(text) == SYS_futex);
}

static size_t
sleepers(const pid_t *pids)
{
	size_t n = 0;

	for (size_t i = 0; i < WAITERS; i++)
		n += sleeps(pids[i]);
	return (n);
}

static void
start_waiters(pid_t *pids)
{
	for (size_t i = 0; i < WAITERS; i++) {
		if ((pids[i] = fork()) == 0)
			_exit(waiter());
		assert_true(pids[i] > 0);
	}
	while (sleepers(pids) < WAITERS)
		(void)usleep(1000);
}

static void
one_waiter_is_woken_for_each_message(void **state)
{
	const struct ctl_word *w;
	pid_t pids[WAITERS];
	struct q *q = open_queue();
	int status;

	(void)state;
	start_waiters(pids);
	for (size_t n = 1; n <= 5; n++) {
		push_some(q, 1);
		assert_int_equal(sleepers(pids), WAITERS - n);
	}
	push_some(q, 10);
	assert_int_equal(sleepers(pids), WAITERS - 15);
	for (size_t i = 0; i < 4; i++)
		push_some(q, 16);
	for (size_t i = 0; i < WAITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	push_some(q, 1); /* nobody is there: that is found out, and no more is woken */
	w = &q->ctl.map->channel[CTL_READY];
	assert_int_equal(atomic_load(&w->idle), atomic_load(&w->armed));
	while (take(q) == 0)
		;
	q_close(q);
}

/* A process that pushes, stopped when it is about to wake somebody. */
static pid_t
stopped_pusher(void)
{
	struct __ptrace_syscall_info info = { 0 };
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0) {
		struct q *q = open_queue();

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
			_exit(1);
		push_some(q, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), 0);
	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		assert_true(
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_futex);
	return (pid);
}

static void
messages_of_two_at_a_time_wake_two(void **state)
{
	pid_t pids[WAITERS], other;
	struct q *q = open_queue();
	int status;

	(void)state;
	start_waiters(pids);
	other = stopped_pusher();
	push_some(q, 1);
	assert_int_equal(sleepers(pids), WAITERS - 1);
	assert_int_equal(ptrace(PTRACE_DETACH, other, NULL, NULL), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	assert_int_equal(sleepers(pids), WAITERS - 2);
	for (size_t i = 0; i < WAITERS; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	while (take(q) == 0)
		;
	q_close(q);
}

static void
killed_waiters_are_not_counted(void **state)
{
	pid_t pids[WAITERS];
	struct q *q = open_queue();

	(void)state;
	start_waiters(pids);
	for (size_t i = 0; i < WAITERS; i += 2) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	push_some(q, 1);
	assert_int_equal(sleepers(pids), WAITERS / 2 - 1);
	for (size_t i = 1; i < WAITERS; i += 2) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	while (take(q) == 0)
		;
	q_close(q);
}

static void
what_is_pushed_after_the_look_ends_the_wait(void **state)
{
	struct q *q = open_queue(), *other = open_queue();
	struct ctl *c = &q->ctl;

	(void)state;
	assert_int_equal(take(q), Q_EMPTY);
	q_wait(q, Q_FOREVER);
	assert_int_equal(take(q), Q_EMPTY);
	push_some(other, 1);
	assert_false(
	    ctl_sleep(&c->map->channel[CTL_READY].count, c->count, 3600 * Q_SECOND));
	assert_int_equal(take(q), 0);
	q_close(other);
	q_close(q);
}

static void
a_ctl_of_another_boot_or_layout_is_replaced(void **state)
{
	struct q *q = open_queue(), *other;
	uint64_t generation;

	(void)state;
	assert_non_null(ctl_need(q));
	generation = q->ctl.map->generation;
	q->ctl.map->boot[0] ^= 1;
	other = open_queue();
	assert_non_null(ctl_look(other));
	assert_false(ctl_is_current(other));
	assert_non_null(ctl_need(other));
	assert_true(other->ctl.map->generation != generation);
	generation = other->ctl.map->generation;
	other->ctl.map->layout++;
	q_close(other);
	other = open_queue();
	assert_null(ctl_look(other));
	assert_non_null(ctl_need(other));
	assert_true(other->ctl.map->generation != generation);
	assert_false(ctl_is_whole(q));
	assert_non_null(ctl_need(q));
	assert_true(q->ctl.map->generation == other->ctl.map->generation);
	q_close(other);
	q_close(q);
}

static void
a_ctl_that_was_moved_away_is_left(void **state)
{
	struct q *q = open_queue(), *other;
	uint64_t generation;

	(void)state;
	assert_non_null(ctl_need(q));
	generation = q->ctl.map->generation;
	assert_int_equal(renameat(q->dir.fd, "ctl", q->dir.fd, "old"), 0);
	other = open_queue();
	assert_non_null(ctl_need(other));
	assert_true(other->ctl.map->generation != generation);
	assert_non_null(ctl_need(q));
	assert_true(q->ctl.map->generation == other->ctl.map->generation);
	assert_int_equal(unlinkat(q->dir.fd, "old", 0), 0);
	q_close(other);
	q_close(q);
}

/* What is not complete has no name: the kernel ends its maker as he asks for room. */
static void
who_dies_while_he_makes_ctl_leaves_nothing(void **state)
{
	const struct rlimit none = { 0, 0 }, few = { CTL_SIZE / 2, CTL_SIZE / 2 };
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), status;
	struct q *q = open_queue();
	struct dirent *e;
	pid_t pid;
	DIR *d;

	(void)state;
	if (fd == -1) /* not on this file system */
		skip();
	assert_int_equal(close(fd), 0);
	(void)unlinkat(q->dir.fd, "ctl", 0);
	if ((pid = fork()) == 0) {
		(void)signal(SIGXFSZ, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)setrlimit(RLIMIT_FSIZE, &few);
		(void)ctl_need(q);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	assert_non_null(d = opendir(path));
	while ((e = readdir(d)) != NULL)
		assert_int_not_equal(strncmp(e->d_name, "ctl", 3), 0);
	assert_int_equal(closedir(d), 0);
	assert_non_null(ctl_need(q));
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_waiter_is_woken_for_each_message),
		cmocka_unit_test(messages_of_two_at_a_time_wake_two),
		cmocka_unit_test(killed_waiters_are_not_counted),
		cmocka_unit_test(what_is_pushed_after_the_look_ends_the_wait),
		cmocka_unit_test(a_ctl_of_another_boot_or_layout_is_replaced),
		cmocka_unit_test(a_ctl_that_was_moved_away_is_left),
		cmocka_unit_test(who_dies_while_he_makes_ctl_leaves_nothing),
	};

	return (cmocka_run_group_tests_name("wake", tests, make_dir, remove_dir));
}
