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
#include <sys/stat.h>
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
	};

	return (cmocka_run_group_tests(tests, make_files, remove_dir));
}
