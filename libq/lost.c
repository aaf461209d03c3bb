/* SPDX-License-Identifier: ISC */
/* Messages of which a part is lost: what is left of them stays, as dead. */
#include "group.h"
#include "hash.h"
#include "message.h"

#include "life.h"

/* What both records say, by their flags there and here. */
static const struct {
	uint16_t message, state;
} shared[] = {
	{ MSG_EXPIRES, ST_EXPIRES },
	{ MSG_BLOB, ST_BLOB },
	{ MSG_KEY, ST_KEYED },
	{ MSG_GROUP, ST_GROUPED },
	{ MSG_RESULT, ST_RESULT },
};

enum { SHARED = sizeof(shared) / sizeof(shared[0]) };

bool
life_agrees(const struct state *s, const struct message *m)
{
	for (size_t i = 0; i < SHARED; i++)
		if (!(m->flags & shared[i].message) != !(s->flags & shared[i].state))
			return (false);
	return (m->size == s->size && m->rank == s->rank);
}

void
life_agree(const struct txn *t, struct state *s, const struct message *m)
{
	for (size_t i = 0; i < SHARED; i++) {
		s->flags &= (uint16_t)~shared[i].state;
		if (m->flags & shared[i].message)
			s->flags |= shared[i].state;
	}
	s->rank = m->rank;
	s->size = m->size;
	s->pushed = m->pushed;
	if (s->flags & ST_GROUPED)
		hash_name(m->group, m->group_size, t->meta.uuid, s->group);
}

struct state
life_lost(const struct txn *t, enum q_state state)
{
	struct state s = { .state = state, .changed = t->now.wall };

	s.delivery = s.uncounted = (uint32_t)(t->now.wall / Q_SECOND);
	return (s);
}

static int
set_aside(struct txn *t, uint64_t id, struct state *s)
{
	static const struct q_report damaged = { .how = Q_HOW_DAMAGED };
	int rc = life_fail(t, id, s, "damaged (checksum)", &damaged);

	if (t->damaged == 0)
		t->damaged = id;
	return (rc == 0 ? life_die(t, id, s) : rc);
}

/* What it was is lost; that it was is not, nor what was pushed. */
static int
set_lost_aside(struct txn *t, uint64_t id)
{
	struct state s = life_lost(t, Q_DEAD);
	struct key k = key_id(id);
	struct message m;
	struct span v;
	int rc;

	if (txn_get(t, T_BODY, key_span(&k), &v) == 0 &&
	    message_decode(v.data, v.size, id, &m) == 0)
		life_agree(t, &s, &m);
	rc = set_aside(t, id, &s);
	return (rc == 0 ? group_forget(t, id) : rc);
}

/*
 * One that shared the damaged record of another. As long as they wait together none of
 * them has ever been delivered, so its message record says all there was. Those that
 * are delayed are met when they are due.
 */
static int
restore(struct txn *t, uint64_t id, enum q_state listed)
{
	struct state s = life_lost(t, Q_READY);
	struct key k = key_id(id);
	struct message m;
	struct span v;

	if (listed == Q_LEASED || txn_get(t, T_BODY, key_span(&k), &v) != 0 ||
	    message_decode(v.data, v.size, id, &m) != 0)
		return (set_lost_aside(t, id));
	life_agree(t, &s, &m);
	if (m.flags & MSG_ATTEMPTS)
		s.max_attempts = m.max_attempts;
	return (life_enter(t, id, &s));
}

int
life_damage(struct txn *t, uint64_t id, enum q_state listed)
{
	uint64_t first = id;
	unsigned count = 1;
	struct extent e;
	struct state s;
	int rc = extent_find(t, id, &e);

	if (rc == 0) { /* listed where it is, if it was not: there it leaves */
		if ((rc = extent_list(t, &e)) != 0 || (rc = life_get(t, id, &s)) != 0 ||
		    (rc = life_leave(t, id, &s)) != 0)
			return (rc);
		return (set_aside(t, id, &s));
	}
	if (rc == Q_ECORRUPT) {
		first = e.first;
		rc = extent_guess(t, first, &count);
	}
	if (rc != 0 && rc != STORE_NONE)
		return (rc);
	life_count_in(t, &(struct state){ .state = listed }, (uint64_t)0 - count);
	if (listed == Q_LEASED)
		t->meta.counter[COUNT_AHEAD] = COUNT_UNKNOWN;
	rc = 0;
	/* From the end: the damaged record is the mark of where they begin. */
	while (count-- > 0 && rc == 0)
		rc = first + count == id ? set_lost_aside(t, id)
		                         : restore(t, first + count, listed);
	return (rc);
}
