/* SPDX-License-Identifier: ISC */
/* What falls due: delays, leases, TTLs, memories; and the leases of the dead. */
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hold.h"
#include "life.h"
#include "note.h"
#include "result.h"
#include "space.h"
#include "unique.h"

#include "due.h"

static int
misplaced(uint64_t id)
{
	return (
	    fail(Q_ECORRUPT, "message %llu is listed where it is not; run 'qctl check'",
		(unsigned long long)id));
}

/* Whether so many are all for now, as what they are written on may not find room. */
static bool
is_enough(struct txn *t, unsigned done)
{
	if (done < DUE_FEW)
		return (false);
	if (t->for_due == ROOM_UNKNOWN)
		t->for_due =
		    space_allows(t->q, DUE_MOST) < DUE_MOST ? ROOM_SHORT : ROOM_ENOUGH;
	return (t->for_due == ROOM_SHORT);
}

/* A message whose state cannot be read must not keep the others from their time. */
static int
set_aside(struct txn *t, uint64_t id, enum q_state state)
{
	int rc = txn_drop(t, state == Q_LEASED ? T_LEASED : T_DELAYED);

	return (rc == 0 ? life_damage(t, id, state) : rc);
}

/*
 * What an index lists as in a state: that the record agrees is checked by place and
 * time. The index's cursor stands on its row. STORE_NONE: it was damaged, and is set
 * aside.
 */
static int
listed(struct txn *t, uint64_t id, enum q_state state, uint64_t due, struct extent *e)
{
	int rc = extent_find(t, id, e);

	if (rc == Q_ECORRUPT) {
		rc = set_aside(t, id, state);
		return (rc == 0 ? STORE_NONE : rc);
	}
	if (rc == STORE_NONE ||
	    (rc == 0 && (e->first != id || e->s.state != state || e->s.due != due)))
		return (misplaced(id));
	return (rc);
}

int
due_same_boot(const struct txn *t, bool *same)
{
	uint8_t id[BOOT_ID_SIZE];
	int rc = clock_boot_id(id);

	if (rc == 0)
		*same = memcmp(t->meta.boot.id, id, BOOT_ID_SIZE) == 0;
	return (rc);
}

int
due_check_boot(struct txn *t)
{
	struct boot *b = &t->meta.boot;
	bool same = false;
	int rc = due_same_boot(t, &same);

	if (rc != 0 || same)
		return (rc);
	b->number++;
	b->hold_since = 0;
	memset(b->rate, 0, sizeof(b->rate));
	t->meta_changed |= 1U << META_REC_BOOT;
	return (clock_boot_id(b->id));
}

