/* SPDX-License-Identifier: ISC */
/* Results: kept when messages end, and read by whoever waits for them. */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "error.h"
#include "event.h"
#include "look.h"
#include "outcome.h"
#include "queue.h"
#include "space.h"
#include "wake.h"

#include "result.h"

static bool
wanted(const struct txn *t, const struct state *s)
{
	return (
	    t->meta.option[Q_OPT_RESULT_KEEP] > 0 &&
	    (s->flags & ST_RESULT || t->meta.option[Q_OPT_RESULTS] == Q_RESULTS_ALL));
}

/* How the delivery failed that was the last; o points into the map then. */
static int
add_failure(struct txn *t, uint64_t id, uint32_t delivery, struct outcome *o)
{
	struct key k = key_failure(id, delivery);
	struct failure f;
	struct span v;
	int rc = txn_get(t, T_FAILURE, key_span(&k), &v);

	if (rc == 0 && (rc = failure_decode(v.data, v.size, id, &f)) == 0) {
		o->how = f.report.how;
		o->status = (uint16_t)f.report.status;
		o->reason = f.reason;
		o->reason_size = f.reason_size;
	}
	/* Without it there is less to tell. */
	return (rc == STORE_NONE || rc == Q_ECORRUPT ? 0 : rc);
}

static int
make_room(struct txn *t, uint64_t size)
{
	int rc = space_ensure(t, t->room + size);

	t->room += rc == 0 ? size : 0;
	return (rc);
}

static bool
can_keep(struct txn *t, uint64_t id, const struct q_output *out)
{
	if (out->lost)
		return (false);
	if (out->blob == NULL)
		return (out->size == 0 || make_room(t, out->size) == 0);
	return (out->blob->flushed && blob_adopt(out->blob, id) == 0);
}

/*
 * The work is done: that its output cannot be kept, on a full disk for instance, is no
 * reason to have it done again.
 */
static void
add_output(struct txn *t, uint64_t id, const struct q_output *out, struct outcome *o)
{
	if (!can_keep(t, id, out)) {
		o->flags |= OUT_LOST;
	} else if (out->blob == NULL) {
		o->output = out->data;
		o->size = out->size;
	} else {
		o->flags |= OUT_BLOB;
		o->size = q_blob_size(out->blob);
		o->hash = blob_hash(out->blob);
	}
}

int
result_forget(struct txn *t, uint64_t id)
{
	struct key k = key_id(id);
	struct outcome o;
	struct span v;
	int rc = txn_get(t, T_RESULT, key_span(&k), &v);

	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	/* Of a damaged one it is not known: its file is swept. */
	if (outcome_decode(v.data, v.size, id, &o) == 0 && o.flags & OUT_BLOB &&
	    (rc = life_drop_file(t, id, true)) != 0)
		return (rc);
	return (txn_drop(t, T_RESULT));
}

int
result_put(struct txn *t, uint64_t id, const struct state *s, bool dead,
    const struct q_output *output)
{
	struct outcome o = { .when = t->now.wall, .reason = "" };
	struct key k = key_id(id);
	uint8_t *record;
	int rc;

	if (!wanted(t, s))
		return (0);
	o.until = time_add(o.when, (q_time)t->meta.option[Q_OPT_RESULT_KEEP]);
	o.state = dead ? Q_DEAD : 0;
	if ((rc = result_forget(t, id)) != 0 ||
	    (dead && (rc = add_failure(t, id, s->delivery, &o)) != 0))
		return (rc);
	if (output != NULL)
		add_output(t, id, output, &o);
	rc = txn_reserve(t, T_RESULT, key_span(&k), outcome_size(&o), &record);
	if (rc != 0)
		return (rc);
	outcome_encode(&o, id, record);
	k = key_expiry(EXPIRY_RESULT, (uint64_t)o.until, id);
	return (txn_put(t, T_EXPIRY, key_span(&k), (struct span){ NULL, 0 }));
}

int
result_expire(struct txn *t, uint64_t id)
{
	struct key k = key_id(id);
	struct outcome o;
	struct span v;
	int rc = txn_get(t, T_RESULT, key_span(&k), &v);

	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	/* The row that fell due may be that of an earlier end. */
	if (outcome_decode(v.data, v.size, id, &o) == 0 && o.until > t->now.wall)
		return (0);
	return (result_forget(t, id));
}

/* ---- for those who wait ---- */

struct q_result_memory {
	struct q_result result;
	char data[]; /* output and reason, each with a NUL */
};

