/* SPDX-License-Identifier: ISC */
/*
 * Run a command many times, in one or many processes at once, and say what it cost:
 *
 *     bench-spawn COUNT PROCESSES COMMAND [ARG...]
 *
 * {} in an argument becomes a body of 100 bytes that no other run gets. Each run has
 * all of stdin, if that is a file; the commands' stdout is discarded. Prints: seconds
 * in all, runs with status 0, other runs, median and worst milliseconds of a run,
 * largest resident set in KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { BODY = 100, MAX_ARGS = 64, MAX_RUNS = 10000000 };

struct shared { /* written by the worker of a process, read when all are done */
	long ok, failed, rss;
};

struct job {
	char **argv;
	long count;
	int out; /* /dev/null */
	double *ms;
	struct shared *shared;
};

extern char **environ;

static void
die(const char *what)
{
	fprintf(stderr, "bench-spawn: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void *
share(size_t size)
{
	void *p =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (p);
}

/* arg with {} replaced by body: arg itself if it has none, else the caller's to free.
 */
static char *
with_body(char *arg, const char *body)
{
	char *mark = strstr(arg, "{}"), *text;

	if (mark == NULL)
		return (arg);
	if (asprintf(&text, "%.*s%s%s", (int)(mark - arg), arg, body, mark + 2) == -1)
		die("asprintf");
	return (text);
}

static void
run_once(const struct job *job, const char *body, double *ms, struct shared *s)
{
	char *argv[MAX_ARGS + 1] = { NULL };
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	double start;
	pid_t pid;
	int rc, status;

	for (int i = 0; job->argv[i] != NULL; i++)
		argv[i] = with_body(job->argv[i], body);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, job->out, STDOUT_FILENO);
	(void)lseek(STDIN_FILENO, 0, SEEK_SET);
	start = bench_ms();
	if ((rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ)) != 0) {
		errno = rc;
		die(argv[0]);
	}
	while (wait4(pid, &status, 0, &usage) == -1)
		if (errno != EINTR)
			die("wait4");
	*ms = bench_ms() - start;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		s->ok++;
	else
		s->failed++;
	if (usage.ru_maxrss > s->rss)
		s->rss = usage.ru_maxrss;
	(void)posix_spawn_file_actions_destroy(&actions);
	for (int i = 0; job->argv[i] != NULL; i++)
		if (argv[i] != job->argv[i])
			free(argv[i]);
}

static void
run_all(const struct job *job, long process)
{
	char body[BODY + 1];

	for (long n = 0; n < job->count; n++) {
		int used = snprintf(body, sizeof(body), "%04ld.%08ld.", process, n);

		memset(body + used, 'x', sizeof(body) - 1 - (size_t)used);
		body[BODY] = '\0';
		run_once(job, body, &job->ms[process * job->count + n],
		    &job->shared[process]);
	}
}

/* Start processes that wait for one another, and wait for their end: milliseconds. */
static double
run_parallel(const struct job *job, long processes)
{
	int gate[2], status;
	double start;
	char c;

	if (pipe2(gate, O_CLOEXEC) != 0)
		die("pipe");
	for (long p = 0; p < processes; p++) {
		pid_t pid = fork();

		if (pid == -1)
			die("fork");
		if (pid != 0)
			continue;
		(void)close(gate[1]);
		(void)read(gate[0], &c, 1); /* ends when the parent closes its side */
		run_all(job, p);
		_exit(0);
	}
	(void)close(gate[0]);
	start = bench_ms();
	(void)close(gate[1]);
	for (long p = 0; p < processes; p++)
		if (wait(&status) == -1 || status != 0)
			die("a process failed");
	return (bench_ms() - start);
}

static void
report(const struct job *job, long processes, double ms)
{
	struct shared sum = { 0 };
	size_t runs = (size_t)(processes * job->count);

	for (long p = 0; p < processes; p++) {
		sum.ok += job->shared[p].ok;
		sum.failed += job->shared[p].failed;
		if (job->shared[p].rss > sum.rss)
			sum.rss = job->shared[p].rss;
	}
	qsort(job->ms, runs, sizeof(*job->ms), bench_compare);
	printf("%.6f %ld %ld %.4f %.4f %ld\n", ms / 1e3, sum.ok, sum.failed,
	    job->ms[runs / 2], job->ms[runs - 1], sum.rss);
}

int
main(int argc, char **argv)
{
	struct job job = { .argv = argv + 3 };
	long processes;
	double ms;

	if (argc < 4 || argc - 3 > MAX_ARGS || (job.count = atol(argv[1])) < 1 ||
	    (processes = atol(argv[2])) < 1 || job.count > MAX_RUNS / processes) {
		fprintf(
		    stderr, "usage: bench-spawn COUNT PROCESSES COMMAND [ARG...]\n");
		return (2);
	}
	job.ms = share((size_t)(processes * job.count) * sizeof(*job.ms));
	job.shared = share((size_t)processes * sizeof(*job.shared));
	if ((job.out = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1)
		die("/dev/null");
	if (processes > 1) {
		ms = run_parallel(&job, processes);
	} else {
		ms = bench_ms();
		run_all(&job, 0);
		ms = bench_ms() - ms;
	}
	report(&job, processes, ms);
	return (fflush(stdout) == 0 ? 0 : 3);
}
