/* SPDX-License-Identifier: ISC */
/* Settling a delivery: is the receipt good, and what becomes of the message. */
#include "blob.h"
#include "due.h"
#include "error.h"
#include "event.h"
#include "group.h"
#include "hash.h"
#include "life.h"
#include "note.h"
#include "policy.h"
#include "receipt.h"
#include "result.h"

#include "settle.h"

enum { REMEMBER_MOST = 10000 }; /* ended messages whose receipts are known */

static int
answer(struct q_settled *r, int code)
{
	r->code = code;
	return (0);
}

/* The message is gone. The same receipt again is no error while it is remembered. */
static int
settle_gone(struct txn *t, const struct settle *c, struct q_settled *r)
{
	struct key k = key_id(c->receipt.id);
	struct done d;
	struct span v;
	int rc = txn_get(t, T_DONE, key_span(&k), &v);

	if (rc == STORE_NONE)
		return (answer(r, Q_ENOENT));
	if (rc != 0 || (rc = done_decode(v.data, v.size, c->receipt.id, &d)) != 0)
		return (rc);
	r->again = d.delivery == c->receipt.delivery && d.verb == c->how->verb;
	return (answer(r, r->again ? 0 : Q_ESTALE));
}

/* How long the lease has been over; 0 if it is not. */
static q_time
lateness(const struct txn *t, const struct state *s)
{
	bool same_boot = s->boot == t->meta.boot.number;

	if (s->state == Q_LEASED && same_boot)
		return (
		    s->due <= (uint64_t)t->now.boot ? t->now.boot - (q_time)s->due : 0);
	if (s->due == HELD || !same_boot || s->state == Q_DELAYED)
		return (t->now.wall > s->changed ? t->now.wall - s->changed : 1);
	return (t->now.boot > (q_time)s->due ? t->now.boot - (q_time)s->due : 1);
}

/* Whether it is dead and the next one of its group has gone on: then it cannot be
 * leased again. */
static int
overtaken(struct txn *t, uint64_t id, const struct state *s, bool *is)
{
	bool is_free = true;
	int rc = s->state == Q_DEAD ? group_free(t, id, s, &is_free) : 0;

	*is = !is_free;
	return (rc);
}

/* 0 if the receipt's delivery may be settled, or not again; else r->code, and false. */
static bool
accept(const struct txn *t, const struct settle *c, const struct state *s,
    struct q_settled *r)
{
	/* One on its way to another queue may be there already. */
	bool open =
	    s->state == Q_LEASED || (s->flags & (ST_LAPSED | ST_MOVING)) == ST_LAPSED;

	if (s->delivery != c->receipt.delivery) {
		r->code = Q_ESTALE;
		r->holder = s->delivery;
		r->attempt = life_attempts(s);
		r->since = s->changed;
		r->pid = (pid_t)s->pid;
		return (false);
	}
	if (!open) {
		r->again = s->settled == c->how->verb;
		r->code = r->again ? 0 : Q_ESTALE;
		return (false);
	}
	r->late = lateness(t, s);
	if (r->late > 0 && c->how->strict) {
		r->code = Q_ESTALE;
		return (false);
	}
	return (true);
}

