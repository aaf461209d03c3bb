/* SPDX-License-Identifier: ISC */
/*
 * Processes that push without pause, each through a handle of its own:
 *
 *     bench-writers QUEUE PROCESSES SECONDS
 *
 * Prints pushes a second, and the median, 99th percentile and longest milliseconds of
 * one. Each process pushes bodies of 100 bytes: its number, a space, and a count. What
 * was stored is verified: as many messages as pushes that succeeded.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { SAMPLES = 1 << 16 };

/* Of one process, in memory that all share. */
struct writer {
	uint64_t pushes;
	double longest;
	float ms[SAMPLES];
};

static void
writer(const char *path, int number, struct writer *w, double begin, double end)
{
	char body[100] = "";
	struct q_push message = { .body = body, .size = sizeof(body) };
	struct q *q;
	size_t stored;
	double t, took;

	bench_check(q_open(path, NULL, &q), path);
	while ((t = bench_ms()) < begin)
		(void)usleep(1000);
	for (; t < end; t += took) {
		(void)snprintf(body, sizeof(body), "%d %llu", number,
		    (unsigned long long)w->pushes);
		bench_check(q_push(q, &message, 1, 0, &stored, NULL), "push");
		took = bench_ms() - t;
		w->ms[w->pushes++ % SAMPLES] = (float)took;
		if (took > w->longest)
			w->longest = took;
	}
	q_close(q);
}

static int
compare(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

static void
report(const struct writer *w, int n, double seconds)
{
	float *all = malloc((size_t)n * sizeof(w->ms));
	uint64_t pushes = 0;
	double longest = 0;
	size_t count = 0;

	if (all == NULL)
		exit(3);
	for (int i = 0; i < n; i++) {
		size_t some = w[i].pushes < SAMPLES ? w[i].pushes : SAMPLES;

		memcpy(all + count, w[i].ms, some * sizeof(*all));
		count += some;
		pushes += w[i].pushes;
		longest = w[i].longest > longest ? w[i].longest : longest;
	}
	qsort(all, count, sizeof(*all), compare);
	printf("%.0f %.3f %.3f %.3f\n", (double)pushes / seconds, all[count / 2],
	    all[count * 99 / 100], longest);
	free(all);
}

static uint64_t
waiting(const char *path)
{
	struct q_open open = { .flags = Q_CREATE | Q_PARENTS };
	struct q_stat stat;
	struct q *q;

	bench_check(q_open(path, &open, &q), path);
	bench_check(q_stat(q, &stat), path);
	q_close(q);
	return (stat.count[Q_READY]);
}

int
main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[2]) : 0, status, failed = 0;
	double seconds = argc == 4 ? atof(argv[3]) : 0, begin;
	uint64_t before, pushes = 0;
	struct writer *w;

	if (n < 1 || seconds <= 0) {
		fprintf(stderr, "usage: bench-writers QUEUE PROCESSES SECONDS\n");
		return (2);
	}
	w = mmap(NULL, (size_t)n * sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return (3);
	before = waiting(argv[1]);
	begin = bench_ms() + 200;
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			writer(argv[1], i, &w[i], begin, begin + seconds * 1e3);
			_exit(0);
		}
	while (wait(&status) > 0)
		failed += status != 0;
	for (int i = 0; i < n; i++)
		pushes += w[i].pushes;
	if (failed > 0 || waiting(argv[1]) - before != pushes) {
		fprintf(stderr, "bench-writers: %d failed; %llu pushed, %llu stored\n",
		    failed, (unsigned long long)pushes,
		    (unsigned long long)(waiting(argv[1]) - before));
		return (1);
	}
	report(w, n, seconds);
	return (0);
}
