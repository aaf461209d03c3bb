/* SPDX-License-Identifier: ISC */
/* What a repair makes of rows beside messages: groups, keys and results. */
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "event.h"
#include "life.h"
#include "message.h"
#include "outcome.h"
#include "unique.h"

#include "salvage.h"

static const struct span empty = { NULL, 0 };

/* ---- messages ---- */

/* Whether a dead one may hold up its group. Not those that this repair made so. */
static bool
may_hold(const struct salvage *s, const struct state *st)
{
	return (s->t.meta.option[Q_OPT_GROUP_ON_DEAD] == Q_GROUP_HOLD &&
		st->changed != s->t.now.wall);
}

/*
 * The row of its group. Of a dead one that may hold it up but has none, it is not known
 * whether it does, unless all rows were found: then a mark says so for now.
 */
static int
restore_row(struct salvage *s, uint64_t id, struct state *st)
{
	struct key k = key_group(st->group, id);
	struct span v;
	int rc;

	if (!(st->flags & ST_GROUPED)) {
		if (st->state == Q_BLOCKED)
			st->state = Q_READY;
		return (0);
	}
	if (st->state != Q_DEAD)
		return (txn_put(&s->t, T_GROUP, key_span(&k), empty));
	rc = txn_get(&s->t, T_GROUP, key_span(&k), &v);
	if (rc == 0 && !may_hold(s, st))
		return (txn_drop(&s->t, T_GROUP));
	if (rc == STORE_NONE && !s->grouped && may_hold(s, st))
		return (txn_put(&s->t, T_GROUP, key_span(&k), (struct span){ "", 1 }));
	return (rc == STORE_NONE ? 0 : rc);
}

/* The hash of the key of a message: STORE_NONE if it has none, or is not there. */
static int
own_key(struct salvage *s, uint64_t id, uint8_t hash[16])
{
	struct key k = key_id(id);
	struct message m;
	struct span v;
	int rc = txn_get(&s->t, T_BODY, key_span(&k), &v);

	if (rc != 0 || (rc = message_decode(v.data, v.size, id, &m)) != 0)
		return (rc);
	if (!(m.flags & MSG_KEY))
		return (STORE_NONE);
	unique_hash(&s->t, m.key, m.key_size, hash);
	return (0);
}

/* It has a key, which is its own, unless another that is not dead has it. */
static int
restore_key(struct salvage *s, uint64_t id)
{
	struct unique u = { 0, 0 };
	uint64_t other = 0;
	uint8_t hash[16];
	struct span v;
	struct key k;
	int rc = own_key(s, id, hash);

	if (rc != 0)
		return (rc);
	k = key_unique(hash);
	if (txn_get(&s->t, T_UNIQUE, key_span(&k), &v) == 0)
		(void)unique_decode(v.data, v.size, hash, &u);
	if (u.id == id && u.until == 0)
		return (0);
	if (u.id != 0 && u.until == 0 &&
	    ((rc = unique_find(&s->t, hash, &other)) != 0 || other != 0))
		return (rc);
	return (unique_put(&s->t, hash, id, 0));
}

int
restore_message(struct salvage *s, uint64_t id, struct state *st)
{
	int rc = restore_row(s, id, st);

	return (rc == 0 && st->flags & ST_KEYED && st->state != Q_DEAD
		    ? restore_key(s, id)
		    : rc);
}

/* ---- groups ---- */

struct members { /* the first of each kind; 0: none */
	uint64_t open, held, blocked;
};

/* The first row of the group from message id on. */
static int
next_member(struct salvage *s, const uint8_t group[16], uint64_t *id, bool *marked)
{
	struct key from = key_group(group, *id);
	struct span key = key_span(&from), v;
	int rc = txn_seek(&s->t, T_GROUP, &key, &v);

	if (rc == 0 && memcmp(key.data, group, 16) != 0)
		return (STORE_NONE);
	if (rc == 0) {
		*id = get_be64((const uint8_t *)key.data + 16);
		*marked = v.size > 0;
	}
	return (rc);
}

/* Count them, without rows that are of nobody. */
static int
read_members(struct salvage *s, const uint8_t group[16], struct members *m)
{
	bool marked;
	int rc;

	*m = (struct members){ 0 };
	for (uint64_t id = 0; (rc = next_member(s, group, &id, &marked)) == 0; id++) {
		struct state st;
		uint64_t *first;

		rc = life_get(&s->t, id, &st);
		if (rc != 0 && rc != STORE_NONE)
			return (rc);
		if (rc != 0 || !(st.flags & ST_GROUPED) ||
		    memcmp(st.group, group, 16) != 0) {
			struct key k = key_group(group, id);

			if ((rc = txn_del(&s->t, T_GROUP, key_span(&k))) != 0)
				return (rc);
			continue;
		}
		first = marked                  ? &m->held
		        : st.state == Q_BLOCKED ? &m->blocked
		                                : &m->open;
		*first = *first == 0 ? id : *first;
	}
	return (rc == STORE_NONE ? 0 : rc);
}

