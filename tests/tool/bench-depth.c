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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "q.h"

enum { BODY = 100, FILL = 4096 };

struct cost {
	double *us;
	double cpu;
	size_t n;
};

static char body[BODY];

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench-depth: %s: %s\n", what, q_errmsg());
	exit(3);
}

static double
microseconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return ((double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3);
}

static void
fill(struct q *q, uint64_t depth)
{
	static struct q_push messages[FILL];
	struct q_stat stat;
	size_t stored;

	for (int i = 0; i < FILL; i++)
		messages[i] = (struct q_push){ .body = body, .size = sizeof(body) };
	check(q_stat(q, &stat), "stat");
	for (uint64_t n = stat.count[Q_READY]; n < depth; n += stored) {
		size_t want = depth - n < FILL ? (size_t)(depth - n) : FILL;

		check(q_push(q, messages, want, 0, &stored, NULL), "fill");
	}
}

static void
push_one(struct q *q)
{
	struct q_push message = { .body = body, .size = sizeof(body) };
	size_t stored;

	check(q_push(q, &message, 1, 0, &stored, NULL), "push");
}

static void
take_one(struct q *q)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	struct q_take args = { .n = 1 };
	struct q_batch *batch;

	check(q_take(q, &args, &batch), "take");
	check(q_batch_settle(q, &ack, batch, 0, 1), "acknowledge");
	q_batch_free(batch);
}

static void
measure(struct cost *c, void (*f)(struct q *), struct q *q)
{
	double us = microseconds(CLOCK_MONOTONIC);
	double cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);

	f(q);
	c->cpu += microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	c->us[c->n++] = microseconds(CLOCK_MONOTONIC) - us;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

static void
print(struct cost *c, const char *end)
{
	qsort(c->us, c->n, sizeof(*c->us), compare);
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
	check(q_open(argv[1], &open, &q), "open");
	check(q_option_set(q, Q_OPT_MAX_MESSAGES, 0), "no limit");
	fill(q, strtoull(argv[2], NULL, 10));
	for (long i = 0; i < loops; i++) {
		measure(&push, push_one, q);
		measure(&take, take_one, q);
	}
	q_close(q);
	print(&push, " ");
	print(&take, "\n");
	free(push.us);
	free(take.us);
	return (0);
}
