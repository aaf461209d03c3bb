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

int
life_damage(struct txn *t, uint64_t id)
{
	static const struct q_report damaged = { .how = Q_HOW_DAMAGED };
	struct key k = key_id(id);
	struct state s = { 0 };
	struct message m;
	struct span v;
	int rc = life_get(t, id, &s);
	bool lost = rc != 0;

	if (rc != 0 && rc != Q_ECORRUPT && rc != STORE_NONE)
		return (rc);
	/* What it was may be lost; that it was is not, nor what was pushed. */
	if (lost) {
		s = life_lost(t, Q_DEAD);
		if (txn_get(t, T_BODY, key_span(&k), &v) == 0 &&
		    message_decode(v.data, v.size, id, &m) == 0)
			life_agree(t, &s, &m);
	}
	if ((rc = life_fail(t, id, &s, "damaged (checksum)", &damaged)) != 0 ||
	    (rc = life_die(t, id, &s)) != 0)
		return (rc);
	return (lost ? group_forget(t, id) : 0);
}
