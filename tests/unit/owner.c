/* SPDX-License-Identifier: ISC */
/* What root makes in the queue of another is of that one, who could not use it else. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"

enum { OTHER = 65534, LARGE = 5000 };

static unsigned
assert_owned(const char *sub)
{
	char name[sizeof(path) + 300];
	unsigned n = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	(void)snprintf(name, sizeof(name), "%s/%s", path, sub);
	assert_non_null(d = opendir(name));
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s/%s", path, sub, e->d_name);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_uid, OTHER);
		n++;
	}
	(void)closedir(d);
	return (n);
}

/* A body with a file, the file that shows what is held, and ctl. */
static void
files_are_of_the_owner_of_the_queue(void **state)
{
	static const char body[LARGE];
	const struct q_push p = { .body = body, .size = LARGE };
	const struct q_take held = { .n = 1 };
	char command[3 * sizeof(path) + 64];
	struct q_batch *b;
	size_t stored;
	struct q *q;

	(void)state;
	if (geteuid() != 0)
		skip();
	q = open_queue();
	assert_int_equal(q_option_set(q, Q_OPT_INLINE, 4096), 0);
	q_close(q);
	(void)snprintf(command, sizeof(command),
	    "rm -f %s/ctl %s/hold && chown -R %d %s", path, path, OTHER, path);
	assert_int_equal(system(command), 0);
	q = open_queue();
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	assert_int_equal(q_take(q, &held, &b), 0);
	q_wait_change(q, 0);
	assert_true(assert_owned(".") >= 4); /* itself, data.mdb, hold and blob */
	assert_true(assert_owned("blob") >= 2);
	q_batch_free(b);
	close_queue(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_of_the_owner_of_the_queue),
	};

	return (
	    cmocka_run_group_tests_name("owner", tests, make_dir, remove_empty_dir));
}
