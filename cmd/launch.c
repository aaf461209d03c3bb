/* SPDX-License-Identifier: ISC */
/* From the name of a COMMAND to a process. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

/* Scripts have descriptors of small numbers for themselves: "9>lock". */
enum { LEASE_FD = 99 };
enum { STACK = 1 << 15 };

static int
check_file(const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0 || access(file, X_OK) != 0)
		return (errno);
	return (S_ISREG(st.st_mode) ? 0 : EACCES);
}

int
launch_lookup(const char *command, char **out)
{
	const char *path = getenv("PATH"), *end;
	int error = ENOENT, rc;

	if (strchr(command, '/') != NULL) {
		if ((rc = check_file(command)) == 0 && (*out = strdup(command)) == NULL)
			rc = ENOMEM;
		return (rc);
	}
	if (*command == '\0')
		return (ENOENT);
	for (path = path != NULL ? path : "/usr/local/bin:/usr/bin:/bin";;
	     path = end + 1) {
		end = strchrnul(path, ':');
		/* An empty element is the current directory. */
		if (asprintf(out, "%.*s%s%s", (int)(end - path), path,
			end > path ? "/" : "./", command) == -1)
			return (ENOMEM);
		if ((rc = check_file(*out)) == 0)
			return (0);
		free(*out);
		error = rc == EACCES ? EACCES : error;
		if (*end == '\0')
			return (error);
	}
}

/* What the new process does before it is the command's. */
struct start {
	const char *path;
	char **argv, **env;
	const struct launch_fds *fds;
	sigset_t none;
	int error; /* of what failed */
};

/*
 * What a terminal or a service manager sends to our group is not for the command: what
 * has come before the process had left the group goes away when it is ignored. Then it
 * gets what it would get from a shell, whatever we do with it.
 */
static void
reset_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (signal(sig, SIG_IGN) != SIG_IGN || sig == SIGPIPE ||
		    sig == SIGXFSZ || sig == SIGCHLD)
			(void)signal(sig, SIG_DFL);
}

/* Also onto itself: what is passed on is not closed. */
static int
place(int from, int to)
{
	if (from == -1)
		return (0);
	return (from == to ? fcntl(from, F_SETFD, 0) : dup2(from, to));
}

/* In the new process, in our memory: until it is another program, we do not run. */
static int
become(void *arg)
{
	struct start *s = arg;
	const struct launch_fds *f = s->fds;
	bool many = sysconf(_SC_OPEN_MAX) > LEASE_FD;

	(void)setpgid(0, 0);
	reset_signals();
	if (place(f->in, STDIN_FILENO) != -1 && place(f->out, STDOUT_FILENO) != -1 &&
	    place(f->errors, STDERR_FILENO) != -1 &&
	    place(f->said, STDERR_FILENO + 1) != -1 &&
	    place(f->hold, many ? LEASE_FD : f->hold) != -1) {
		(void)sigprocmask(SIG_SETMASK, &s->none, NULL);
		(void)execve(s->path, s->argv, s->env);
	}
	s->error = errno;
	return (127);
}

/*
 * Not by posix_spawn(3), of which a signal to our group can kill the process before it
 * is in its own, or stop it: then we would wait for ever, as it does not go on with us.
 */
static int
start(struct start *s, pid_t *pid)
{
	_Alignas(max_align_t) char stack[STACK];
	sigset_t all, before;
	int error;

	s->error = 0;
	(void)sigfillset(&all);
	(void)sigemptyset(&s->none);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	*pid = clone(become, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, s);
	error = *pid == -1 ? errno : s->error;
	if (*pid != -1 && error != 0)
		(void)waitpid(*pid, NULL, 0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return (error);
}

int
launch_command(
    const char *path, char **argv, char **env, const struct launch_fds *fds, pid_t *pid)
{
	struct start s = { .path = path, .argv = argv + 1, .env = env, .fds = fds };
	int error = start(&s, pid);

	if (error == ENOEXEC) {
		char *name = argv[1];

		argv[1] = (char *)(uintptr_t)path;
		s.path = "/bin/sh";
		s.argv = argv;
		error = start(&s, pid);
		argv[1] = name;
	}
	return (error);
}
