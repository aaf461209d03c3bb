/* SPDX-License-Identifier: ISC */
/* The public functions that take: with what is settled before, and waiting. */
#include <stdlib.h>

#include "apply.h"
#include "batch.h"
#include "error.h"
#include "hold.h"
#include "queue.h"
#include "slot.h"
#include "space.h"
#include "wake.h"
#include "wire.h"

static const struct q_settle acknowledge = { .verb = Q_ACK };

/* What a transaction that takes settles before. */
struct before {
	struct q_batch *ack;
	struct q_finish *finish;
	size_t finish_count;
};

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

/* Runs of ids at once. */
static void
let_go(struct q *q, const struct before *before)
{
	const struct q_finish *f = before->finish;
	uint64_t first = 0, n = 0;

	for (size_t i = 0; i < before->finish_count; i++) {
		if (!settle_ends_lease(f[i].how.verb) || f[i].result.state == Q_LEASED)
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

/* Others may be ready than those that were asked for. */
static int
nothing(const struct q_take *how)
{
	if (how->id != 0)
		return (fail(
		    Q_EMPTY, "%llu: it is not ready", (unsigned long long)how->id));
	if (how->group != NULL)
		return (fail(Q_EMPTY, "none of the group is ready"));
	return (fail(Q_EMPTY, "queue is empty"));
}

/* What a take came to; its batch is the caller's if that is 0. */
static int
give(const struct q_take *how, const struct taken *t, struct q_batch **out)
{
	if (how->later != NULL)
		*how->later = t->later;
	if (how->damaged != NULL)
		*how->damaged = t->damaged;
	if (t->damaged != 0)
		return (fail(Q_ECORRUPT,
		    "message %llu is damaged (checksum); set aside; "
		    "run 'qctl check'",
		    (unsigned long long)t->damaged));
	if (t->code != 0)
		return (fail(t->code, "%s", t->text));
	if (t->batch->count == 0)
		return (nothing(how));
	*out = t->batch;
	return (0);
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
	rc = give(take->how, &result[n].taken, out);
out:
	if (rc != 0)
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

/* Whether a take that found nothing may stand; how, then. */
static bool
may_stand(const struct q *q, const struct q_take *args, struct q_take *how)
{
	size_t n = (args->n != 0 ? args->n : 1) - args->ahead;

	*how = (struct q_take){ .n = n < WIRE_TAKEN ? n : WIRE_TAKEN,
		.bytes = args->bytes,
		.lease = args->lease,
		.owner = args->owner,
		.durable = args->durable };
	return (n > 0 && q->ctl.armed && q->ctl.channel == CTL_READY);
}

/* Until there is something, or it is time to look; and look. */
static int
await(struct q *q, const struct take *take, q_time until, struct q_batch **out)
{
	const struct before nothing = { 0 };
	struct request r = { .op = OP_TAKE };
	struct result result = { 0 };
	struct q_take how;
	bool stands;
	int rc;

	r.take = *take;
	r.take.how = &how;
	if ((rc = batch_new(&result.taken.batch)) != 0)
		return (rc);
	stands = may_stand(q, take->how, &how) && slot_stand(q, &r);
	if (wake_wait(q, until, stands))
		rc = exchange_once(q, &nothing, take, out);
	else if ((rc = apply_stood(q, &r, &result)) == 0 &&
		 (rc = give(take->how, &result.taken, out)) == 0)
		return (0);
	else if (result.taken.code == Q_EBUSY && result.taken.batch->count == 0)
		rc = Q_EMPTY; /* lost again: the wait goes on */
	q_batch_free(result.taken.batch);
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
	rc = exchange_once(q, &before, &take, batch);
	/* A pause is waited out like an empty queue, but is not taken for one. */
	while ((rc == Q_EMPTY || rc == Q_EPAUSED) && args->wait > 0) {
		if (clock_monotonic() >= until || (q->stop != NULL && q->stop(q->arg)))
			return (rc == Q_EPAUSED ? rc
						: fail(Q_ETIMEDOUT,
						      "no message in the time given"));
		rc = await(q, &take, until, batch);
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
