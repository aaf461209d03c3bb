/* SPDX-License-Identifier: ISC */
/* The order of messages within a group. */
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "note.h"

#include "group.h"

/* The first row of a group from message id on. STORE_NONE: there is none. */
static int
first_from(struct txn *t, const uint8_t group[16], uint64_t id, uint64_t *found)
{
	struct key from = key_group(group, id);
	struct span key = key_span(&from), v;
	int rc = txn_seek(t, T_GROUP, &key, &v);

	if (rc != 0)
		return (rc);
	if (key.size != from.size || memcmp(key.data, group, 16) != 0)
		return (STORE_NONE);
	*found = get_be64((const uint8_t *)key.data + 16);
	return (0);
}

int
group_has(struct txn *t, uint64_t id, const struct state *s, bool *is)
{
	struct key k = key_group(s->group, id);
	struct span v;
	int rc = STORE_NONE;

	if (s->flags & ST_GROUPED)
		rc = txn_get(t, T_GROUP, key_span(&k), &v);
	*is = rc == 0;
	return (rc == STORE_NONE ? 0 : rc);
}

int
group_free(struct txn *t, uint64_t id, const struct state *s, bool *is)
{
	uint64_t other;
	int rc;

	*is = true;
	if (!(s->flags & ST_GROUPED))
		return (0);
	if ((rc = group_has(t, id, s, is)) != 0 || *is)
		return (rc);
	rc = first_from(t, s->group, 0, &other);
	*is = rc == STORE_NONE;
	return (rc == STORE_NONE ? 0 : rc);
}

int
group_join(struct txn *t, uint64_t id, struct state *s)
{
	struct key k = key_group(s->group, id);
	bool is_free = true;
	struct span v;
	int rc;

	if (!(s->flags & ST_GROUPED))
		return (0);
	if ((rc = txn_get(t, T_GROUP, key_span(&k), &v)) != STORE_NONE ||
	    (rc = group_free(t, id, s, &is_free)) != 0)
		return (rc);
	if (!is_free) {
		/* Due becomes the time of day before which it shall not go on. */
		s->due = s->state == Q_DELAYED ? s->due : 0;
		s->state = Q_BLOCKED;
	}
	life_count(t, COUNT_GROUPED, 1);
	return (txn_put(t, T_GROUP, key_span(&k), (struct span){ NULL, 0 }));
}

/* The group's row on which its cursor stands goes. */
static int
drop(struct txn *t)
{
	life_count(t, COUNT_GROUPED, (uint64_t)0 - 1);
	return (txn_drop(t, T_GROUP));
}

/* The oldest of those left goes on; those whose state cannot be read are set aside. */
static int
unblock(struct txn *t, const uint8_t group[16])
{
	struct state s = { 0 };
	uint64_t id = 0;
	int rc;

	while ((rc = first_from(t, group, 0, &id)) == 0 &&
	       (rc = life_get(t, id, &s)) == Q_ECORRUPT) {
		if ((rc = drop(t)) != 0 || (rc = life_damage(t, id, Q_BLOCKED)) != 0)
			return (rc);
	}
	if (rc == STORE_NONE && (rc = first_from(t, group, 0, &id)) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (rc == 0 && s.state != Q_BLOCKED) /* or there is no such message */
		return (fail(Q_ECORRUPT,
		    "message %llu is not where its group is; run 'qctl check'",
		    (unsigned long long)id));
	if (rc != 0 || (rc = life_leave(t, id, &s)) != 0)
		return (rc);
	s.state = s.due > (uint64_t)t->now.wall ? Q_DELAYED : Q_READY;
	if (s.state == Q_READY)
		note(t, Q_EVENT_READY, id, &s, 0, NULL);
	return (life_enter(t, id, &s));
}

int
group_leave(struct txn *t, uint64_t id, const struct state *s)
{
	struct key k = key_group(s->group, id);
	struct span v;
	int rc;

	if (!(s->flags & ST_GROUPED))
		return (0);
	if ((rc = txn_get(t, T_GROUP, key_span(&k), &v)) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if ((rc = drop(t)) != 0 || s->state == Q_BLOCKED)
		return (rc);
	return (unblock(t, s->group));
}

int
group_dead(struct txn *t, uint64_t id, const struct state *s)
{
	return (t->meta.option[Q_OPT_GROUP_ON_DEAD] == Q_GROUP_HOLD
		    ? 0
		    : group_leave(t, id, s));
}

int
group_forget(struct txn *t, uint64_t id)
{
	struct span key, v;
	uint8_t group[16];
	int rc =
	    txn_entries(t, T_GROUP) > 0 ? txn_first(t, T_GROUP, &key, &v) : STORE_NONE;

	for (; rc == 0; rc = txn_next(t, T_GROUP, &key, &v)) {
		if (get_be64((const uint8_t *)key.data + 16) != id)
			continue;
		memcpy(group, key.data, sizeof(group));
		return ((rc = drop(t)) == 0 ? unblock(t, group) : rc);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

int
group_open(struct txn *t, const uint8_t group[16], uint64_t *id)
{
	struct state s = { 0 };
	int rc;

	for (*id = 0; (rc = first_from(t, group, *id, id)) == 0; ++*id)
		if ((rc = life_get(t, *id, &s)) != 0 || s.state != Q_BLOCKED)
			return (rc == Q_ECORRUPT ? 0 : rc);
	return (rc);
}

int
group_let_go(struct txn *t)
{
	struct key from = key_id(0);
	struct state s;
	uint64_t id;
	int rc;

	for (;;) {
		struct span key = key_span(&from), v;

		if ((rc = txn_seek(t, T_DEAD, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		id = get_be64(key.data);
		if ((rc = life_get(t, id, &s)) == 0)
			rc = group_leave(t, id, &s);
		else if (rc == Q_ECORRUPT)
			rc = group_forget(t, id);
		if (rc != 0)
			return (rc);
		from = key_id(id + 1);
	}
}
