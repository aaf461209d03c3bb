/* SPDX-License-Identifier: ISC */
/* Applying requests: the one way in which a queue changes. */
#include "batch.h"
#include "due.h"
#include "error.h"
#include "queue.h"

#include "apply.h"

static int
settle_part(struct txn *t, const struct request *r)
{
	int rc = 0;

	for (size_t i = 0; i < r->part.n && rc == 0; i++) {
		struct settle s = { r->part.how,
			r->part.batch->msg[r->part.first + i].receipt, true };
		struct q_settled ignored;

		rc = settle_apply(t, &s, &ignored);
	}
	return (rc);
}

static int
apply(struct txn *t, const struct request *r, struct result *result)
{
	switch (r->op) {
	case OP_PUSH:
		return (push_apply(t, &r->push, &result->pushed));
	case OP_SETTLE:
		return (settle_apply(t, &r->settle, &result->settled));
	case OP_ACK_BATCH:
		return (settle_part(t, r));
	case OP_TAKE:
		batch_cut(result->batch, 0);
		return (take_apply(t, &r->take, result->batch, &result->damaged));
	case OP_OPTION:
		t->meta.option[r->option.option] = r->option.value;
		t->meta_changed |= 1U << META_REC_CONFIG;
		return (0);
	}
	return (0);
}

/* What requests did outside of the transaction. */
static void
undo(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct q_batch *b = results[i].batch;

		if (requests[i].op == OP_PUSH)
			push_undo(&requests[i].push, &results[i].pushed);
		else if (requests[i].op == OP_TAKE)
			batch_let_go(q, b, 0, b->count);
	}
}

static int
apply_once(
    struct q *q, const struct request *requests, struct result *results, size_t n)
{
	struct txn t;
	size_t done = 0;
	int rc;

	if ((rc = txn_begin(q, true, &t)) != 0)
		return (rc);
	if ((rc = due_promote(&t, DUE_MOST)) == 0)
		for (; done < n && rc == 0; done++)
			rc = apply(&t, &requests[done], &results[done]);
	if (rc == 0 && (t.changed || t.meta_changed != 0))
		rc = txn_commit(&t);
	else
		txn_abort(&t);
	if (rc != 0)
		undo(q, requests, results, done);
	return (rc);
}

int
apply_all(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	int rc;

	while ((rc = apply_once(q, requests, results, n)) == STORE_GROW)
		if ((rc = store_grow(&q->store)) != 0)
			break;
	return (rc == STORE_NONE
		    ? fail(Q_ECORRUPT, "a row is missing; run 'qctl check'")
		    : rc);
}
