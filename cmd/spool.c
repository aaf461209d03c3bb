/* SPDX-License-Identifier: ISC */
/* The output of a command, kept in a nameless file until the command has succeeded. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "launch.h"
#include "stop.h"
#include "text.h"

#include "spool.h"

extern char **environ;

static int
open_spool(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (dir == NULL || *dir == '\0')
		dir = "/tmp";
	if ((fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600)) == -1)
		diag_die(DIAG_FAILED, dir, "cannot make a temporary file: %s",
		    strerror(errno));
	return (fd);
}

/* A script without '#!' is the shell's. */
static int
start_script(const char *path, char **command,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    pid_t *pid)
{
	size_t n = 0;
	char **argv;
	int error;

	while (command[n] != NULL)
		n++;
	if ((argv = calloc(n + 2, sizeof(*argv))) == NULL)
		return (ENOMEM);
	memcpy(argv + 1, command, n * sizeof(*argv));
	argv[0] = (char *)(uintptr_t) "sh";
	argv[1] = (char *)(uintptr_t)path;
	error = posix_spawn(pid, "/bin/sh", actions, attr, argv, environ);
	free(argv);
	return (error);
}

static int
start(char **command, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attr, pid_t *pid)
{
	char *path;
	int error = launch_lookup(command[0], &path);

	if (error != 0)
		return (error);
	error = posix_spawn(pid, path, actions, attr, command, environ);
	if (error == ENOEXEC)
		error = start_script(path, command, actions, attr, pid);
	free(path);
	return (error);
}

/* What wait(2) says of it; ends the process when it cannot be run. */
static int
run(char **command, int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int error, status;
	pid_t pid, ended;

	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	(void)sigaddset(&defaults, SIGCHLD);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, its end would go unseen */
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawn_file_actions_init(&actions);
	error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (error == 0)
		error = start(command, &actions, &attr, &pid);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	if (error != 0)
		diag_die(
		    DIAG_FAILED, command[0], "%s; nothing stored", strerror(error));
	while ((ended = waitpid(pid, &status, 0)) == -1 && stop_signal() == 0)
		if (errno != EINTR)
			diag_die(DIAG_FAILED, command[0], "wait: %s", strerror(errno));
	if (stop_signal() != 0) {
		/* A terminal has told the command, too; others tell us alone. */
		if (ended == -1)
			(void)kill(pid, stop_signal());
		diag_error(command[0], "interrupted; nothing stored");
		stop_exit();
	}
	return (status);
}

int
spool_command(char **command)
{
	int fd = open_spool(), status;
	char name[TEXT_SIGNAL];

	status = run(command, fd);
	if (WIFSIGNALED(status))
		diag_die(DIAG_COMMAND, command[0], "killed by %s; nothing stored",
		    text_signal(name, WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		diag_die(DIAG_COMMAND, command[0], "exited %d; nothing stored",
		    WEXITSTATUS(status));
	if (lseek(fd, 0, SEEK_SET) == -1)
		diag_die(
		    DIAG_FAILED, command[0], "temporary file: %s", strerror(errno));
	return (fd);
}
