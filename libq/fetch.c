/* SPDX-License-Identifier: ISC */
/* What another process has taken for us: held, if it is to be, and read. */
#include "batch.h"
#include "error.h"
#include "hold.h"
#include "life.h"
#include "queue.h"
#include "take.h"

#define TRY_STEP (2 * Q_SECOND / 1000)
enum { TRIES = 1000 };

static int
read_one(struct txn *t, struct q_batch *b, uint64_t id, uint32_t delivery)
{
	struct key k = key_id(id);
	struct message m;
	struct state s;
	struct span v;
	int rc;

	if ((rc = life_get(t, id, &s)) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (s.state != Q_LEASED || s.delivery != delivery)
		return (0);
	if ((rc = txn_get(t, T_BODY, key_span(&k), &v)) != 0 ||
	    (rc = message_decode(v.data, v.size, id, &m)) != 0)
		return (rc);
	return (batch_add(t, b, id, &s, &m, BATCH_BODY, SIZE_MAX));
}

/* Who is to stop meanwhile can only give back what he was given: he has a little more
 * time to find out what that is. */
static int
begin(struct q *q, struct txn *t)
{
	int left = TRIES, rc;

	while ((rc = txn_begin(q, t)) == Q_EBUSY && left-- > 0 && q->stop != NULL &&
	       q->stop(q->arg))
		clock_sleep(TRY_STEP);
	return (rc);
}

/* Those that are not ours any more are let go. */
static int
read_all(struct q *q, struct q_batch *b, bool held)
{
	size_t n = b->count;
	struct txn t;
	int rc;

	if ((rc = begin(q, &t)) != 0)
		return (rc != Q_EBUSY
			    ? rc
			    : fail(rc, "what was taken cannot be read, as others hold "
				       "the queue; it comes back when its lease ends"));
	batch_cut(b, 0);
	/* No more are added than were read, so a stub is read before it is replaced. */
	for (size_t i = 0; i < n; i++) {
		uint64_t id = b->msg[i].id;
		size_t had = b->count;

		if (rc == 0)
			rc = read_one(&t, b, id, b->msg[i].delivery);
		if (held && b->count == had)
			hold_unlock_once(q, id);
	}
	txn_abort(&t);
	return (rc);
}

int
take_fetch(struct q *q, struct q_batch *b, bool held)
{
	int rc;

	if (b->count == 0)
		return (0);
	if ((held && ((rc = hold_ready(q)) != 0 || (rc = batch_hold(q, b)) != 0)) ||
	    (rc = read_all(q, b, held)) != 0)
		batch_undo(q, b);
	if (rc == 0 && b->count == 0)
		rc = fail(Q_EBUSY, "what was taken was lost before it could be read");
	return (store_public(rc));
}
