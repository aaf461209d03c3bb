/* SPDX-License-Identifier: ISC */
/* A queue whose file raises a signal is damaged, and nothing of it stays open. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cmd/live_guard.h"
#include "scratch.h"

static char file[sizeof(path) + 16];
static int fd;

/* As a read of a file that is shorter than it says. */
static int
meet(void *arg)
{
	volatile char *map;

	assert_true((fd = open(file, O_RDWR | O_CREAT, 0600)) != -1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	*(volatile char **)arg = map;
	return (map[0]);
}

static int
busy(void *arg)
{
	(void)arg;
	return (Q_EBUSY);
}

static void
what_needs_no_guard_passes(void **state)
{
	struct live_queue q = { .name = path };

	(void)state;
	assert_int_equal(live_guard(&q, busy, NULL), Q_EBUSY);
	assert_false(live_guard_broke());
	assert_string_equal(live_guard_why(), q_errmsg());
}

static void
a_signal_is_damage_and_its_files_are_closed(void **state)
{
	struct live_queue q = { .name = path, .q = (struct q *)&dir };
	volatile char *map = NULL;
	struct sigaction before, after;
	unsigned char core;
	int other;

	(void)state;
	assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(live_guard(&q, meet, &map), Q_ECORRUPT);
		assert_true(live_guard_broke());
		assert_null(q.q);
		assert_int_equal(fcntl(fd, F_GETFD), -1);
		assert_int_not_equal(mincore((void *)(uintptr_t)map, 4096, &core), 0);
		assert_non_null(strstr(live_guard_why(), "damaged"));
		/* Nobody has the lock any more. */
		assert_true((other = open(file, O_RDWR)) != -1);
		assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
		close(other);
	}
	assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
	assert_true(before.sa_handler == after.sa_handler);
	what_needs_no_guard_passes(state);
}

/* The directory is the queue's, too, and what has a longer name is another's. */
static void
only_what_is_in_the_directory_is_closed(void **state)
{
	struct live_queue q = { .name = path };
	volatile char *map = NULL;
	char other[sizeof(path) + 8];
	int own, others;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s-2", path);
	assert_true((own = open(path, O_RDONLY | O_DIRECTORY)) != -1);
	assert_true((others = open(other, O_RDWR | O_CREAT, 0600)) != -1);
	assert_int_equal(live_guard(&q, meet, &map), Q_ECORRUPT);
	assert_int_equal(fcntl(own, F_GETFD), -1);
	assert_int_equal(close(others), 0);
}

static void
files_whose_names_are_gone_stay_open(void **state)
{
	static char *const names[] = { (char *)(uintptr_t) "/none/such",
		(char *)(uintptr_t) "-" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct live_queue q = { .name = names[i], .q = (struct q *)&dir };
		volatile char *map = NULL;

		assert_int_equal(live_guard(&q, meet, &map), Q_ECORRUPT);
		assert_null(q.q);
		assert_int_equal(munmap((void *)(uintptr_t)map, 4096), 0);
		assert_int_equal(close(fd), 0);
	}
}

static struct rlimit limit;

static int
meet_with_no_descriptors(void *arg)
{
	const struct rlimit none = { 0, limit.rlim_max };

	assert_true((fd = open(file, O_RDWR | O_CREAT, 0600)) != -1);
	*(volatile char **)arg = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return (**(volatile char **)arg);
}

static void
without_descriptors_it_is_damage_all_the_same(void **state)
{
	struct live_queue q = { .name = path, .q = (struct q *)&dir };
	volatile char *map = NULL;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(live_guard(&q, meet_with_no_descriptors, &map), Q_ECORRUPT);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_null(q.q);
	assert_int_equal(munmap((void *)(uintptr_t)map, 4096), 0);
	assert_int_equal(close(fd), 0);
}

static int
be_sent(void *arg)
{
	(void)arg;
	return (raise(SIGBUS));
}

static void
a_signal_that_somebody_sends_is_no_damage(void **state)
{
	struct live_queue q = { .name = path };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };

		(void)signal(SIGBUS, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &none);
		_exit(live_guard(&q, be_sent, NULL) == Q_ECORRUPT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static int
make_files(void **state)
{
	if (make_dir(state) != 0)
		return (-1);
	(void)snprintf(file, sizeof(file), "%s/data.mdb", path);
	return (mkdir(path, 0700));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_needs_no_guard_passes),
		cmocka_unit_test(a_signal_is_damage_and_its_files_are_closed),
		cmocka_unit_test(only_what_is_in_the_directory_is_closed),
		cmocka_unit_test(files_whose_names_are_gone_stay_open),
		cmocka_unit_test(without_descriptors_it_is_damage_all_the_same),
		cmocka_unit_test(a_signal_that_somebody_sends_is_no_damage),
	};

	return (cmocka_run_group_tests(tests, make_files, remove_dir));
}
