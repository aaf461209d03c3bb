/* SPDX-License-Identifier: ISC */
#ifndef OPS_SERVED_H
#define OPS_SERVED_H

/* What is done for others, whose requests wait: each 0 or a code. */
#include "askers.h"
#include "rich.h"
#include "take.h"

enum { ASKERS = 4 };

static const struct q_settle served_ack = { .verb = Q_ACK };
static const struct q_settle served_fail = {
	.verb = Q_FAIL, .reason = "exited 7", .report = &all_told
};
static const struct q_take served_take = { .n = 2, .lease = 60 * Q_SECOND },
			   served_group = { .group = "none", .lease = Q_SECOND };

/* A push; two at once; what was taken acknowledged, and more; and a take that finds
 * nothing. */
static int
prepare_askers(struct asker *a, struct q_push *p, struct q_pushed *pushed)
{
	struct q_batch *b = NULL;
	int rc = 0;

	for (int i = 0; i < ASKERS && rc == 0; i++) {
		a[i].n = 1;
		rc = q_open(copy, &brief, &a[i].q);
	}
	if (rc != 0 || (rc = q_take(a[2].q, &served_take, &b)) != 0)
		return (rc);
	p[0] = message("asked");
	p[1] = message("asked");
	p[1].key = "key";
	a[0].request[0] = (struct request){ .op = OP_PUSH,
		.push = { .messages = p, .n = 2, .pushed = pushed } };
	a[1].request[0] = (struct request){ .op = OP_SETTLE,
		.settle = { &served_fail, q_batch_get(b, 0)->receipt, false } };
	a[2].request[0].op = OP_ACK_BATCH;
	a[2].request[0].part.how = &served_ack;
	a[2].request[0].part.batch = b;
	a[2].request[0].part.first = 1;
	a[2].request[0].part.n = b->count - 1;
	a[2].request[1] =
	    (struct request){ .op = OP_TAKE, .take = { .how = &served_take } };
	a[2].n = 2;
	a[3].request[0] =
	    (struct request){ .op = OP_TAKE, .take = { .how = &served_group } };
	if ((rc = batch_new(&a[2].result[1].taken.batch)) == 0)
		rc = batch_new(&a[3].result[0].taken.batch);
	return (rc);
}

/* What is said of it is true: done, refused with a sentence, or left to its owner. */
static void
look_at_answers(struct asker *a, int rc)
{
	for (int i = 0; i < ASKERS; i++) {
		enum answer answer;

		if (!answered(&a[i], &answer))
			continue;
		assert_false(answer == ANSWER_FAILED && rc == 0);
		if (i == 0 && answer == ANSWER_RESULTS)
			assert_true(a[i].result[0].pushed.code != 0 ||
				    a[i].result[0].pushed.stored == 2);
	}
}

static int
serve_with(struct q *q)
{
	struct q_push own = message("own");
	size_t stored;

	return (q_push(q, &own, 1, 0, &stored, NULL));
}

/* Of four; and again what one that died may have done, while no more may be leased. */
static int
op_serve(struct q *q)
{
	struct asker a[ASKERS] = { { .q = NULL } };
	struct q_push p[2];
	struct q_pushed pushed[2];
	int rc = prepare_askers(a, p, pushed);

	if (rc == 0) {
		for (int i = 0; i < ASKERS; i++)
			(void)ask(&a[i]);
		rc = serve_with(q);
		look_at_answers(a, rc);
	}
	if (rc == 0 && (rc = q_option_set(q, Q_OPT_MAX_LEASED, 1)) == 0) {
		for (int i = 0; i < ASKERS; i++)
			if (i % 2 == 0 && a[i].before.ticket != 0)
				forget_answer(&a[i]);
			else
				(void)ask(&a[i]);
		rc = serve_with(q);
		look_at_answers(a, rc);
	}
	q_batch_free(a[2].request[0].part.batch);
	q_batch_free(a[2].result[1].taken.batch);
	q_batch_free(a[3].result[0].taken.batch);
	for (int i = 0; i < ASKERS; i++)
		q_close(a[i].q);
	return (rc);
}

/* What was taken for one who waits is read by him: some is held, some is over. */
static int
op_fetch(struct q *q)
{
	static const struct q_take how[] = { { .n = 3 }, { .n = 2, .lease = 1 } };
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		struct asker a = { .n = 1 };
		struct q_batch **b = &a.result[0].taken.batch;
		enum answer answer;

		a.request[0] =
		    (struct request){ .op = OP_TAKE, .take = { .how = &how[i] } };
		if ((rc = q_open(copy, &brief, &a.q)) != 0 || (rc = batch_new(b)) != 0)
			goto next;
		(void)ask(&a);
		rc = serve_with(q);
		if (rc == 0 && answered(&a, &answer) && answer == ANSWER_RESULTS &&
		    (rc = take_fetch(a.q, *b, i == 0)) == 0 && (*b)->count > 0)
			assert_int_equal((*b)->msg[0].body_size, (*b)->msg[0].size);
	next:
		q_batch_free(*b);
		q_close(a.q);
	}
	return (rc);
}

#endif
