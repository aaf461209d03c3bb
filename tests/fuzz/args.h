/* SPDX-License-Identifier: ISC */
#ifndef ARGS_H
#define ARGS_H

/*
 * Fuzzing of a command line: a file that includes this has included a command, its main
 * renamed to command_main. The words of the input are its arguments. Each runs in a
 * process of its own, below a directory of its own, where it finds two queues; it finds
 * no programs, and nothing elsewhere, for no word may have a slash.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "q.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGS_WORDS = 24, ARGS_MS = 200 };

static char args_dir[] = "/tmp/q-args.XXXXXX";

static void
args_remove(void)
{
	char command[sizeof(args_dir) + 16];

	(void)snprintf(command, sizeof(command), "rm -rf %s", args_dir);
	(void)system(command);
}

static void
args_make(const char *name)
{
	const struct q_open make = { .flags = Q_CREATE };
	const struct q_push messages[] = { { .body = "one", .size = 3 },
		{ .body = "two", .size = 3, .group = "g" },
		{ .body = "three", .size = 5, .delay = 3600 * Q_SECOND } };
	char path[64];
	size_t stored;
	struct q *q;

	(void)snprintf(path, sizeof(path), "%s/root/%s", args_dir, name);
	if (q_open(path, &make, &q) != 0 ||
	    q_push(q, messages, 3, 0, &stored, NULL) != 0)
		abort();
	q_close(q);
}

static void
args_begin(void)
{
	char path[64];

	if (mkdtemp(args_dir) == NULL)
		abort();
	(void)atexit(args_remove);
	(void)snprintf(path, sizeof(path), "%s/root", args_dir);
	if (mkdir(path, 0700) != 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/work", args_dir);
	if (mkdir(path, 0700) != 0)
		abort();
	args_make("jobs");
	args_make("a");
}

/* The words are separated by newlines. */
static int
args_split(char *text, char **argv)
{
	int argc = 1;

	argv[0] = (char *)(uintptr_t) "command";
	for (char *p = text; p != NULL && argc < ARGS_WORDS;) {
		argv[argc++] = p;
		if ((p = strchr(p, '\n')) != NULL)
			*p++ = '\0';
	}
	argv[argc] = NULL;
	return (argc);
}

/* Before what the fuzzer does at its end; after what the command does. */
static void
args_end(int status, void *unused)
{
	(void)unused;
	_exit(status);
}

static _Noreturn void
args_run(char *text)
{
	const struct itimerval limit = { .it_value = { .tv_usec = ARGS_MS * 1000 } };
	char *argv[ARGS_WORDS + 1];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), argc = args_split(text, argv);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (getenv("ARGS_SHOWN") == NULL)
		(void)dup2(null, STDERR_FILENO);
	if (chdir(args_dir) != 0 || chdir("work") != 0 || on_exit(args_end, NULL) != 0)
		_exit(3);
	(void)setenv("Q_ROOT", "../root", 1);
	(void)setenv("HOME", ".", 1);
	(void)setenv("PATH", "nowhere", 1);
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	/* Some wait for ever, as they are told. */
	(void)setitimer(ITIMER_REAL, &limit, NULL);
	exit(command_main(argc, argv));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	int status;
	pid_t pid;

	if (args_dir[sizeof(args_dir) - 2] == 'X')
		args_begin();
	if (memchr(data, '/', size) != NULL || (text = malloc(size + 1)) == NULL)
		return (0);
	memcpy(text, data, size);
	text[size] = '\0';
	if ((pid = fork()) == 0)
		args_run(text);
	free(text);
	if (pid == -1)
		abort();
	while (waitpid(pid, &status, 0) != pid)
		; /* the fuzzer has an alarm */
	if (WIFSIGNALED(status)
		? WTERMSIG(status) != SIGALRM
		: WEXITSTATUS(status) > 4 && WEXITSTATUS(status) != 65 &&
		      WEXITSTATUS(status) != 75 && WEXITSTATUS(status) != 124)
		abort();
	return (0);
}

#endif
