/* SPDX-License-Identifier: ISC */
/* From the name of a COMMAND to a process. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"

/* Scripts have descriptors of small numbers for themselves: "9>lock". */
enum { LEASE_FD = 99 };

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

static void
set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, defaults;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	(void)sigaddset(&defaults, SIGCHLD);
	(void)posix_spawnattr_setsigdefault(attr, &defaults);
	(void)posix_spawnattr_setsigmask(attr, &none);
	/* A group of its own: what the terminal sends to us is not for it. */
	(void)posix_spawnattr_setpgroup(attr, 0);
	(void)posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

int
launch_command(
    const char *path, char **argv, char **env, const struct launch_fds *fds, pid_t *pid)
{
	const int from[] = { fds->in, fds->out, fds->errors, fds->said, fds->hold };
	/* Onto itself: that, too, clears close-on-exec. */
	const int to[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
		STDERR_FILENO + 1,
		sysconf(_SC_OPEN_MAX) > LEASE_FD ? LEASE_FD : fds->hold };
	posix_spawn_file_actions_t act;
	posix_spawnattr_t attr;
	int error = 0;

	(void)posix_spawnattr_init(&attr);
	set_signals(&attr);
	(void)posix_spawn_file_actions_init(&act);
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]) && error == 0; i++)
		if (from[i] != -1)
			error = posix_spawn_file_actions_adddup2(&act, from[i], to[i]);
	if (error == 0)
		error = posix_spawn(pid, path, &act, &attr, argv + 1, env);
	if (error == ENOEXEC) {
		char *name = argv[1];

		argv[1] = (char *)(uintptr_t)path;
		error = posix_spawn(pid, "/bin/sh", &act, &attr, argv, env);
		argv[1] = name;
	}
	(void)posix_spawn_file_actions_destroy(&act);
	(void)posix_spawnattr_destroy(&attr);
	return (error);
}
