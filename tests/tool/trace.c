/* SPDX-License-Identifier: ISC */
/*
 * trace [-f] [-a NAME] [-k N | -e N:ERRNO[:TIMES] | -s N | -x N:SCRIPT] [-t SECONDS]
 *       -r FILE -- COMMAND
 *
 * Run COMMAND, count its system calls from the first call of NAME on, and at the N-th
 * kill it before the call is made (-k), let the call fail with ERRNO instead of being
 * made (-e; for TIMES of the same kind, 1 if not given), let it move half of its bytes
 * (-s), or run SCRIPT by the shell before it is made (-x). -f counts what it starts,
 * too; else that runs untouched, and is waited for, and what COMMAND becomes, too. FILE
 * gets one line: what was hit, and how COMMAND ended.
 *
 * SECONDS in which this process runs: while it is stopped, COMMAND is not late.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registers.h"

enum action { COUNT, KILL, FAIL, SHORT, RUN };
enum { TASKS = 256 };

/* What a call is named in reports, and whether it can fail at all. */
static const struct {
	long nr;
	const char *name;
	bool sure;
} calls[] = {
	{ SYS_brk, "brk", false },
	{ SYS_clock_nanosleep, "clock_nanosleep", false },
	{ SYS_clone, "clone", false },
	{ SYS_clone3, "clone3", false },
	{ SYS_close, "close", false },
	{ SYS_execve, "execve", false },
	{ SYS_exit, "exit", true },
	{ SYS_exit_group, "exit_group", true },
	{ SYS_fallocate, "fallocate", false },
	{ SYS_fchmod, "fchmod", false },
	{ SYS_fchmodat, "fchmodat", false },
	{ SYS_fchown, "fchown", false },
	{ SYS_fcntl, "fcntl", false },
	{ SYS_fdatasync, "fdatasync", false },
	{ SYS_flock, "flock", false },
	{ SYS_fstatfs, "fstatfs", false },
	{ SYS_fsync, "fsync", false },
	{ SYS_ftruncate, "ftruncate", false },
	{ SYS_futex, "futex", true }, /* libc ends the process */
	{ SYS_getdents64, "getdents64", false },
	{ SYS_getegid, "getegid", true },
	{ SYS_geteuid, "geteuid", true },
	{ SYS_getgid, "getgid", true },
	{ SYS_getpid, "getpid", true },
	{ SYS_getrandom, "getrandom", false },
	{ SYS_gettid, "gettid", true },
	{ SYS_getuid, "getuid", true },
	{ SYS_ioctl, "ioctl", false },
	{ SYS_kill, "kill", false },
	{ SYS_lseek, "lseek", false },
	{ SYS_memfd_create, "memfd_create", false },
	{ SYS_mkdirat, "mkdirat", false },
	{ SYS_mmap, "mmap", false },
	{ SYS_mprotect, "mprotect", false },
	{ SYS_munmap, "munmap", false },
	{ SYS_newfstatat, "newfstatat", false },
	{ SYS_openat, "openat", false },
	{ SYS_pidfd_open, "pidfd_open", false },
	{ SYS_pipe2, "pipe2", false },
	{ SYS_ppoll, "ppoll", false },
	{ SYS_pread64, "pread64", false },
	{ SYS_prlimit64, "prlimit64", false },
	{ SYS_pwrite64, "pwrite64", false },
	{ SYS_pwritev, "pwritev", false },
	{ SYS_read, "read", false },
	{ SYS_renameat2, "renameat2", false },
	{ SYS_rt_sigaction, "rt_sigaction", false },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", false },
	{ SYS_rt_sigreturn, "rt_sigreturn", true },
	{ SYS_setitimer, "setitimer", false },
	{ SYS_setpgid, "setpgid", false },
	{ SYS_umask, "umask", true },
	{ SYS_unlinkat, "unlinkat", false },
	{ SYS_wait4, "wait4", false },
	{ SYS_waitid, "waitid", false },
	{ SYS_write, "write", false },
	{ SYS_writev, "writev", false },
#ifdef __x86_64__ /* newer machines lack these, or some of them */
	{ SYS_access, "access", false },
	{ SYS_arch_prctl, "arch_prctl", true },
	{ SYS_dup2, "dup2", false },
	{ SYS_mkdir, "mkdir", false },
	{ SYS_open, "open", false },
	{ SYS_poll, "poll", false },
	{ SYS_readlink, "readlink", false },
	{ SYS_rename, "rename", false },
	{ SYS_renameat, "renameat", false },
	{ SYS_unlink, "unlink", false },
	{ SYS_vfork, "vfork", false },
#endif
};

