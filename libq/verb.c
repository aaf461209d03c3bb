/* SPDX-License-Identifier: ISC */
/* What becomes of a message whose delivery is settled: one function a verb. */
#include "due.h"
#include "event.h"
#include "hash.h"
#include "life.h"
#include "note.h"
#include "policy.h"
#include "settle.h"

#include "verb.h"

enum { REMEMBER_MOST = 10000 }; /* ended messages whose receipts are known */

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
verb_ack(struct txn *t, const struct settle *c, struct state *s)
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
verb_release(struct txn *t, const struct settle *c, struct state *s)
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
verb_extend(struct txn *t, const struct settle *c, struct state *s)
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
verb_fail(struct txn *t, const struct settle *c, struct state *s)
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
verb_kill(struct txn *t, const struct settle *c, struct state *s)
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
verb_return(struct txn *t, const struct settle *c, struct state *s)
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
verb_ahead(struct txn *t, const struct settle *c, struct state *s)
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
	return (verb_return(t, c, s));
}

int
verb_apply(struct txn *t, const struct settle *c, struct state *s)
{
	static int (*const verbs[])(
	    struct txn *, const struct settle *, struct state *) = {
		[Q_ACK] = verb_ack,
		[Q_RELEASE] = verb_release,
		[Q_EXTEND] = verb_extend,
		[Q_FAIL] = verb_fail,
		[Q_KILL] = verb_kill,
	};
	int rc;

	if (c->how->verb == Q_BEGIN || c->how->verb == Q_RETURN)
		return (verb_ahead(t, c, s));
	if ((rc = tally(t, c, s)) != 0 || (rc = life_leave(t, c->receipt.id, s)) != 0)
		return (rc);
	if (c->how->verb != Q_EXTEND)
		s->flags &= (uint16_t)~ST_OWNED;
	s->flags &= (uint16_t) ~(ST_LAPSED | ST_AHEAD);
	s->settled = (uint8_t)c->how->verb;
	return (verbs[c->how->verb](t, c, s));
}
