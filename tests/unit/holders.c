/* SPDX-License-Identifier: ISC */
/*
 * Who has what: for each way in which a process can have a message, or the queue, the
 * row that says so, whatever has become of the process since.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "apply.h"
#include "batch.h"
#include "hold.h"
#include "proc.h"
#include "queue.h"

#include "scratch.h"

#define HOUR (3600 * Q_SECOND)

static struct q *q;

/* ---- another process ---- */

enum what { OPENS, TAKES, TAKES_AND_CLOSES, HOLDS, HOLDS_TWICE, HOLDS_ALL, LOCKS };

static void
hold_whole_file(void)
{
	char name[sizeof(path) + 8];
	struct flock all = { .l_type = F_RDLCK };
	int fd;

	(void)snprintf(name, sizeof(name), "%s/hold", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fcntl(fd, F_OFD_SETLK, &all) != 0)
		_exit(1);
}

static void
take_as(enum what what)
{
	struct q_take take = { .lease = what <= TAKES_AND_CLOSES ? HOUR : 0 };
	struct q_batch *b;
	struct q *mine;
	int fd;

	if (q_open(path, NULL, &mine) != 0)
		_exit(1);
	if (what == LOCKS && flock(mine->dir.data, LOCK_EX) != 0)
		_exit(1);
	if (what == OPENS || what == LOCKS)
		return;
	if (q_take(mine, &take, &b) != 0)
		_exit(1);
	if (what == HOLDS_TWICE && q_hold(mine, &q_batch_get(b, 0)->id, 1, &fd) != 0)
		_exit(1);
	if (what == HOLDS_ALL)
		hold_whole_file();
	if (what == TAKES_AND_CLOSES)
		q_close(mine);
}

/* It stays until it is killed. */
static pid_t
start(enum what what)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ready[0]);
		take_as(what);
		if (write(ready[1], "", 1) == 1)
			for (;;)
				(void)pause();
		_exit(1);
	}
	assert_true(pid > 0);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return (pid);
}

enum fate { LIVES, IS_STOPPED, IS_ZOMBIE, IS_GONE };

static void
meet(pid_t pid, enum fate fate)
{
	siginfo_t info;

	assert_true(pid > 0);
	if (fate == LIVES)
		return;
	assert_int_equal(kill(pid, fate == IS_STOPPED ? SIGSTOP : SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info,
			     fate == IS_STOPPED  ? WSTOPPED
			     : fate == IS_ZOMBIE ? WEXITED | WNOWAIT
						 : WEXITED),
	    0);
}

/* ---- what is said of it ---- */

static size_t
look(int wanted, struct q_holder **list)
{
	size_t n = 0;

	assert_int_equal(q_holders(q, list, &n), wanted);
	return (n);
}

/* Instead of a role: there is no row. A message whose holder is gone is not leased. */
#define NOBODY ((enum q_role)99)

static void
assert_one(enum q_role role, pid_t pid, enum q_process process)
{
	struct q_holder *list;
	size_t n = look(0, &list);

	if (role == NOBODY) {
		assert_int_equal(n, 0);
		return;
	}
	assert_int_equal(n, 1);
	assert_int_equal(list->role, role);
	assert_int_equal(list->pid, pid);
	assert_int_equal(list->process, process);
	assert_int_equal(list->command[0] != '\0',
	    process != Q_PROCESS_GONE && process != Q_PROCESS_ELSEWHERE);
	free(list);
}

static const struct {
	enum what what;
	enum fate fate;
	enum q_role role;
	enum q_process process;
} cases[] = {
	{ OPENS, LIVES, Q_ROLE_OPEN, Q_PROCESS_RUNNING },
	{ OPENS, IS_STOPPED, Q_ROLE_OPEN, Q_PROCESS_STOPPED },
	{ TAKES, LIVES, Q_ROLE_LEASE, Q_PROCESS_RUNNING },
	{ TAKES, IS_STOPPED, Q_ROLE_LEASE, Q_PROCESS_STOPPED },
	{ TAKES, IS_ZOMBIE, Q_ROLE_LEASE, Q_PROCESS_ZOMBIE },
	{ TAKES, IS_GONE, Q_ROLE_LEASE, Q_PROCESS_GONE },
	{ TAKES_AND_CLOSES, LIVES, Q_ROLE_LEASE, Q_PROCESS_GONE },
	{ HOLDS, LIVES, Q_ROLE_LEASE, Q_PROCESS_RUNNING },
	{ HOLDS, IS_STOPPED, Q_ROLE_LEASE, Q_PROCESS_STOPPED },
	{ HOLDS, IS_GONE, NOBODY, 0 },
	{ HOLDS_TWICE, LIVES, Q_ROLE_LEASE, Q_PROCESS_RUNNING },
	{ HOLDS_ALL, LIVES, Q_ROLE_LEASE, Q_PROCESS_RUNNING },
};

/* A queue with a message; the process, which inherits no handle of it. */
static pid_t
begin(enum what what)
{
	const struct q_open create = { .flags = Q_CREATE }, soon = { .lock_wait = 1 };
	const struct q_push p = { .body = "x", .size = 1 };
	size_t stored;
	pid_t pid;

	assert_int_equal(q_open(path, &create, &q), 0);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	q_close(q);
	pid = start(what);
	assert_int_equal(q_open(path, what == LOCKS ? &soon : NULL, &q), 0);
	return (pid);
}

