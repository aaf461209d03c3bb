/* SPDX-License-Identifier: ISC */
/* Settling deliveries: is the receipt good; and those of a whole extent at once. */
#include "blob.h"
#include "error.h"
#include "event.h"
#include "group.h"
#include "life.h"
#include "look.h"
#include "receipt.h"
#include "result.h"
#include "verb.h"

#include "settle.h"

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

	if (rc == STORE_NONE && (rc = look_gone(t, c->receipt.id)) == STORE_NONE)
		rc = Q_ENOENT;
	if (rc == Q_ENOENT || rc == Q_ECORRUPT)
		return (answer(r, rc));
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

/* Extents whose messages are done, but for their rows. */
struct ended {
	struct extent e[32];
	size_t n;
};

static int
end_all(struct txn *t, struct ended *d)
{
	size_t n = d->n;

	d->n = 0;
	return (life_end_extents(t, d->e, n, COUNT_DONE));
}

/* As verb_apply() for each of the last one, of what is ours. */
static int
ack_extent(struct txn *t, struct ended *d, unsigned n)
{
	struct extent *e = &d->e[d->n];
	q_time took = t->now.boot - e->s.began;
	int rc;

	if ((rc = extent_cut(t, e, n)) != 0 || (rc = life_leave_extent(t, e)) != 0 ||
	    (rc = tally_time(t, HIST_SERVICE, took, n)) != 0 ||
	    (rc = tally_time(t, HIST_TOTAL, t->now.wall - e->s.pushed, n)) != 0 ||
	    (rc = tally_done(t, n)) != 0)
		return (rc);
	return (++d->n == sizeof(d->e) / sizeof(d->e[0]) ? end_all(t, d) : 0);
}

int
settle_many(struct txn *t, const struct q_settle *how, const struct q_msg *msg,
    size_t n, int *code)
{
	bool plain = how->verb == Q_ACK && how->report == NULL && how->output == NULL &&
	             !how->strict;
	struct ended ended;
	int rc = 0;

	ended.n = 0;
	*code = 0;
	for (size_t i = 0; i < n && rc == 0;) {
		struct settle one = { how, msg[i].receipt, true };
		struct q_settled result = { 0 };
		unsigned together = 0;

		if (plain)
			rc = ends_together(
			    t, msg + i, n - i, &ended.e[ended.n], &together);
		if (rc == 0 && together > 0)
			rc = ack_extent(t, &ended, together);
		else if (rc == 0 && (rc = end_all(t, &ended)) == 0)
			rc = settle_apply(t, &one, &result);
		if (result.code == Q_ECORRUPT)
			*code = Q_ECORRUPT;
		i += together > 0 ? together : 1;
	}
	return (rc == 0 ? end_all(t, &ended) : rc);
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
	if ((rc = verb_apply(t, c, &s)) != 0)
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
