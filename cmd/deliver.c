/* SPDX-License-Identifier: ISC */
/* Delivery to an output: take, write, and acknowledge together with the next take. */
#include "diag.h"
#include "emit.h"
#include "opt.h"
#include "queue.h"
#include "stop.h"

#include "deliver.h"

/* Messages a transaction: enough that its flush weighs little beside them. */
enum { BATCH_COUNT = 1 << 14, BATCH_BYTES = 4 << 20 };

/* What is taken is settled also when a signal has come: for so long, or until another.
 */
#define LAST_WAIT (5 * Q_SECOND)

/* How far a batch came. */
struct progress {
	size_t whole; /* messages written */
	bool flushed; /* and handed over */
	int read_rc;  /* why the next one could not be read, or 0 */
};

/* Write a batch: 0, or the exit status. */
static int
write_batch(const struct delivery *d, struct q *q, struct q_batch *b, struct out *out,
    struct progress *p)
{
	struct emit e = { d->form, d->take.lease != 0 && d->receipt == NULL, out };

	*p = (struct progress){ 0 };
	/* The receipt's file is complete before the body shows that there is one. */
	if (d->receipt != NULL &&
	    emit_receipt(d->receipt, &q_batch_get(b, 0)->receipt) != 0)
		return (DIAG_FAILED);
	for (; p->whole < q_batch_count(b); p->whole++) {
		if (out->error != 0 || stop_signal() != 0)
			break;
		if ((p->read_rc = emit_message(&e, q, q_batch_get(b, p->whole))) != 0)
			break;
	}
	if (stop_signal() != 0)
		return (DIAG_FAILED);
	p->flushed = p->whole == 0 || out_flush(out) == 0;
	if (p->read_rc != 0)
		return (queue_fail(d->name, p->read_rc));
	return (p->flushed ? 0 : DIAG_FAILED);
}

static void
wait_on(struct q *q)
{
	q_time wait = opt_common.lock_wait;

	if (stop_signal() == 0)
		return;
	stop_spare();
	q_lock_wait(q, wait != 0 && wait < LAST_WAIT ? wait : LAST_WAIT);
}

static int
settle(const struct delivery *d, struct q *q, const struct q_settle *how,
    struct q_batch *b, size_t first, size_t n)
{
	int rc = 0;

	do
		wait_on(q);
	while (n > 0 && (rc = q_batch_settle(q, how, b, first, n)) == Q_EBUSY &&
	       stop_wanted(NULL) && stop_count() == 1);
	return (rc == 0 ? 0 : queue_fail(d->name, rc));
}

/* Written and handed over: acknowledged, unless qack is to do that. */
static int
acknowledge(const struct delivery *d, struct q *q, struct q_batch *b, size_t n)
{
	static const struct q_settle ack = { .verb = Q_ACK };

	return (d->take.lease == 0 ? settle(d, q, &ack, b, 0, n) : 0);
}

/*
 * A batch that was not written whole. Nobody can tell how much of a broken pipe was
 * read: all goes back, uncounted. A message that cannot be read is dead.
 */
static void
give_back(const struct delivery *d, struct q *q, struct q_batch *b, struct progress *p)
{
	static const struct q_settle release = { .verb = Q_RELEASE };
	static const struct q_settle kill = { .verb = Q_KILL,
		.reason = "body is damaged" };
	size_t rest = p->whole;

	if (p->flushed)
		(void)acknowledge(d, q, b, p->whole);
	else
		(void)settle(d, q, &release, b, 0, p->whole);
	if (p->read_rc == Q_ECORRUPT)
		(void)settle(d, q, &kill, b, rest++, 1);
	(void)settle(d, q, &release, b, rest, q_batch_count(b) - rest);
}

static struct q_take
next_take(const struct delivery *d, uint64_t taken, struct q_batch *ack)
{
	struct q_take take = d->take;
	uint64_t left = d->count - taken;

	take.n = left < BATCH_COUNT ? (size_t)left : BATCH_COUNT;
	take.bytes = BATCH_BYTES;
	take.ack = d->take.lease == 0 ? ack : NULL;
	return (take);
}

/* Take, write, and acknowledge together with the next take, until there are no more. */
int
deliver(const struct delivery *d, struct q *q, struct out *out)
{
	struct q_batch *last = NULL, *b;
	uint64_t taken = 0;
	struct progress p;
	int rc, status = 0;

	while (taken < d->count && status == 0 && stop_signal() == 0) {
		struct q_take take = next_take(d, taken, last);

		if ((rc = q_take(q, &take, &b)) != 0) {
			if ((rc != Q_EMPTY && rc != Q_ETIMEDOUT) || taken == 0)
				status = queue_fail(d->name, rc);
			break;
		}
		q_batch_free(last);
		last = b;
		taken += q_batch_count(b);
		if ((status = write_batch(d, q, b, out, &p)) != 0) {
			give_back(d, q, b, &p);
			q_batch_free(b);
			return (status);
		}
	}
	/* Where the last take failed, it may have acknowledged or not: again is
	 * harmless. */
	if (last != NULL && (rc = acknowledge(d, q, last, q_batch_count(last))) != 0)
		status = rc;
	q_batch_free(last);
	return (status);
}
