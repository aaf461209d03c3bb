/* SPDX-License-Identifier: ISC */
/* Applying requests: the one way in which a queue changes. */
#include "batch.h"
#include "due.h"
#include "error.h"
#include "group.h"
#include "queue.h"
#include "wake.h"

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
set_option(struct txn *t, enum q_option option, uint64_t value)
{
	t->meta.option[option] = value;
	t->meta_changed |= 1U << META_REC_CONFIG;
	if (option == Q_OPT_GROUP_ON_DEAD && value == Q_GROUP_SKIP)
		return (group_let_go(t));
	return (0);
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
		batch_cut(result->taken.batch, 0);
		return (take_apply(t, &r->take, &result->taken));
	case OP_OPTION:
		return (set_option(t, r->option.option, r->option.value));
	}
	return (0);
}

/* What requests did outside of a transaction that is not, or will not be, committed. */
static void
undo(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct q_batch *b = results[i].taken.batch;

		if (requests[i].op == OP_PUSH)
			push_undo(&requests[i].push);
		else if (requests[i].op == OP_SETTLE)
			settle_undo(&requests[i].settle);
		else if (requests[i].op == OP_TAKE)
			batch_let_go(q, b, 0, b->count);
	}
}

/*
 * What a power cut takes back is a lease, and the message is there again, to be
 * delivered under the same number. So only where number and receipt stay in the process
 * that takes, and dies: the holder of a timed lease may be on another machine, a job
 * may have handed the number on, and an attempt that brings down the machine counts.
 */
static bool
may_be_undone(const struct txn *t, const struct request *requests, size_t n)
{
	const struct q_take *how = requests[0].take.how;

	return (n == 1 && requests[0].op == OP_TAKE && how->lease == 0 &&
		!how->durable && !t->promoted && t->file_count == 0);
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
	(void)ctl_look(q); /* under the lock: who armed before it is seen */
	if ((rc = due_promote(&t, DUE_MOST)) == 0) {
		t.promoted = t.changed || t.meta_changed != 0;
		for (; done < n && rc == 0; done++)
			rc = apply(&t, &requests[done], &results[done]);
	}
	if (rc != 0 || (!t.changed && t.meta_changed == 0)) {
		txn_abort(&t);
		if (rc != 0)
			undo(q, requests, results, done);
		return (rc);
	}
	rc = txn_commit(&t, !may_be_undone(&t, requests, n));
	/* Whether another failed commit is on disk nobody knows: then nothing is taken
	 * back. A blob may be left to the sweep, and a lease ends with this process. */
	if (rc == STORE_GROW || rc == Q_ENOSPC)
		undo(q, requests, results, done);
	if (rc == 0)
		wake_others(q, &t);
	return (rc);
}

int
apply_all(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	int rc;

	while ((rc = apply_once(q, requests, results, n)) == STORE_GROW)
		if ((rc = store_grow(&q->store)) != 0)
			break;
	if (rc == STORE_NONE)
		return (fail(Q_ECORRUPT, "a row is missing; run 'qctl check'"));
	return (rc == STORE_BROKEN ? Q_ECORRUPT : rc);
}