static struct {
	enum action action;
	unsigned long at;
	long error;
	unsigned long times;
	long from; /* the number of the call that starts the count */
	bool follow;
	const char *report, *script;
} plan = { .times = 1, .from = -1 };

static struct {
	pid_t main;
	int status;                   /* of main */
	bool over, counting, another; /* program than COMMAND */
	unsigned long count, hits, execs;
	long nr; /* of the call that was hit */
	long fd; /* its first argument */
} run = { .nr = -1 };

/* Tasks seen, and whether the call each is in is to fail when it returns. */
static struct {
	pid_t pid;
	bool fails;
} tasks[TASKS];
static size_t task_count;

static volatile sig_atomic_t ticks_left, late;

static void
die(const char *what)
{
	(void)fprintf(stderr, "trace: %s: %s\n", what, strerror(errno));
	exit(125);
}

static const char *
name_of(long nr)
{
	static char number[32];

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].nr == nr)
			return (calls[i].name);
	(void)snprintf(number, sizeof(number), "%ld", nr);
	return (nr == -1 ? "none" : number);
}

static bool
cannot_fail(long nr)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].nr == nr)
			return (calls[i].sure);
	return (false);
}

static long
number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return (calls[i].nr);
	errno = EINVAL;
	die(name);
	return (-1);
}

/* The place of a task; *is_new tells that it was not known. */
static size_t
task_of(pid_t pid, bool *is_new)
{
	size_t i;

	for (i = 0; i < task_count && tasks[i].pid != pid; i++)
		;
	*is_new = i == task_count;
	if (*is_new) {
		if (task_count == TASKS) {
			errno = ENOBUFS;
			die("tasks");
		}
		tasks[task_count].pid = pid;
		tasks[task_count++].fails = false;
	}
	return (i);
}

/* Whether a call that moves bytes can move fewer; then it does. */
static bool
shorten(pid_t pid, long nr, uint64_t size)
{
	switch (nr) {
	case SYS_read:
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev: /* vectors, of one or more pages each */
	case SYS_pwritev:
		return (size >= 2 && set_register(pid, THIRD, size / 2));
	default:
		return (false);
	}
}

static void
hit(long nr, uint64_t first)
{
	if (run.hits++ == 0) {
		run.nr = nr;
		run.fd = (long)first;
	}
}

/* Whether a call of this number is to fail. */
static bool
is_due(long nr)
{
	if (plan.action != FAIL || cannot_fail(nr) || run.hits >= plan.times)
		return (false);
	return (run.hits == 0 ? run.count == plan.at : nr == run.nr);
}

static void
on_entry(pid_t pid, size_t task, const struct __ptrace_syscall_info *info)
{
	long nr = (long)info->entry.nr;

	if (!run.counting && !run.another && (plan.from == -1 || nr == plan.from))
		run.counting = true;
	/* A count of calls that can fail leaves no number without a case. */
	if (!run.counting || (plan.action == FAIL && cannot_fail(nr)))
		return;
	run.count++;
	if (plan.action == KILL && run.count == plan.at) {
		hit(nr, info->entry.args[0]);
		(void)kill(pid, SIGKILL);
		return;
	}
	if (plan.action == RUN && run.count == plan.at) {
		hit(nr, info->entry.args[0]);
		(void)system(plan.script);
		return;
	}
	if (!is_due(nr) && !(plan.action == SHORT && run.count == plan.at))
		return;
	if (plan.action == SHORT) {
		if (shorten(pid, nr, info->entry.args[2]))
			hit(nr, info->entry.args[0]);
		return;
	}
	/* The kernel closes, whatever it says of that. */
	if (nr != SYS_close && !skip_call(pid))
		return;
	tasks[task].fails = true;
	hit(nr, info->entry.args[0]);
}

static void
on_return(pid_t pid, size_t task)
{
	if (!tasks[task].fails)
		return;
	tasks[task].fails = false;
	/* brk(2) never returns an error, but the break it left. */
	(void)set_register(
	    pid, RESULT, run.nr == SYS_brk ? 0 : (unsigned long)-plan.error);
}

