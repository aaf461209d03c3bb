/* SPDX-License-Identifier: ISC */
/* Delivery to an output: take, write, and acknowledge together with the next take. */
#include "diag.h"
#include "emit.h"
#include "queue.h"
#include "stop.h"

#include "deliver.h"

/* Messages a transaction: enough that its flush weighs little beside them. */
enum { BATCH_COUNT = 1 << 14, BATCH_BYTES = 4 << 20 };

/*
 * Write a batch: 0, or the exit status. *read_rc is why a message could not be read,
 * and *written the number of those before it.
 */
static int
write_batch(const struct delivery *d, struct q *q, struct q_batch *b, struct out *out,
    size_t *written, int *read_rc)
{
	struct emit e = { d->form, d->take.lease != 0 && d->receipt == NULL, out };
	size_t i = 0;

	*read_rc = 0;
	*written = 0;
	/* The receipt's file is complete before the body shows that there is one. */
	if (d->receipt != NULL &&
	    emit_receipt(d->receipt, &q_batch_get(b, 0)->receipt) != 0)
		return (DIAG_FAILED);
	for (; i < q_batch_count(b) && out->error == 0 && stop_signal() == 0; i++)
		if ((*read_rc = emit_message(&e, q, q_batch_get(b, i))) != 0)
			break;
	if (stop_signal() != 0 || out_flush(out) != 0)
		return (DIAG_FAILED);
	*written = i;
	return (*read_rc == 0 ? 0 : queue_fail(d->name, *read_rc));
}

static int
settle(const struct delivery *d, struct q *q, const struct q_settle *how,
    struct q_batch *b, size_t first, size_t n)
{
	int rc = n > 0 ? q_batch_settle(q, how, b, first, n) : 0;

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
give_back(
    const struct delivery *d, struct q *q, struct q_batch *b, size_t written, int rc)
{
	static const struct q_settle release = { .verb = Q_RELEASE };
	static const struct q_settle kill = { .verb = Q_KILL,
		.reason = "body is damaged" };
	size_t first = written;

	(void)acknowledge(d, q, b, written);
	if (rc == Q_ECORRUPT)
		(void)settle(d, q, &kill, b, first++, 1);
	(void)settle(d, q, &release, b, first, q_batch_count(b) - first);
}

static struct q_take
next_take(const struct delivery *d, uint64_t taken, struct q_batch *ack)
{
	struct q_take take = d->take;
	uint64_t left = d->count - taken;

	take.n = left < BATCH_COUNT ? (size_t)left : BATCH_COUNT;
	take.bytes = BATCH_BYTES;
	take.stop = stop_wanted;
	take.ack = d->take.lease == 0 ? ack : NULL;
	return (take);
}

/* Take, write, and acknowledge together with the next take, until there are no more. */
int
deliver(const struct delivery *d, struct q *q, struct out *out)
{
	struct q_batch *last = NULL, *b;
	uint64_t taken = 0;
	size_t written;
	int rc, read_rc, status = 0;

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
		if ((status = write_batch(d, q, b, out, &written, &read_rc)) != 0) {
			give_back(d, q, b, written, read_rc);
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
