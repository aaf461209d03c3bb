/* SPDX-License-Identifier: ISC */
/* Handles: opening, closing, and the public face of what changes a queue. */
#include <stdlib.h>

#include "apply.h"
#include "batch.h"
#include "create.h"
#include "error.h"
#include "hold.h"
#include "spill.h"

#include "queue.h"

enum { WAIT_STEP = 20000000 }; /* nanoseconds between looks for a message */

int
q_open(const char *path, const struct q_open *args, struct q **out)
{
	static const struct q_open none;
	struct q *q;
	int rc = 0;

	if (args == NULL)
		args = &none;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	q->dir = (struct dir){ -1, -1, 0 };
	q->hold = q->probe = -1;
	q->flags = args->flags;
	q->lock_wait = args->lock_wait != 0 ? args->lock_wait : 30 * Q_SECOND;
	if (args->flags & Q_CREATE && args->flags & Q_EXCL)
		rc = create_queue(path, args);
	if (rc == 0)
		rc = dir_open(path, args->flags, &q->dir);
	if (rc == Q_ENOQUEUE && args->flags & Q_CREATE &&
	    (rc = create_queue(path, args)) == 0)
		rc = dir_open(path, args->flags, &q->dir);
	if (rc != 0) {
		free(q);
		return (rc);
	}
	*out = q;
	return (0);
}

void
q_close(struct q *q)
{
	if (q == NULL)
		return;
	hold_close(q);
	store_close(&q->store);
	dir_close(&q->dir);
	free(q);
}

int
q_push(struct q *q, const struct q_push *messages, size_t n, unsigned flags,
    size_t *stored, uint64_t *ids)
{
	struct request r = { .op = OP_PUSH };
	struct result result = { 0 };
	struct spill spill = { 0 };
	int rc;

	*stored = 0;
	if (n == 0)
		return (0);
	if ((rc = push_check(messages, n)) != 0 ||
	    (rc = spill_large(q, &messages, n, &spill)) != 0 ||
	    (rc = push_flush(messages, n)) != 0)
		goto out;
	r.push = (struct push){ messages, n, flags, ids };
	if ((rc = apply_all(q, &r, &result, 1)) != 0)
		goto out;
	*stored = result.pushed.stored;
	rc = result.pushed.code;
out:
	spill_free(&spill);
	return (rc);
}

/* One attempt; args->ack only with the first. */
static int
take_once(
    struct q *q, const struct take *take, struct q_batch *ack, struct q_batch **out)
{
	static const struct q_settle how = { .verb = Q_ACK };
	struct request r[2] = { 0 };
	struct result result[2] = { 0 };
	struct q_batch *b = NULL;
	size_t n = 0;
	int rc;

	if ((rc = batch_new(&b)) != 0)
		return (rc);
	if (ack != NULL) {
		r[n].op = OP_ACK_BATCH;
		r[n].part.how = &how;
		r[n].part.batch = ack;
		r[n++].part.n = ack->count;
	}
	r[n].op = OP_TAKE;
	r[n].take = *take;
	result[n].batch = b;
	rc = apply_all(q, r, result, n + 1);
	if (rc == 0 && ack != NULL)
		batch_let_go(q, ack, 0, ack->count);
	if (rc == 0 && result[n].damaged != 0)
		rc = fail(Q_ECORRUPT,
		    "message %llu is damaged (checksum); set aside; "
		    "run 'qctl check'",
		    (unsigned long long)result[n].damaged);
	else if (rc == 0 && b->count == 0)
		rc = fail(Q_EMPTY, "queue is empty");
	if (rc != 0)
		q_batch_free(b);
	else
		*out = b;
	return (rc);
}

int
q_take(struct q *q, const struct q_take *args, struct q_batch **batch)
{
	struct take take = { .how = args };
	struct q_batch *ack = args->ack;
	q_time until;
	int rc;

	if (args->lease < 0 || args->wait < 0 || (args->owner != 0 && args->lease == 0))
		return (fail(Q_EINVAL, "a lease with an owner needs a duration"));
	if (args->owner != 0 &&
	    (rc = hold_owner(args->owner, &take.owner_start, &take.owner_ns)) != 0)
		return (rc);
	until = time_add(clock_monotonic(), args->wait);
	while ((rc = take_once(q, &take, ack, batch)) == Q_EMPTY && args->wait > 0) {
		q_time now = clock_monotonic();

		ack = NULL;
		if (now >= until || (args->stop != NULL && args->stop(args->arg)))
			return (fail(Q_ETIMEDOUT, "no message in the time given"));
		clock_sleep(until - now < WAIT_STEP ? until - now : WAIT_STEP);
	}
	return (rc);
}

int
q_settle(struct q *q, const struct q_settle *how, const struct q_receipt *receipts,
    size_t n, struct q_settled *results)
{
	struct request *r = calloc(n + 1, sizeof(*r));
	struct result *result = calloc(n + 1, sizeof(*result));
	int rc;

	if (r == NULL || result == NULL) {
		rc = fail(Q_ENOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		r[i].op = OP_SETTLE;
		r[i].settle = (struct settle){ how, receipts[i], false };
	}
	if ((rc = apply_all(q, r, result, n)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		results[i] = result[i].settled;
out:
	free(r);
	free(result);
	return (rc);
}

int
q_batch_settle(struct q *q, const struct q_settle *how, struct q_batch *batch,
    size_t first, size_t n)
{
	struct request r = { .op = OP_ACK_BATCH };
	struct result result = { 0 };
	int rc;

	r.part.how = how;
	r.part.batch = batch;
	r.part.first = first;
	r.part.n = n;
	if ((rc = apply_all(q, &r, &result, 1)) == 0 && how->verb != Q_EXTEND)
		batch_let_go(q, batch, first, n);
	return (rc);
}

int
q_option_get(struct q *q, enum q_option option, uint64_t *value)
{
	struct txn t;
	int rc;

	if ((unsigned)option >= Q_OPTIONS)
		return (fail(Q_EINVAL, "there is no option %d", (int)option));
	if ((rc = txn_begin(q, false, &t)) != 0)
		return (rc);
	*value = t.meta.option[option];
	txn_abort(&t);
	return (0);
}

int
q_option_set(struct q *q, enum q_option option, uint64_t value)
{
	const struct q_option_info *info = q_option_info(option);
	struct request r = { .op = OP_OPTION };
	struct result result = { 0 };

	if (info == NULL)
		return (fail(Q_EINVAL, "there is no option %d", (int)option));
	if (value < info->min || value > info->max)
		return (fail(Q_EINVAL, "%s is out of range", info->name));
	r.option.option = option;
	r.option.value = value;
	return (apply_all(q, &r, &result, 1));
}
