/* SPDX-License-Identifier: ISC */
#ifndef BENCH_H
#define BENCH_H

/* What benches share: the time, an order for qsort(), and a message in and out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "q.h"

static inline double
bench_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return ((double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3);
}

static inline double
bench_ms(void)
{
	return (bench_us(CLOCK_MONOTONIC) / 1e3);
}

/* Of doubles. */
static inline int
bench_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

static inline void
bench_check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(
	    stderr, "%s: %s: %s\n", program_invocation_short_name, what, q_errmsg());
	exit(3);
}

static inline void
bench_push(struct q *q)
{
	static char body[100];
	struct q_push message = { .body = body, .size = sizeof(body) };
	size_t stored;

	bench_check(q_push(q, &message, 1, 0, &stored, NULL), "push");
}

static inline void
bench_take(struct q *q)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	struct q_take args = { .n = 1 };
	struct q_batch *batch;

	bench_check(q_take(q, &args, &batch), "take");
	bench_check(q_batch_settle(q, &ack, batch, 0, 1), "acknowledge");
	q_batch_free(batch);
}

#endif