/* Goes on, or waits for the one that does. A dead one that does not hold leaves. */
static int
place_member(struct salvage *s, const uint8_t group[16], uint64_t id, bool goes_on)
{
	struct key k = key_group(group, id);
	struct state st;
	int rc = life_get(&s->t, id, &st);

	if (rc != 0)
		return (rc);
	if (st.state == Q_DEAD && !goes_on)
		return (txn_del(&s->t, T_GROUP, key_span(&k)));
	if ((rc = txn_put(&s->t, T_GROUP, key_span(&k), empty)) != 0)
		return (rc);
	life_count(&s->t, COUNT_GROUPED, 1);
	if ((st.state != Q_BLOCKED) == goes_on)
		return (0);
	if ((rc = life_leave(&s->t, id, &st)) != 0)
		return (rc);
	if (goes_on) {
		st.state = st.due > (uint64_t)s->t.now.wall ? Q_DELAYED : Q_READY;
	} else {
		st.due = st.state == Q_DELAYED ? st.due : 0;
		st.state = Q_BLOCKED;
		st.flags &= (uint16_t) ~(ST_OWNED | ST_AHEAD | ST_LAPSED);
	}
	return (life_enter(&s->t, id, &st));
}

/*
 * The first that is not blocked goes on, the others wait for it. If there is none, it
 * is the first of the dead that may have held up the group, and else of the blocked.
 */
static int
restore_group(struct salvage *s, const uint8_t group[16])
{
	struct members m;
	bool marked;
	uint64_t on;
	int rc = read_members(s, group, &m);

	on = m.open != 0 ? m.open : m.held != 0 ? m.held : m.blocked;
	for (uint64_t id = 0;
	     rc == 0 && (rc = next_member(s, group, &id, &marked)) == 0; id++) {
		rc = place_member(s, group, id, id == on);
		if (rc == 0 && ++s->rows >= 1000)
			rc = salvage_turn(s);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

int
restore_groups(struct salvage *s)
{
	struct key from = { .size = 24 };
	int rc;

	for (;;) {
		struct span key = key_span(&from), v;

		if ((rc = txn_seek(&s->t, T_GROUP, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		memcpy(from.b, key.data, 16);
		(void)put_be64(from.b + 16, UINT64_MAX);
		if ((rc = restore_group(s, from.b)) != 0)
			return (rc);
	}
}

/* ---- keys and results ---- */

/* Those of finished messages have their time; others are of messages that have them. */
static int
restore_unique(struct salvage *s, const struct unique *u, const uint8_t hash[16])
{
	uint8_t own[16];
	struct key e;
	int rc;

	if (u->id > s->greatest)
		s->greatest = u->id;
	if (u->until != 0) {
		e = key_expiry(EXPIRY_KEY, (uint64_t)u->until, get_be64(hash));
		return (txn_put(&s->t, T_EXPIRY, key_span(&e), empty));
	}
	rc = own_key(s, u->id, own);
	if (rc == STORE_NONE || (rc == 0 && memcmp(own, hash, sizeof(own)) != 0))
		return (unique_forget(&s->t, hash));
	return (rc == Q_ECORRUPT ? 0 : rc);
}

int
restore_keys(struct salvage *s)
{
	struct key from = { .size = 16 };
	int rc;

	for (;;) {
		struct span key = key_span(&from), v;
		struct unique u;
		int i = 16;

		if ((rc = txn_seek(&s->t, T_UNIQUE, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		memcpy(from.b, key.data, 16);
		if ((rc = unique_decode(v.data, v.size, from.b, &u)) != 0 ||
		    (rc = restore_unique(s, &u, from.b)) != 0)
			return (rc);
		if (++s->rows >= 1000 && (rc = salvage_turn(s)) != 0)
			return (rc);
		while (i > 0 && ++from.b[i - 1] == 0) /* the next there may be */
			i--;
		if (i == 0)
			return (0);
	}
}

/* Its file is not right: what else the result says is kept. */
static int
lose_output(struct salvage *s, uint64_t id, const struct outcome *o)
{
	uint8_t record[64 + Q_MAX_REASON];
	struct outcome lost = *o;
	struct key k = key_id(id);

	lost.flags = OUT_LOST;
	lost.size = 0;
	outcome_encode(&lost, id, record);
	return (txn_put(&s->t, T_RESULT, key_span(&k),
	    (struct span){ record, outcome_size(&lost) }));
}

int
restore_result(struct salvage *s, uint64_t id, struct span value)
{
	struct blob_row blob = { .id = id, .output = true };
	struct key k = key_id(id), e;
	struct outcome o;
	struct state st;
	int rc;

	if ((rc = outcome_decode(value.data, value.size, id, &o)) != 0)
		return (rc);
	if (id > s->greatest)
		s->greatest = id;
	rc = life_get(&s->t, id, &st);
	if (rc == 0 && st.state != Q_DEAD) /* it goes on */
		return (txn_del(&s->t, T_RESULT, key_span(&k)));
	e = key_expiry(EXPIRY_RESULT, (uint64_t)o.until, id);
	if ((rc != 0 && rc != STORE_NONE) ||
	    (rc = txn_put(&s->t, T_EXPIRY, key_span(&e), empty)) != 0 ||
	    !(o.flags & OUT_BLOB))
		return (rc);
	blob.size = o.size;
	blob.hash = o.hash;
	rc = check_one_blob(s->q, &blob);
	return (rc == Q_ECORRUPT ? lose_output(s, id, &o) : rc);
}
