/* SPDX-License-Identifier: ISC */
/*
 * What a push and a take cost where there are many queues:
 *
 *     bench-queues DIRECTORY QUEUES LOOPS
 *
 * Makes QUEUES queues in DIRECTORY, unless they are there, and LOOPS times opens one of
 * them, pushes one message, takes and acknowledges it, and closes the queue. Prints the
 * median microseconds of the push with its opening, and of the take with the closing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "q.h"

/* Queues in a row are no neighbours: it is coprime to powers of ten. */
enum { STRIDE = 7919, BODY = 100 };

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench-queues: %s: %s\n", what, q_errmsg());
	exit(3);
}

static double
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3);
}

static struct q *
open_one(const char *directory, long number)
{
	struct q_open open = { .flags = Q_CREATE | Q_PARENTS };
	char path[4096];
	struct q *q;

	snprintf(path, sizeof(path), "%s/q%ld", directory, number);
	check(q_open(path, &open, &q), path);
	return (q);
}

static void
push(struct q *q)
{
	static char body[BODY];
	struct q_push message = { .body = body, .size = sizeof(body) };
	size_t stored;

	check(q_push(q, &message, 1, 0, &stored, NULL), "push");
}

static void
take(struct q *q)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	struct q_take args = { .n = 1 };
	struct q_batch *batch;

	check(q_take(q, &args, &batch), "take");
	check(q_batch_settle(q, &ack, batch, 0, 1), "acknowledge");
	q_batch_free(batch);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

int
main(int argc, char **argv)
{
	long queues = argc == 4 ? atol(argv[2]) : 0;
	long loops = argc == 4 ? atol(argv[3]) : 0;
	double *in, *out;

	if (queues < 1 || loops < 1) {
		fprintf(stderr, "usage: bench-queues DIRECTORY QUEUES LOOPS\n");
		return (2);
	}
	in = calloc((size_t)loops, sizeof(*in));
	out = calloc((size_t)loops, sizeof(*out));
	if (in == NULL || out == NULL)
		return (3);
	for (long i = 0; i < queues; i++)
		q_close(open_one(argv[1], i));
	for (long i = 0; i < loops; i++) {
		double begin = now_us(), middle;
		struct q *q = open_one(argv[1], i * STRIDE % queues);

		push(q);
		middle = now_us();
		take(q);
		q_close(q);
		in[i] = middle - begin;
		out[i] = now_us() - middle;
	}
	qsort(in, (size_t)loops, sizeof(*in), compare);
	qsort(out, (size_t)loops, sizeof(*out), compare);
	printf("%.2f %.2f\n", in[loops / 2], out[loops / 2]);
	free(in);
	free(out);
	return (0);
}
