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
#include "bench.h"

/* Queues in a row are no neighbours: it is coprime to powers of ten. */
enum { STRIDE = 7919 };

static struct q *
open_one(const char *directory, long number)
{
	struct q_open open = { .flags = Q_CREATE | Q_PARENTS };
	char path[4096];
	struct q *q;

	snprintf(path, sizeof(path), "%s/q%ld", directory, number);
	bench_check(q_open(path, &open, &q), path);
	return (q);
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
		double begin = bench_us(CLOCK_MONOTONIC), middle;
		struct q *q = open_one(argv[1], i * STRIDE % queues);

		bench_push(q);
		middle = bench_us(CLOCK_MONOTONIC);
		bench_take(q);
		q_close(q);
		in[i] = middle - begin;
		out[i] = bench_us(CLOCK_MONOTONIC) - middle;
	}
	qsort(in, (size_t)loops, sizeof(*in), bench_compare);
	qsort(out, (size_t)loops, sizeof(*out), bench_compare);
	printf("%.2f %.2f\n", in[loops / 2], out[loops / 2]);
	free(in);
	free(out);
	return (0);
}
