/* SPDX-License-Identifier: ISC */
/* How much a quota leaves: of the user or the group, its hard limit or, when the time
 * that was given is over, the soft one. */
#include <errno.h>
#include <linux/quota.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/quota.h>
#include <time.h>

#include <cmocka.h>

#include "quota.h"

enum { BLOCK = QIF_DQBLKSIZE, USER = 71, GROUP = 72, QUOTACTL = 443 };

/* What the kernel says, of users and of groups; which were asked of. */
static const struct dqblk *said[2];
static long asked[2];

/* In the place of the system call: it is linked so. */
long __real_syscall(
    long number, long a, unsigned long b, long c, void *d, long e, long f);
long __wrap_syscall(
    long number, long a, unsigned long b, long c, void *d, long e, long f);
long
__wrap_syscall(
    long number, long fd, unsigned long cmd, long id, void *d, long e, long f)
{
	unsigned type = cmd & SUBCMDMASK;

	if (number != QUOTACTL)
		return (__real_syscall(number, fd, cmd, id, d, e, f));
	assert_int_equal(fd, 9);
	assert_int_equal((uint32_t)cmd >> SUBCMDSHIFT, Q_GETQUOTA & 0xffffff);
	assert_in_range(type, USRQUOTA, GRPQUOTA);
	asked[type] = id;
	if (said[type] == NULL) {
		errno = ESRCH;
		return (-1);
	}
	memcpy(d, said[type], sizeof(*said[type]));
	return (0);
}

static bool
is_short(const struct dqblk *user, const struct dqblk *group, uint64_t bytes)
{
	const struct stat st = { .st_uid = USER, .st_gid = GROUP };

	said[USRQUOTA] = user;
	said[GRPQUOTA] = group;
	return (quota_is_short(9, &st, bytes));
}

static void
test_limits(void **state)
{
	uint64_t past = (uint64_t)time(NULL) - 100, to_come = past + 3600;
	const struct {
		struct dqblk d;
		bool is;
	} cases[] = {
		{ { 0 }, false },
		{ { .dqb_bhardlimit = 10 }, false },
		{ { .dqb_bhardlimit = 10, .dqb_curspace = 9 * BLOCK }, false },
		{ { .dqb_bhardlimit = 10, .dqb_curspace = 9 * BLOCK + 1 }, true },
		{ { .dqb_bhardlimit = 10, .dqb_curspace = 10 * BLOCK }, true },
		{ { .dqb_bhardlimit = 10, .dqb_curspace = 11 * BLOCK }, true },
		{ { .dqb_bsoftlimit = 5, .dqb_curspace = 9 * BLOCK }, false },
		{ { .dqb_bsoftlimit = 5,
		      .dqb_curspace = 9 * BLOCK,
		      .dqb_btime = to_come },
		    false },
		{ { .dqb_bsoftlimit = 5, .dqb_curspace = 9 * BLOCK, .dqb_btime = past },
		    true },
		{ { .dqb_bhardlimit = 20,
		      .dqb_bsoftlimit = 5,
		      .dqb_curspace = 9 * BLOCK,
		      .dqb_btime = past },
		    true },
		{ { .dqb_bhardlimit = 20,
		      .dqb_curspace = 9 * BLOCK,
		      .dqb_btime = past },
		    false },
	};
	const struct dqblk none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct dqblk *d = &cases[i].d;

		print_message("# case %zu\n", i);
		assert_int_equal(is_short(d, NULL, BLOCK), cases[i].is);
		assert_int_equal(is_short(NULL, d, BLOCK), cases[i].is);
		assert_int_equal(is_short(&none, d, BLOCK), cases[i].is);
		assert_int_equal(asked[USRQUOTA], USER);
		assert_int_equal(asked[GRPQUOTA], GROUP);
	}
	assert_false(is_short(NULL, NULL, UINT64_MAX));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_limits) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
