/* SPDX-License-Identifier: ISC */
/* Names of queues, and the directory they are looked up in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "q.h"

static int
clean(void **state)
{
	(void)state;
	(void)unsetenv("Q_ROOT");
	(void)unsetenv("XDG_STATE_HOME");
	(void)unsetenv("HOME");
	return (0);
}

static void
assert_path(const char *name, const char *want)
{
	char *path = NULL;

	assert_int_equal(q_path(name, &path), 0);
	assert_string_equal(path, want);
	free(path);
}

static void
assert_refused(const char *name, int code)
{
	char *path = NULL;

	assert_int_equal(q_path(name, &path), code);
	assert_null(path);
	assert_true(q_errmsg()[0] != '\0');
}

static void
a_name_is_below_the_root(void **state)
{
	(void)state;
	(void)setenv("Q_ROOT", "/some/where", 1);
	assert_path("jobs", "/some/where/jobs");
	assert_path("J0bs-._", "/some/where/J0bs-._");
	assert_path("0a", "/some/where/0a");
	assert_path("1.2", "/some/where/1.2");
	assert_path("_", "/some/where/_");
	(void)setenv("Q_ROOT", "relative", 1);
	assert_path("jobs", "relative/jobs");
}

static void
what_has_a_slash_is_a_path(void **state)
{
	(void)state;
	assert_path("./jobs", "./jobs");
	assert_path("/a/b c", "/a/b c");
	assert_path("../-x", "../-x");
	assert_path("./42", "./42");
	assert_path("jobs/", "jobs/");
}

static void
other_names_are_refused(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".jobs", "-", "-jobs", "a b",
		"a\nb", "a:b", "a*", "~", "@", "42", "0", "00000000000000000000042",
		"j\xc3\xb6"
		"b",
		"a\x7f", "a\\b" };

	(void)state;
	(void)setenv("Q_ROOT", "/r", 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i], Q_EINVAL);
}

static void
a_name_has_at_most_so_many_bytes(void **state)
{
	char name[Q_MAX_NAME + 2], *path = NULL;

	(void)state;
	(void)setenv("Q_ROOT", "/r", 1);
	memset(name, 'n', sizeof(name));
	name[Q_MAX_NAME + 1] = '\0';
	assert_refused(name, Q_EINVAL);
	name[Q_MAX_NAME] = '\0';
	assert_int_equal(q_path(name, &path), 0);
	assert_int_equal(strlen(path), strlen("/r/") + Q_MAX_NAME);
	free(path);
}

static void
another_engine_is_not_taken_for_a_path(void **state)
{
	(void)state;
	assert_refused("nats://host/jobs", Q_ENOTSUP);
	assert_non_null(strstr(q_errmsg(), "'nats'"));
}

static void
the_root_has_a_default(void **state)
{
	bool root = geteuid() == 0;
	char *path = NULL;

	(void)state;
	(void)setenv("HOME", "/home/me", 1);
	assert_path("jobs",
	    root ? "/var/spool/qutils/jobs" : "/home/me/.local/state/qutils/jobs");
	(void)setenv("XDG_STATE_HOME", "not/absolute", 1);
	assert_path("jobs",
	    root ? "/var/spool/qutils/jobs" : "/home/me/.local/state/qutils/jobs");
	(void)setenv("XDG_STATE_HOME", "/xdg", 1);
	assert_path("jobs", root ? "/var/spool/qutils/jobs" : "/xdg/qutils/jobs");
	(void)setenv("Q_ROOT", "", 1); /* as if it were not set */
	assert_path("jobs", root ? "/var/spool/qutils/jobs" : "/xdg/qutils/jobs");
	(void)setenv("Q_ROOT", "/q", 1);
	assert_int_equal(q_root(&path), 0);
	assert_string_equal(path, "/q");
	free(path);
}

static void
without_a_home_there_is_none(void **state)
{
	char *path = NULL;

	(void)state;
	if (geteuid() == 0) {
		assert_path("jobs", "/var/spool/qutils/jobs");
		return;
	}
	assert_refused("jobs", Q_EINVAL);
	(void)setenv("HOME", "not/absolute", 1);
	assert_refused("jobs", Q_EINVAL);
	assert_int_equal(q_root(&path), Q_EINVAL);
	assert_path("./jobs", "./jobs");
}

/* As one who is not root, whoever runs the tests. */
static int
be_another(void **state)
{
	(void)clean(state);
	return (geteuid() == 0 ? seteuid(65534) : 0);
}

static int
be_oneself(void **state)
{
	(void)state;
	return (seteuid(getuid()));
}

#define AS_ANOTHER(name) cmocka_unit_test_setup_teardown(name, be_another, be_oneself)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_name_is_below_the_root, clean),
		cmocka_unit_test_setup(what_has_a_slash_is_a_path, clean),
		cmocka_unit_test_setup(other_names_are_refused, clean),
		cmocka_unit_test_setup(a_name_has_at_most_so_many_bytes, clean),
		cmocka_unit_test_setup(another_engine_is_not_taken_for_a_path, clean),
		cmocka_unit_test_setup(the_root_has_a_default, clean),
		cmocka_unit_test_setup(without_a_home_there_is_none, clean),
		AS_ANOTHER(the_root_has_a_default),
		AS_ANOTHER(without_a_home_there_is_none),
	};

	return (cmocka_run_group_tests_name("name", tests, NULL, NULL));
}