static int
forget_oldest(struct txn *t)
{
	struct key from = key_expiry(EXPIRY_DONE, 0, 0), id = { .size = 8 };
	struct span key = key_span(&from), v;
	int rc;

	if (txn_entries(t, T_DONE) < REMEMBER_MOST)
		return (0);
	if ((rc = txn_seek(t, T_EXPIRY, &key, &v)) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	memcpy(id.b, (const uint8_t *)key.data + 9, 8);
	if ((rc = txn_drop(t, T_EXPIRY)) != 0)
		return (rc);
	rc = txn_del(t, T_DONE, key_span(&id));
	return (rc == STORE_NONE ? 0 : rc);
}

static int
remember(struct txn *t, uint64_t id, const struct done *d)
{
	q_time window = (q_time)t->meta.option[Q_OPT_REMEMBER];
	uint8_t record[DONE_SIZE];
	struct key k = key_id(id), e;
	int rc;

	if (window == 0)
		return (0);
	if ((rc = forget_oldest(t)) != 0)
		return (rc);
	e = key_expiry(EXPIRY_DONE, (uint64_t)time_add(t->now.wall, window), id);
	done_encode(d, id, record);
	if ((rc = txn_put(t, T_EXPIRY, key_span(&e), (struct span){ NULL, 0 })) != 0)
		return (rc);
	return (
	    txn_put(t, T_DONE, key_span(&k), (struct span){ record, sizeof(record) }));
}

static int
settle_ack(struct txn *t, const struct settle *c, struct state *s)
{
	const struct done d = { s->delivery, Q_ACK, t->now.wall };
	int rc = life_end(t, c->receipt.id, s, COUNT_DONE);

	return (rc == 0 && !c->ours ? remember(t, c->receipt.id, &d) : rc);
}

static q_time
backoff(const struct txn *t, const struct settle *c, uint32_t attempt)
{
	q_time base = c->how->backoff_base, most = c->how->backoff_max;
	uint64_t id = c->receipt.id;

	if (base == 0)
		base = (q_time)t->meta.option[Q_OPT_BACKOFF];
	if (most == 0)
		most = (q_time)t->meta.option[Q_OPT_BACKOFF_MAX];
	return (policy_backoff(
	    attempt, base, most, hash_record(&id, sizeof(id), t->random)));
}

static int
settle_release(struct txn *t, const struct settle *c, struct state *s)
{
	q_time delay = c->how->delay, due;

	if (c->how->backoff)
		delay = backoff(t, c, s->in_a_row + 1U);
	due = delay > 0 ? time_add(t->now.wall, delay) : 0;
	note(t, Q_EVENT_RELEASED, c->receipt.id, s, due, c->how->reason);
	/* A thousand times "not now" in a row is an attempt after all. */
	if (c->how->counted || s->in_a_row >= POLICY_UNCOUNTED_IN_A_ROW) {
		s->in_a_row = 0;
	} else {
		s->in_a_row++;
		s->uncounted++;
	}
	life_count(t, COUNT_RELEASED, 1);
	return (life_retry(t, c->receipt.id, s, due));
}

static int
settle_extend(struct txn *t, const struct settle *c, struct state *s)
{
	bool was = s->state == Q_LEASED;
	int rc;

	if ((rc = due_check_boot(t)) != 0 ||
	    (s->state == Q_DEAD && (rc = life_revive(t, c->receipt.id, s)) != 0))
		return (rc);
	if (s->state != Q_LEASED || s->due != HELD) /* a held one has no end to move */
		s->due = (uint64_t)time_add(t->now.boot, c->how->lease);
	s->state = Q_LEASED;
	if (s->boot != t->meta.boot.number)
		s->began = t->now.boot;
	s->boot = t->meta.boot.number;
	s->settled = 0; /* it is not the end of the lease */
	note(t, Q_EVENT_EXTENDED, c->receipt.id, s, note_end(t, s), c->how->reason);
	return (was ? life_keep(t, c->receipt.id, s) : life_enter(t, c->receipt.id, s));
}

static const struct q_report *
report_of(const struct settle *c)
{
	static const struct q_report said = { .how = Q_HOW_SAID };

	return (c->how->report != NULL ? c->how->report : &said);
}

static int
settle_fail(struct txn *t, const struct settle *c, struct state *s)
{
	const char *reason = c->how->reason != NULL ? c->how->reason : "failed";
	uint64_t id = c->receipt.id;
	q_time delay =
	    c->how->has_delay ? c->how->delay : backoff(t, c, life_attempts(s));
	q_time due;
	int rc;

	s->in_a_row = 0;
	life_count(t, COUNT_FAILED, 1);
	if ((rc = life_fail(t, id, s, reason, report_of(c))) != 0)
		return (rc);
	due = delay > 0 ? time_add(t->now.wall, delay) : 0;
	note(t, Q_EVENT_FAILED, id, s,
	    life_attempts(s) < life_max_attempts(t, s) ? due : 0, reason);
	return (life_retry(t, id, s, due));
}

static int
settle_kill(struct txn *t, const struct settle *c, struct state *s)
{
	const char *reason = c->how->reason != NULL ? c->how->reason : "given up";
	int rc;

	s->in_a_row = 0;
	if ((rc = life_fail(t, c->receipt.id, s, reason, report_of(c))) != 0)
		return (rc);
	life_count(t, COUNT_FAILED, 1);
	return (life_die(t, c->receipt.id, s));
}

/* How long the delivery took, if its consumer has worked on it. */
static int
tally(struct txn *t, const struct settle *c, const struct state *s)
{
	const struct q_report *report = c->how->report;
	enum q_verb verb = c->how->verb;
	q_time took = t->now.boot - s->began;
	int rc = 0;

	if (verb == Q_RELEASE || verb == Q_EXTEND)
		return (0);
	if (s->state == Q_LEASED)
		rc = tally_time(t, HIST_SERVICE,
		    report != NULL && report->took > 0 ? report->took : took, 1);
	if (rc == 0 && verb == Q_ACK)
		rc = tally_time(t, HIST_TOTAL, t->now.wall - s->pushed, 1);
	if (rc == 0 && verb == Q_ACK)
		rc = tally_done(t, 1);
	return (rc);
}

/* As if it had not been taken: its delivery's number is given again, since nobody has
 * seen it. */
static int
settle_return(struct txn *t, const struct settle *c, struct state *s)
{
	if (s->delivery > 1)
		life_count(t, COUNT_RETRIED, UINT64_MAX);
	s->settled = 0;
	s->delivery--;
	life_count(t, COUNT_DELIVERED, UINT64_MAX);
	life_count(t, COUNT_BYTES_OUT, (uint64_t)0 - s->size);
	return (life_retry(t, c->receipt.id, s, 0));
}

/* What was taken ahead. It may have lapsed, which is no matter. */
static int
settle_ahead(struct txn *t, const struct settle *c, struct state *s)
{
	int rc;

	if (s->state != Q_LEASED || !(s->flags & ST_AHEAD))
		return (0);
	if (c->how->verb == Q_BEGIN) {
		s->flags &= (uint16_t)~ST_AHEAD;
		life_count(t, COUNT_AHEAD, UINT64_MAX);
		note(t, Q_EVENT_BEGUN, c->receipt.id, s, 0, NULL);
		return (life_write(t, c->receipt.id, s));
	}
	if ((rc = life_leave(t, c->receipt.id, s)) != 0)
		return (rc);
	note(t, Q_EVENT_RETURNED, c->receipt.id, s, 0, NULL);
	s->flags &= (uint16_t)~ST_AHEAD;
	return (settle_return(t, c, s));
}

static int
apply_verb(struct txn *t, const struct settle *c, struct state *s)
{
	static int (*const verbs[])(
	    struct txn *, const struct settle *, struct state *) = {
		[Q_ACK] = settle_ack,
		[Q_RELEASE] = settle_release,
		[Q_EXTEND] = settle_extend,
		[Q_FAIL] = settle_fail,
		[Q_KILL] = settle_kill,
	};
	int rc;

	if (c->how->verb == Q_BEGIN || c->how->verb == Q_RETURN)
		return (settle_ahead(t, c, s));
	if ((rc = tally(t, c, s)) != 0 || (rc = life_leave(t, c->receipt.id, s)) != 0)
		return (rc);
	if (c->how->verb != Q_EXTEND)
		s->flags &= (uint16_t)~ST_OWNED;
	s->flags &= (uint16_t) ~(ST_LAPSED | ST_AHEAD);
	s->settled = (uint8_t)c->how->verb;
	return (verbs[c->how->verb](t, c, s));
}

/* Of one that died, the result is there already; its output is not. */
static bool
ended_with_result(const struct settle *c, const struct state *s)
{
	return (
	    c->how->verb == Q_ACK || (s->state == Q_DEAD && c->how->output != NULL));
}

/* How many deliveries from the first one on are of one extent, and can end at once. */
static int
ends_together(
    struct txn *t, const struct q_msg *msg, size_t n, struct extent *e, unsigned *count)
{
	const struct q_receipt *p = &msg->receipt;
	unsigned at;
	int rc = extent_find(t, p->id, e);

	*count = 0;
	if (rc != 0 || e->s.state != Q_LEASED || e->s.delivery != p->delivery ||
	    !extent_may(&e->s) || t->meta.option[Q_OPT_RESULTS] == Q_RESULTS_ALL)
		return (rc == STORE_NONE || rc == Q_ECORRUPT ? 0 : rc);
	at = (unsigned)(p->id - e->first);
	while (*count < n && at + *count < e->count &&
	       msg[*count].receipt.id == p->id + *count &&
	       msg[*count].receipt.delivery == p->delivery)
		++*count;
	if (at > 0 || *count < 2)
		*count = 0;
	return (0);
}

/* As settle_ack() for each, of what is ours. */
static int
ack_extent(struct txn *t, struct extent *e, unsigned n)
{
	q_time took = t->now.boot - e->s.began;
	int rc;

	if ((rc = extent_cut(t, e, n)) != 0 || (rc = life_leave_extent(t, e)) != 0 ||
	    (rc = tally_time(t, HIST_SERVICE, took, n)) != 0 ||
	    (rc = tally_time(t, HIST_TOTAL, t->now.wall - e->s.pushed, n)) != 0 ||
	    (rc = tally_done(t, n)) != 0)
		return (rc);
	return (life_end_extent(t, e, COUNT_DONE));
}

int
settle_many(struct txn *t, const struct q_settle *how, const struct q_msg *msg,
    size_t n, int *code)
{
	int rc = 0;

	*code = 0;
	for (size_t i = 0; i < n && rc == 0;) {
		struct settle one = { how, msg[i].receipt, true };
		struct q_settled result = { 0 };
		unsigned together = 0;
		struct extent e;

		if (how->verb == Q_ACK && how->report == NULL && how->output == NULL &&
		    !how->strict)
			rc = ends_together(t, msg + i, n - i, &e, &together);
		if (rc == 0)
			rc = together > 0 ? ack_extent(t, &e, together)
			                  : settle_apply(t, &one, &result);
		if (result.code == Q_ECORRUPT)
			*code = Q_ECORRUPT;
		i += together > 0 ? together : 1;
	}
	return (rc);
}

int
settle_apply(struct txn *t, const struct settle *c, struct q_settled *r)
{
	const struct q_receipt *p = &c->receipt;
	struct state s;
	bool over;
	int rc;

	*r = (struct q_settled){ 0 };
	if (!c->ours && receipt_check(t->meta.uuid, p->id, p->delivery) != p->check)
		return (answer(r, Q_EFOREIGN));
	if ((rc = life_get(t, p->id, &s)) == STORE_NONE)
		return (settle_gone(t, c, r));
	if (rc == Q_ECORRUPT)
		return (answer(r, rc));
	if (rc != 0)
		return (rc);
	if (!accept(t, c, &s, r))
		return (0);
	if (c->how->verb == Q_EXTEND &&
	    ((rc = overtaken(t, p->id, &s, &over)) != 0 || over))
		return (rc != 0 ? rc : answer(r, Q_ESTALE));
	if ((rc = apply_verb(t, c, &s)) != 0)
		return (rc);
	if (ended_with_result(c, &s) &&
	    (rc = result_put(t, p->id, &s, c->how->verb != Q_ACK, c->how->output)) != 0)
		return (rc);
	r->attempt = life_attempts(&s);
	r->max_attempts = life_max_attempts(t, &s);
	if (c->how->verb != Q_ACK && life_get(t, p->id, &s) == 0) {
		r->state = s.state;
		r->due = s.state == Q_DELAYED ? (q_time)s.due : 0;
	}
	return (0);
}

void
settle_flush(const struct q_settle *how)
{
	if (how->output != NULL && how->output->blob != NULL)
		(void)blob_finish(how->output->blob); /* else it is noted as lost */
}

void
settle_undo(const struct q_settle *how)
{
	if (how->output != NULL && how->output->blob != NULL)
		blob_disown(how->output->blob);
}

int
settle_check(const struct q_settle *how, size_t n)
{
	if (how->verb < Q_ACK || how->verb > Q_RETURN)
		return (fail(Q_EINVAL, "no verb to settle by"));
	if (how->delay < 0 || how->lease < 0 || how->backoff_base < 0 ||
	    how->backoff_max < 0)
		return (fail(Q_EINVAL, "a duration is negative"));
	if (how->output == NULL || how->output->blob == NULL)
		return (0);
	if (n > 1)
		return (fail(Q_EINVAL, "an output that is a blob is of one message"));
	return (blob_check(how->output->blob, true));
}