static int
promote_delayed(struct txn *t, unsigned most)
{
	struct span key, v;
	struct extent e;
	int rc;

	for (unsigned i = 0; i < most; i += e.count) {
		uint64_t due, id;

		e.count = 1;
		if ((rc = txn_first(t, T_DELAYED, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		due = get_be64(key.data);
		id = get_be64((const uint8_t *)key.data + 8);
		if (due > (uint64_t)t->now.wall || is_enough(t, i))
			return (0);
		if ((rc = listed(t, id, Q_DELAYED, due, &e)) == STORE_NONE)
			continue;
		if (rc != 0 || (rc = life_leave_extent(t, &e)) != 0)
			return (rc);
		e.s.state = Q_READY;
		for (unsigned n = 0; n < e.count; n++)
			note(t, Q_EVENT_READY, id + n, &e.s, 0, NULL);
		if ((rc = life_enter_extent(t, &e)) != 0)
			return (rc);
	}
	return (0);
}

static int
promote_leased(struct txn *t, unsigned most)
{
	struct span key, v;
	struct extent e;
	struct state s;
	int rc;

	for (unsigned i = 0; i < most; i++) {
		const uint8_t *k;
		uint64_t due, id;
		bool rebooted;

		if ((rc = txn_first(t, T_LEASED, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		k = key.data;
		due = get_be64(k + 4);
		id = get_be64(k + 12);
		rebooted = get_be32(k) != t->meta.boot.number;
		if ((!rebooted && due > (uint64_t)t->now.boot) || is_enough(t, i))
			return (0);
		if ((rc = listed(t, id, Q_LEASED, due, &e)) == STORE_NONE)
			continue;
		if (rc == 0 && (rc = life_get(t, id, &s)) == 0)
			rc = life_lapse(
			    t, id, &s, rebooted ? "rebooted" : "lease ran out");
		if (rc != 0)
			return (rc);
	}
	return (0);
}

static int
expire_row(struct txn *t, uint8_t kind, uint64_t id)
{
	struct key k = key_id(id);
	struct state s;
	bool ended;
	int rc;

	if (kind == EXPIRY_KEY)
		return (unique_expire(t, id));
	if (kind == EXPIRY_RESULT)
		return (result_expire(t, id));
	if (kind == EXPIRY_DONE) {
		rc = txn_del(t, T_DONE, key_span(&k));
		return (rc == STORE_NONE ? 0 : rc);
	}
	if ((rc = life_get(t, id, &s)) != 0) /* a damaged one is its taker's to find */
		return (rc == STORE_NONE || rc == Q_ECORRUPT ? 0 : rc);
	/* Never while leased: that is decided when the message comes back. The dead
	 * stay. */
	if (s.state != Q_READY && s.state != Q_DELAYED && s.state != Q_BLOCKED)
		return (0);
	if ((rc = life_leave(t, id, &s)) == 0 &&
	    (rc = life_expire(t, id, &s, &ended)) == 0 && !ended)
		rc = life_enter(t, id, &s);
	return (rc);
}

static int
promote_expiry(struct txn *t, uint8_t kind, unsigned most)
{
	int rc;

	for (unsigned i = 0; i < most; i++) {
		struct key from = key_expiry(kind, 0, 0);
		struct span key = key_span(&from), v;
		const uint8_t *k;
		uint64_t id;

		if ((rc = txn_seek(t, T_EXPIRY, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		k = key.data;
		if (k[0] != kind || get_be64(k + 1) > (uint64_t)t->now.wall ||
		    is_enough(t, i))
			return (0);
		id = get_be64(k + 9);
		if ((rc = txn_drop(t, T_EXPIRY)) != 0 ||
		    (rc = expire_row(t, kind, id)) != 0)
			return (rc);
	}
	return (0);
}

int
due_promote(struct txn *t, unsigned most)
{
	int rc;

	if (txn_entries(t, T_LEASED) > 0 && (rc = due_check_boot(t)) != 0)
		return (rc);
	if ((rc = promote_expiry(t, EXPIRY_TTL, most)) != 0 ||
	    (rc = promote_delayed(t, most)) != 0 || (rc = promote_leased(t, most)) != 0)
		return (rc);
	if ((rc = promote_expiry(t, EXPIRY_DONE, most)) != 0 ||
	    (rc = promote_expiry(t, EXPIRY_KEY, most)) != 0)
		return (rc);
	return (promote_expiry(t, EXPIRY_RESULT, most));
}

/*
 * The first message of an extent from the one at *i on whose holder has died: *i is
 * where, or the extent's end, or beyond what the last of its holders has, too.
 */
static void
find_dead(struct txn *t, const struct extent *e, uint64_t *i)
{
	uint64_t last;

	while (*i < e->count && hold_alive(t, e->first + *i, &last))
		*i = last - e->first + 1;
	if (*i < e->count && hold_is_coming(t, &e->s))
		*i = e->count;
}

/* Lapse the leases from one key on, before another, whose holder has died; and count
 * them. */
static int
holders_between(struct txn *t, struct key at, const struct key *end, unsigned most,
    unsigned *lapsed)
{
	int rc;

	for (unsigned i = 0; i < most; i++) {
		struct span key = key_span(&at), v;
		uint64_t due, id, dead = 0;
		struct extent e;
		struct state s;
		bool died;

		if ((rc = txn_seek(t, T_LEASED, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		if (memcmp(key.data, end->b, end->size) >= 0)
			return (0);
		due = get_be64((const uint8_t *)key.data + 4);
		id = get_be64((const uint8_t *)key.data + 12);
		at = key_lease(t->meta.boot.number, due, id + 1);
		if (due != HELD && v.size == 0)
			continue;
		if ((rc = listed(t, id, Q_LEASED, due, &e)) == STORE_NONE)
			continue;
		if (rc != 0)
			return (rc);
		if (due == HELD)
			find_dead(t, &e, &dead);
		died = due == HELD
		           ? dead < e.count
		           : !hold_owner_alive(e.s.pid, e.s.owner_start, e.s.owner_ns);
		if (died && is_enough(t, *lapsed))
			return (0);
		if (died &&
		    ((rc = life_get(t, id + dead, &s)) != 0 ||
			(rc = life_lapse(t, id + dead, &s, "worker died")) != 0))
			return (rc);
		*lapsed += died;
		/* Behind that one; or behind all that live, where the next row is. */
		dead += died || dead == 0;
		at = key_lease(t->meta.boot.number, due, id + dead);
	}
	return (0);
}

int
due_holders(struct txn *t, unsigned most)
{
	uint32_t boot = t->meta.boot.number;
	uint64_t start = t->random % t->meta.next;
	struct key held = key_lease(boot, HELD, 0),
		   middle = key_lease(boot, HELD, start);
	struct key end = key_lease(boot, HELD, UINT64_MAX),
		   timed = key_lease(boot, 0, 0);
	unsigned lapsed = 0;
	int rc;

	if (txn_entries(t, T_LEASED) == 0)
		return (0);
	/* The oldest first: what a holder of many had comes back in order. Where those
	 * live, from anywhere: with many live holders each is looked at in its turn. */
	if ((rc = hold_begin(t)) != 0 ||
	    (rc = holders_between(t, held, &end, most, &lapsed)) != 0)
		return (rc);
	if (lapsed == 0 && (rc = holders_between(t, middle, &end, most, &lapsed)) != 0)
		return (rc);
	return (holders_between(t, timed, &held, 16 * most, &lapsed));
}
