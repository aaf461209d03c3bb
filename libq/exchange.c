/* SPDX-License-Identifier: ISC */
/* The public functions that push and settle: each makes requests of its arguments. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "batch.h"
#include "error.h"
#include "queue.h"
#include "space.h"
#include "spill.h"

static int
push_all(struct q *q, struct push *push, struct pushed *pushed)
{
	struct request r = { .op = OP_PUSH };
	struct result result = { 0 };
	struct spill spill = { 0 };
	int rc;

	if ((rc = push_check(push->messages, push->n)) == 0 &&
	    (rc = spill_large(q, &push->messages, push->n, &spill)) == 0 &&
	    (rc = push_flush(push->messages, push->n)) == 0) {
		r.push = *push;
		rc = apply_all(q, &r, &result, 1);
		*pushed = result.pushed;
	}
	if (rc == 0 && pushed->code != 0)
		(void)fail(pushed->code, "%s", pushed->text);
	spill_free(&spill);
	return (rc);
}

int
q_push(struct q *q, const struct q_push *messages, size_t n, unsigned flags,
    size_t *stored, struct q_pushed *pushed)
{
	struct push push = { .messages = messages, .n = n, .flags = flags };
	struct pushed result = { 0 };
	int rc;

	push.pushed = pushed;
	*stored = 0;
	if (n == 0 || (rc = push_all(q, &push, &result)) != 0)
		return (n == 0 ? 0 : rc);
	*stored = result.stored;
	return (result.code);
}

int
q_hand_over(struct q *q, const struct q_push *messages, size_t n,
    const struct q_origin *origin, bool *known, const struct q_origin *over,
    size_t over_count)
{
	struct push push = {
		.messages = messages, .n = n, .flags = Q_ATOMIC | Q_PATIENT
	};
	struct pushed result = { 0 };
	int rc;

	push.origin = origin;
	push.over = over;
	push.over_count = over_count;
	if ((rc = push_all(q, &push, &result)) != 0)
		return (rc);
	if (result.code == 0)
		*known = result.known;
	return (result.code);
}

int
push_each(struct q *q, const struct q_push *messages, size_t n,
    const struct q_origin *each, const struct q_msg *as, size_t *stored,
    struct q_pushed *pushed, bool *by_key)
{
	struct push push = { .messages = messages,
		.n = n,
		.pushed = pushed,
		.each = each,
		.as = as,
		.by_key = by_key };
	struct pushed result = { 0 };
	int rc = push_all(q, &push, &result);

	*stored = rc == 0 ? result.stored : 0;
	return (rc == 0 ? result.code : rc);
}

int
push_replacing(struct q *q, const struct q_push *message, const struct q_msg *old,
    struct q_pushed *pushed)
{
	struct push push = { .messages = message,
		.n = 1,
		.flags = Q_ATOMIC,
		.pushed = pushed,
		.as = old,
		.old = old };
	struct pushed result = { 0 };
	int rc = push_all(q, &push, &result);

	return (rc == 0 ? result.code : rc);
}

int
q_settle(struct q *q, const struct q_settle *how, const struct q_receipt *receipts,
    size_t n, struct q_settled *results)
{
	struct request *r = calloc(n + 1, sizeof(*r));
	struct result *result = calloc(n + 1, sizeof(*result));
	size_t some;
	int rc;

	if (r == NULL || result == NULL) {
		rc = fail(Q_ENOMEM, "out of memory");
		goto out;
	}
	if ((rc = settle_check(how, n)) != 0)
		goto out;
	settle_flush(how);
	for (size_t i = 0; i < n; i++) {
		r[i].op = OP_SETTLE;
		r[i].settle = (struct settle){ how, receipts[i], false };
	}
	for (size_t i = 0; i < n && rc == 0; i += some) {
		some = space_allows(q, n - i);
		rc = apply_all(q, r + i, result + i, some);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
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
	int code = 0, rc;

	r.part.how = how;
	r.part.batch = batch;
	r.part.first = first;
	if ((rc = settle_check(how, n)) != 0)
		return (rc);
	settle_flush(how);
	do {
		r.part.n = space_allows(q, n);
		result.settled.code = 0;
		if ((rc = apply_all(q, &r, &result, 1)) != 0)
			return (rc);
		if (settle_ends_lease(how->verb))
			batch_let_go(q, batch, r.part.first, r.part.n);
		if (code == 0)
			code = result.settled.code;
		r.part.first += r.part.n;
		n -= r.part.n;
	} while (n > 0);
	return (code == 0 ? 0
			  : fail(code,
				"a message cannot be read any more; run 'qctl check'"));
}