/* A task has stopped: the signal to go on with. */
static int
on_stop(pid_t pid, int status)
{
	struct __ptrace_syscall_info info;
	bool is_new;
	size_t task = task_of(pid, &is_new);

	/* The first makes it COMMAND. */
	if (status >> 16 == PTRACE_EVENT_EXEC && run.execs++ > 0 && !plan.follow) {
		run.counting = false;
		run.another = true;
	}
	if (status >> 16 != 0) /* an event of ours */
		return (0);
	if (WSTOPSIG(status) != (SIGTRAP | 0x80))
		return (is_new && WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return (0); /* it was killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(pid, task, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		on_return(pid, task);
	return (0);
}

static void
alarmed(int sig)
{
	(void)sig;
	late = --ticks_left <= 0;
}

static void
follow_all(void)
{
	pid_t pid;
	int status;

	while (late == 0) {
		pid = waitpid(-1, &status, __WALL);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			return; /* all have ended */
		if (WIFSTOPPED(status)) {
			int sig = on_stop(pid, status);

			(void)ptrace(PTRACE_SYSCALL, pid, NULL, (long)sig);
		} else if (pid == run.main) {
			run.status = status;
			run.over = true;
		}
	}
	(void)kill(run.main, SIGKILL); /* those it started die with this process */
}

static void
report(void)
{
	FILE *f = fopen(plan.report, "we");
	const char *how = "hang";
	int number = 0;

	if (f == NULL)
		die(plan.report);
	if (late == 0 && run.over) {
		how = WIFEXITED(run.status) ? "exit" : "signal";
		number = WIFEXITED(run.status) ? WEXITSTATUS(run.status)
		                               : WTERMSIG(run.status);
	}
	(void)fprintf(f, "%lu %lu %s %ld %s %d\n", run.count, run.hits, name_of(run.nr),
	    run.fd, how, number);
	if (fclose(f) != 0)
		die(plan.report);
}

static void
start(char **command)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;
	bool is_new;
	int status;

	if ((run.main = fork()) == -1)
		die("fork");
	if (run.main == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
			die("ptrace");
		(void)execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(run.main, &status, 0) != run.main || !WIFSTOPPED(status))
		die("wait");
	(void)task_of(run.main, &is_new);
	if (plan.follow)
		options |=
		    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	if (ptrace(PTRACE_SETOPTIONS, run.main, NULL, options) != 0 ||
	    ptrace(PTRACE_SYSCALL, run.main, NULL, NULL) != 0)
		die("ptrace");
}

static void
set_error(const char *text)
{
	char *end;

	plan.action = FAIL;
	plan.at = strtoul(text, &end, 10);
	if (*end == ':')
		plan.error = strtol(end + 1, &end, 10);
	if (*end == ':')
		plan.times = strtoul(end + 1, &end, 10);
}

static void
set_script(char *text)
{
	char *end;

	plan.action = RUN;
	plan.at = strtoul(text, &end, 10);
	plan.script = end + (*end == ':');
}

static void
set_limit(long seconds)
{
	struct sigaction act = { .sa_handler = alarmed };
	const struct itimerval timer = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	ticks_left = (sig_atomic_t)seconds;
	(void)sigaction(SIGALRM, &act, NULL);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+fa:k:e:s:x:t:r:")) != -1) {
		if (c == 'f')
			plan.follow = true;
		else if (c == 'a')
			plan.from = number_of(optarg);
		else if (c == 'e')
			set_error(optarg);
		else if (c == 'x')
			set_script(optarg);
		else if (c == 't')
			set_limit(strtol(optarg, NULL, 10));
		else if (c == 'r')
			plan.report = optarg;
		else if (c == 'k' || c == 's') {
			plan.action = c == 'k' ? KILL : SHORT;
			plan.at = strtoul(optarg, NULL, 10);
		} else
			return (125);
	}
	if (plan.report == NULL || optind == argc) {
		(void)fprintf(stderr, "usage: trace [-f] [-a NAME] [-k N | "
				      "-e N:ERRNO[:TIMES] | -s N | -x N:SCRIPT] "
				      "[-t SECONDS] -r FILE -- COMMAND\n");
		return (125);
	}
	/* Orphans of COMMAND are waited for here. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	start(argv + optind);
	follow_all();
	report();
	return (0);
}
