/* SPDX-License-Identifier: ISC */
/*
 * How long after the start of a process that pushes a message it is in the hands of one
 * that waits for it:
 *
 *     bench-wake QPUSH QPOP QUEUE WAITERS COUNT
 *
 * Starts WAITERS of "QPOP -n all -l -w QUEUE", then COUNT times "QPUSH QUEUE x", one
 * after another. Prints the median, 99th percentile and longest milliseconds. Without
 * waiters, how long the process takes that pushes, which is the floor.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { MOST = 1024 };

extern char **environ;

static pid_t
start(char **argv, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&actions);
	if (out != -1)
		(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0) {
		fprintf(stderr, "bench-wake: cannot start %s\n", argv[0]);
		exit(3);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return (pid);
}

/* Until a line comes, or until it has ended. */
static double
push(char **argv, bool waited_for, int from)
{
	double t = bench_ms();
	pid_t pid = start(argv, -1);
	char line[8];
	int status;

	if (waited_for && read(from, line, 2) != 2) { /* "x\n" */
		fprintf(stderr, "bench-wake: nothing came\n");
		exit(3);
	}
	if (waited_for)
		t = bench_ms() - t;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		exit(3);
	return (waited_for ? t : bench_ms() - t);
}

int
main(int argc, char **argv)
{
	int waiters = argc == 6 ? atoi(argv[4]) : -1;
	int count = argc == 6 ? atoi(argv[5]) : 0;
	static char options[] = "-lw", count_option[] = "-nall", body[] = "x";
	char *pop[] = { argv[2], count_option, options, argv[3], NULL };
	char *push_one[] = { argv[1], argv[3], body, NULL };
	pid_t pids[MOST];
	double *ms;
	int ends[2];

	if (waiters < 0 || waiters > MOST || count < 1 ||
	    (ms = calloc((size_t)count, sizeof(*ms))) == NULL ||
	    pipe2(ends, O_CLOEXEC) != 0) {
		fprintf(stderr, "usage: bench-wake QPUSH QPOP QUEUE WAITERS COUNT\n");
		return (2);
	}
	for (int i = 0; i < waiters; i++)
		pids[i] = start(pop, ends[1]);
	(void)usleep(500000); /* all sleep by then; one who does not is only slower */
	for (int i = 0; i < count; i++) {
		ms[i] = push(push_one, waiters > 0, ends[0]);
		(void)usleep(10000); /* until it sleeps again */
	}
	for (int i = 0; i < waiters; i++) {
		(void)kill(pids[i], SIGTERM);
		(void)waitpid(pids[i], NULL, 0);
	}
	qsort(ms, (size_t)count, sizeof(*ms), bench_compare);
	printf("%.3f %.3f %.3f\n", ms[count / 2], ms[count * 99 / 100], ms[count - 1]);
	free(ms);
	return (0);
}