static int
copy(const struct outcome *o, uint64_t id, struct q_result **out)
{
	size_t size = o->flags & (OUT_BLOB | OUT_LOST) ? 0 : (size_t)o->size;
	struct q_result_memory *m = calloc(1, sizeof(*m) + size + o->reason_size + 2);
	struct q_result *r;

	if (m == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	r = &m->result;
	r->id = id;
	r->state = (enum q_state)o->state;
	r->how = o->how;
	r->status = o->status;
	r->when = o->when;
	r->blob = o->flags & OUT_BLOB;
	r->lost = o->flags & OUT_LOST;
	r->size = o->size;
	r->hash = o->hash;
	if (size > 0)
		memcpy(m->data, o->output, size);
	if (o->reason_size > 0)
		memcpy(m->data + size + 1, o->reason, o->reason_size);
	r->output = m->data;
	r->reason = m->data + size + 1;
	*out = r;
	return (0);
}

static int
no_result(void)
{
	return (
	    fail(Q_ENOENT, "no result is kept (it expired, was purged, or never was)"));
}

/* What is known of a message that is dead, without a result. */
static int
find_dead(struct txn *t, uint64_t id, const struct state *s, struct q_result **out)
{
	struct outcome o = { .state = Q_DEAD, .when = s->changed, .reason = "" };
	int rc;

	if (s->state != Q_DEAD) { /* a lease that is over: nobody has noted it yet */
		o.how = Q_HOW_LAPSED;
		o.reason = "lease ran out";
		o.reason_size = strlen(o.reason);
	} else if ((rc = add_failure(t, id, s->delivery, &o)) != 0) {
		return (rc);
	}
	return (copy(&o, id, out));
}

static int
find(struct txn *t, uint64_t id, struct q_result **out)
{
	enum q_state state = Q_DEAD;
	struct key k = key_id(id);
	struct outcome o;
	struct state s;
	struct span v;
	int rc = life_get(t, id, &s), there = rc;

	if (rc == 0)
		state = look_state(t, id, &s);
	else if (rc != STORE_NONE)
		return (rc);
	if (state == 0)
		return (no_result());
	/* One on its way to another queue is dead only lest it be delivered here. */
	if (state != Q_DEAD || (there == 0 && s.flags & ST_MOVING))
		return (fail(Q_EMPTY, "the message has not ended"));
	rc = txn_get(t, T_RESULT, key_span(&k), &v);
	if (rc == STORE_NONE)
		return (there == 0 ? find_dead(t, id, &s, out) : no_result());
	if (rc == 0)
		rc = outcome_decode(v.data, v.size, id, &o);
	return (rc == 0 ? copy(&o, id, out) : rc);
}

static int
look(struct q *q, uint64_t id, struct q_result **out)
{
	struct txn t;
	int rc;

	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	rc = find(&t, id, out);
	txn_abort(&t);
	return (store_public(rc));
}

/* A queue that is busy takes no more of the time than there is. */
static int
look_until(struct q *q, uint64_t id, q_time until, bool bounded, struct q_result **out)
{
	q_time before = q->lock_wait, left = until - clock_monotonic();
	int rc;

	if (bounded && left < before)
		q->lock_wait = left > 0 ? left : 1;
	rc = look(q, id, out);
	q->lock_wait = before;
	if (rc == Q_EBUSY && bounded && clock_monotonic() >= until)
		return (fail(Q_ETIMEDOUT, "it has not ended in the time given"));
	return (rc);
}

int
q_result_get(struct q *q, uint64_t id, q_time wait, struct q_result **out)
{
	q_time until;
	int rc;

	if (wait < 0)
		return (fail(Q_EINVAL, "a duration is negative"));
	until = time_add(clock_monotonic(), wait);
	wake_choose(q, CTL_CHANGE);
	q->ctl.due = Q_FOREVER;
	while ((rc = look_until(q, id, until, wait > 0, out)) == Q_EMPTY && wait > 0) {
		if (clock_monotonic() >= until || (q->stop != NULL && q->stop(q->arg)))
			return (
			    fail(Q_ETIMEDOUT, "it has not ended in the time given"));
		q_wait(q, until);
	}
	return (rc);
}

/* Of a queue that nothing has left otherwise, all ids up to the last that was pushed.
 */
static bool
all_done(const struct txn *t, uint64_t id)
{
	const uint64_t *c = t->meta.counter;

	return (id > 0 && id < t->meta.next && c[COUNT_PUSHED] == t->meta.next - 1 &&
		c[COUNT_EXPIRED] == 0 && c[COUNT_PURGED] == 0);
}

static int
find_done(struct txn *t, uint64_t id, q_time *when)
{
	struct key k = key_id(id);
	struct done d = { .verb = Q_ACK };
	struct state s;
	struct span v;
	int rc = look_get(t, id, &s);

	if (rc == 0)
		return (fail(Q_ENOENT, "it is not done"));
	if (rc != STORE_NONE)
		return (rc);
	if ((rc = txn_get(t, T_DONE, key_span(&k), &v)) == 0)
		rc = done_decode(v.data, v.size, id, &d);
	else if (rc == STORE_NONE && all_done(t, id))
		rc = 0;
	if (rc == STORE_NONE || (rc == 0 && d.verb != Q_ACK))
		return (fail(Q_ENOENT, "it is not known to be done"));
	*when = d.when;
	return (rc);
}

int
q_result_done(struct q *q, uint64_t id, q_time *when)
{
	struct txn t;
	int rc;

	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	rc = find_done(&t, id, when);
	txn_abort(&t);
	return (store_public(rc));
}

void
q_result_free(struct q_result *result)
{
	free(result); /* the first member of its memory */
}
