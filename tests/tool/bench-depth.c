/* SPDX-License-Identifier: ISC */
/*
 * What a push and a take cost a resident process while many messages wait:
 *
 *     bench-depth QUEUE DEPTH LOOPS
 *
 * Fills the queue at path QUEUE to DEPTH messages, then pushes one and takes and
 * acknowledges one, LOOPS times. Prints the median microseconds and the mean processor
 * microseconds, of a push and then of a take with its acknowledgement.
 */
#include <string.h>

#include "bench.h"

enum { BODY = 100, FILL = 4096 };

struct cost {
	double *us;
	double cpu;
	size_t n;
};

static char body[BODY];

static void
fill(struct q *q, uint64_t depth)
{
	static struct q_push messages[FILL];
	struct q_stat stat;
	size_t stored;

	for (int i = 0; i < FILL; i++)
		messages[i] = (struct q_push){ .body = body, .size = sizeof(body) };
	bench_check(q_stat(q, &stat), "stat");
	for (uint64_t n = stat.count[Q_READY]; n < depth; n += stored) {
		size_t want = depth - n < FILL ? (size_t)(depth - n) : FILL;

		bench_check(q_push(q, messages, want, 0, &stored, NULL), "fill");
	}
}

static void
measure(struct cost *c, void (*f)(struct q *), struct q *q)
{
	double us = bench_us(CLOCK_MONOTONIC);
	double cpu = bench_us(CLOCK_PROCESS_CPUTIME_ID);

	f(q);
	c->cpu += bench_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	c->us[c->n++] = bench_us(CLOCK_MONOTONIC) - us;
}

static void
print(struct cost *c, const char *end)
{
	qsort(c->us, c->n, sizeof(*c->us), bench_compare);
	printf("%.2f %.2f%s", c->us[c->n / 2], c->cpu / (double)c->n, end);
}

int
main(int argc, char **argv)
{
	struct q_open open = { .flags = Q_CREATE | Q_PARENTS };
	struct cost push = { 0 }, take = { 0 };
	struct q *q;
	long loops;

	if (argc != 4 || (loops = atol(argv[3])) < 1) {
		fprintf(stderr, "usage: bench-depth QUEUE DEPTH LOOPS\n");
		return (2);
	}
	push.us = calloc((size_t)loops, sizeof(*push.us));
	take.us = calloc((size_t)loops, sizeof(*take.us));
	if (push.us == NULL || take.us == NULL)
		return (3);
	memset(body, 'x', sizeof(body));
	bench_check(q_open(argv[1], &open, &q), "open");
	bench_check(q_option_set(q, Q_OPT_MAX_MESSAGES, 0), "no limit");
	fill(q, strtoull(argv[2], NULL, 10));
	for (long i = 0; i < loops; i++) {
		measure(&push, bench_push, q);
		measure(&take, bench_take, q);
	}
	q_close(q);
	print(&push, " ");
	print(&take, "\n");
	free(push.us);
	free(take.us);
	return (0);
}
