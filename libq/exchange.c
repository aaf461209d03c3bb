/* SPDX-License-Identifier: ISC */
/* The public functions that change messages: each makes requests of its arguments. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "batch.h"
#include "error.h"
#include "hold.h"
#include "queue.h"
#include "space.h"
#include "spill.h"
#include "wake.h"

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
	struct push push = { .messages = messages, .n = n, .flags = Q_ATOMIC };
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

/* What a transaction that takes settles before. */
struct before {
	struct q_batch *ack;
	struct q_finish *finish;
	size_t finish_count;
};

static const struct q_settle acknowledge = { .verb = Q_ACK };

static size_t
add_before(const struct before *before, struct request *r)
{
	size_t n = 0;

	for (; n < before->finish_count; n++) {
		const struct q_finish *f = &before->finish[n];

		r[n].op = OP_SETTLE;
		r[n].settle = (struct settle){ &f->how, f->msg->receipt, true };
	}
	if (before->ack != NULL) {
		r[n].op = OP_ACK_BATCH;
		r[n].part.how = &acknowledge;
		r[n].part.batch = before->ack;
		r[n++].part.n = before->ack->count;
	}
	return (n);
}

static bool
ends_lease(enum q_verb verb)
{
	return (verb != Q_EXTEND && verb != Q_BEGIN);
}

/* Runs of ids at once. */
static void
let_go(struct q *q, const struct before *before)
{
	const struct q_finish *f = before->finish;
	uint64_t first = 0, n = 0;

	for (size_t i = 0; i < before->finish_count; i++) {
		if (!ends_lease(f[i].how.verb) || f[i].result.state == Q_LEASED)
			continue;
		/* We may hold it by a later delivery, taken just now for instance. */
		if (f[i].result.code != 0 || f[i].result.state == Q_READY) {
			hold_unlock_once(q, f[i].msg->id);
			continue;
		}
		if (n > 0 && f[i].msg->id == first + n) {
			n++;
			continue;
		}
		if (n > 0)
			hold_unlock(q, first, n);
		first = f[i].msg->id;
		n = 1;
	}
	if (n > 0)
		hold_unlock(q, first, n);
}

static void
settled_before(struct q *q, const struct before *before, const struct result *results)
{
	for (size_t i = 0; i < before->finish_count; i++)
		before->finish[i].result = results[i].settled;
	let_go(q, before);
	if (before->ack != NULL)
		batch_let_go(q, before->ack, 0, before->ack->count);
}

/* One attempt. take may be NULL. */
static int
exchange_once(struct q *q, const struct before *before, const struct take *take,
    struct q_batch **out)
{
	struct request *r = calloc(before->finish_count + 2, sizeof(*r));
	struct result *result = calloc(before->finish_count + 2, sizeof(*result));
	struct q_batch *b = NULL;
	size_t n;
	int rc;

	if (r == NULL || result == NULL) {
		rc = fail(Q_ENOMEM, "out of memory");
		goto out;
	}
	n = add_before(before, r);
	if (take != NULL) {
		if ((rc = batch_new(&b)) != 0)
			goto out;
		r[n].op = OP_TAKE;
		r[n].take = *take;
		result[n].taken.batch = b;
	}
	if ((rc = apply_all(q, r, result, n + (take != NULL))) != 0)
		goto out;
	settled_before(q, before, result);
	if (take == NULL)
		goto out;
	if (take->how->later != NULL)
		*take->how->later = result[n].taken.later;
	if (take->how->damaged != NULL)
		*take->how->damaged = result[n].taken.damaged;
	if (result[n].taken.damaged != 0) {
		rc = fail(Q_ECORRUPT,
		    "message %llu is damaged (checksum); set aside; "
		    "run 'qctl check'",
		    (unsigned long long)result[n].taken.damaged);
	} else if (result[n].taken.code != 0) {
		rc = fail(result[n].taken.code, "%s", result[n].taken.text);
	} else if (b->count == 0) {
		rc = fail(Q_EMPTY, "queue is empty");
	} else {
		*out = b;
		b = NULL;
	}
out:
	q_batch_free(b);
	free(result);
	free(r);
	return (rc);
}