/* pid: who is still there, or 0. */
static void
finish(pid_t pid)
{
	if (pid > 0) {
		assert_int_equal(kill(pid, SIGKILL), 0);
		(void)waitpid(pid, NULL, 0);
	}
	q_close(q);
	assert_int_equal(remove_queue(NULL), 0);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t pid = begin(cases[i].what);

		print_message("# case %zu\n", i);
		meet(pid, cases[i].fate);
		assert_one(cases[i].role, pid, cases[i].process);
		finish(cases[i].fate == IS_GONE ? 0 : pid);
	}
}

/* An owner is told by its start, and by where it runs. What one had that has ended is
 * leased no more. */
static void
test_owners(void **state)
{
	static const struct {
		uint64_t start, ns;
		enum q_process process;
		enum q_role role;
	} off[] = {
		{ 0, 0, Q_PROCESS_RUNNING, Q_ROLE_LEASE },
		{ 1, 0, Q_PROCESS_RUNNING, Q_ROLE_OPEN },
		{ 0, 1, Q_PROCESS_ELSEWHERE, Q_ROLE_LEASE },
	};
	struct q_take how = { .lease = HOUR };

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		struct request r = { .op = OP_TAKE, .take = { .how = &how } };
		struct result result = { 0 };
		struct q_holder *list;
		pid_t pid = begin(OPENS);

		how.owner = pid;
		assert_int_equal(
		    hold_owner(pid, &r.take.owner_start, &r.take.owner_ns), 0);
		r.take.owner_start += off[i].start;
		r.take.owner_ns += off[i].ns;
		assert_int_equal(batch_new(&result.taken.batch), 0);
		assert_int_equal(apply_all(q, &r, &result, 1), 0);
		assert_true(look(0, &list) > 0);
		assert_int_equal(list[0].role, off[i].role);
		if (off[i].role == Q_ROLE_LEASE)
			assert_int_equal(list[0].lease, Q_LEASE_OWNED);
		assert_int_equal(list[0].pid, pid);
		assert_int_equal(list[0].process, off[i].process);
		free(list);
		q_batch_free(result.taken.batch);
		finish(pid);
	}
}

/* No lease is of one that is not, or whose end nobody has seen yet. */
static void
test_no_owner(void **state)
{
	struct q_take how = { .lease = HOUR };
	pid_t pid = begin(OPENS);
	struct q_batch *b;
	char wanted[64];

	(void)state;
	meet(pid, IS_ZOMBIE);
	for (int i = 0; i < 2; i++) {
		how.owner = i == 0 ? -1 : pid;
		assert_int_equal(q_take(q, &how, &b), Q_EINVAL);
		(void)snprintf(
		    wanted, sizeof(wanted), "there is no process %d", (int)how.owner);
		assert_string_equal(q_errmsg(), wanted);
	}
	assert_int_equal(q_keep(q), 0); /* who holds nothing has nothing to keep */
	how.owner = 0;
	assert_int_equal(q_take(q, &how, &b), 0);
	q_batch_free(b);
	finish(pid);
}

/* What we hold ourselves nobody is seen to hold, as if he were elsewhere. */
static void
test_own(void **state)
{
	struct q_take take = { .n = 1 };
	pid_t pid = begin(OPENS);
	struct q_holder *list;
	struct q_batch *b;

	(void)state;
	assert_int_equal(q_take(q, &take, &b), 0);
	assert_int_equal(look(0, &list), 2);
	assert_int_equal(list[0].pid, getpid());
	assert_int_equal(list[0].process, Q_PROCESS_ELSEWHERE);
	free(list);
	q_batch_free(b);
	finish(pid);
}

/* Of a queue that is locked there is that to tell. */
static void
test_locked(void **state)
{
	struct q_holder *list;
	pid_t pid = begin(LOCKS);

	(void)state;
	assert_int_equal(look(Q_EBUSY, &list), 1);
	assert_int_equal(list->role, Q_ROLE_LOCK);
	assert_int_equal(list->pid, pid);
	assert_int_equal(list->process, Q_PROCESS_RUNNING);
	free(list);
	finish(pid);
}

/* ---- what /proc says ---- */

#define FIELDS " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"

static void
test_text(void **state)
{
	static const struct {
		const char *text, *name;
		char state;
	} good[] = {
		{ "1 (sh) S" FIELDS, "sh", 'S' },
		{ "1 () R" FIELDS, "", 'R' },
		{ "1 (a) b (c) Z" FIELDS, "a) b (c", 'Z' },
		{ "1 (a name of more than there is room for here) T" FIELDS,
		    "a name of more than there is ro", 'T' },
	};
	static const char *const bad[] = { "", "1", "1 sh S" FIELDS, "1 (sh S" FIELDS,
		"1 )sh( S" FIELDS, "1 (sh)", "1 (sh) ", "1 (sh)S" FIELDS,
		"1 (sh) S 1 2 3" };
	struct proc p;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(proc_parse(good[i].text, &p), 0);
		assert_string_equal(p.name, good[i].name);
		assert_int_equal(p.state, good[i].state);
		assert_int_equal(p.start, 4711);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(proc_parse(bad[i], &p), -1);
}

static void
test_states(void **state)
{
	static const char over[] = "ZX", stopped[] = "Tt";

	(void)state;
	for (const char *s = "RSDZXTtWI"; *s != '\0'; s++) {
		const struct proc p = { .state = *s };

		assert_int_equal(proc_is_over(&p), strchr(over, *s) != NULL);
		assert_int_equal(proc_is_stopped(&p), strchr(stopped, *s) != NULL);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_no_owner),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_states),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