static int
take_check(const struct q_take *args, struct take *take)
{
	if (args->lease < 0 || args->wait < 0 || args->every < 0)
		return (fail(Q_EINVAL, "a duration is negative"));
	if (args->group != NULL && (args->id != 0 || *args->group == '\0' ||
				       strnlen(args->group, Q_MAX_KEY + 1) > Q_MAX_KEY))
		return (fail(Q_EINVAL,
		    "a group has 1 to %d bytes, and is not taken by id", Q_MAX_KEY));
	if (args->owner != 0 && args->lease == 0)
		return (fail(Q_EINVAL, "a lease with an owner needs a duration"));
	if (args->ahead > 0 && (args->lease != 0 || args->ahead > args->n))
		return (fail(Q_EINVAL, "what is taken ahead is held, and of n"));
	return (args->owner == 0
		    ? 0
		    : hold_owner(args->owner, &take->owner_start, &take->owner_ns));
}

/* Where the disk has no room for all of it at once, what is settled before goes first,
 * in parts; what is left of it is to be done with the take. */
static int
settle_apart(struct q *q, struct before *before)
{
	size_t ack = before->ack != NULL ? before->ack->count : 0;
	size_t n = before->finish_count, some;
	int rc = 0;

	if (space_allows(q, n + ack) == n + ack)
		return (0);
	while (before->finish_count > 0 && rc == 0) {
		some = space_allows(q, before->finish_count);
		rc = exchange_once(q,
		    &(struct before){ .finish = before->finish, .finish_count = some },
		    NULL, NULL);
		before->finish += some;
		before->finish_count -= some;
	}
	if (rc == 0 && ack > 0)
		rc = q_batch_settle(q, &acknowledge, before->ack, 0, ack);
	before->ack = NULL;
	return (rc);
}

static int
exchange(struct q *q, struct before before, const struct q_take *args,
    struct q_batch **batch)
{
	struct take take = { .how = args };
	q_time until;
	int rc;

	for (size_t i = 0; i < before.finish_count; i++)
		if ((rc = settle_check(&before.finish[i].how, 1)) != 0)
			return (rc);
	for (size_t i = 0; i < before.finish_count; i++)
		settle_flush(&before.finish[i].how);
	if ((rc = settle_apart(q, &before)) != 0)
		return (rc);
	if (args == NULL)
		return (exchange_once(q, &before, NULL, NULL));
	if ((rc = take_check(args, &take)) != 0)
		return (rc);
	if (args->damaged != NULL)
		*args->damaged = 0;
	if (args->later != NULL)
		*args->later = 0;
	/* A wake that is for any taker must not go to one who may be in no position to
	 * take. */
	wake_choose(q, args->id != 0 || args->group != NULL || args->every != 0
			   ? CTL_CHANGE
			   : CTL_READY);
	until = time_add(clock_monotonic(), args->wait);
	/* A pause is waited out like an empty queue, but is not taken for one. */
	while (((rc = exchange_once(q, &before, &take, batch)) == Q_EMPTY ||
		   rc == Q_EPAUSED) &&
	       args->wait > 0) {
		before = (struct before){ 0 };
		if (clock_monotonic() >= until || (q->stop != NULL && q->stop(q->arg)))
			return (rc == Q_EPAUSED ? rc
						: fail(Q_ETIMEDOUT,
						      "no message in the time given"));
		q_wait(q, until);
	}
	return (rc);
}

int
q_take(struct q *q, const struct q_take *args, struct q_batch **batch)
{
	return (exchange(q, (struct before){ .ack = args->ack }, args, batch));
}

int
q_exchange(struct q *q, struct q_finish *finish, size_t n, const struct q_take *args,
    struct q_batch **batch)
{
	struct before before = { .ack = args != NULL ? args->ack : NULL };

	before.finish = finish;
	before.finish_count = n;
	return (exchange(q, before, args, batch));
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
		if (ends_lease(how->verb))
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
