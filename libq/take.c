/* SPDX-License-Identifier: ISC */
/* Taking: the first ready messages become leased, and are copied out. */
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "bytes.h"
#include "due.h"
#include "error.h"
#include "group.h"
#include "hash.h"
#include "hold.h"
#include "look.h"
#include "message.h"
#include "note.h"
#include "pace.h"
#include "pause.h"
#include "space.h"
#include "wake.h"

#include "take.h"

enum {
	BYTES_DEFAULT = 16 << 20,
	HOLDERS_EACH_TIME = 16,
	HOLDERS_MOST = 1 << 14,
	EXPECTED_MOST = 1 << 14
};

#define LIMIT_STEP \
	(20 * Q_SECOND / 1000) /* looks of those whom a limit keeps waiting */

/* What take_some() made of the first ready messages. */
enum outcome { TAKEN, GONE, DAMAGED, NO_ROOM };

static size_t
wanted(const struct q_take *how)
{
	return (how->n != 0 ? how->n : 1);
}

/* What the lease makes of the state. */
static void
lease(const struct txn *t, const struct take *take, bool ahead, struct state *s)
{
	const struct q_take *how = take->how;

	s->state = Q_LEASED;
	s->delivery++;
	s->settled = 0;
	s->flags &= (uint16_t) ~(ST_LAPSED | ST_OWNED | ST_AHEAD);
	s->boot = t->meta.boot.number;
	s->due = how->lease == 0 ? HELD : (uint64_t)time_add(t->now.boot, how->lease);
	s->changed = t->now.wall;
	s->began = t->now.boot;
	s->pid = t->pid;
	if (ahead)
		s->flags |= ST_AHEAD;
	if (how->owner != 0 || take->handed) {
		s->flags |= ST_OWNED;
		if (how->owner != 0)
			s->pid = (uint32_t)how->owner;
		s->owner_start = take->owner_start;
		s->owner_ns = take->owner_ns;
	}
}

/* Read the record of messages that the table ready lists from that one on. */
static int
read_extent(struct txn *t, uint64_t id, uint8_t rank, struct extent *e)
{
	int rc = extent_find(t, id, e);

	if (rc == 0 && (e->first != id || e->s.state != Q_READY || e->s.rank != rank))
		rc = Q_ECORRUPT;
	return (rc == STORE_NONE ? Q_ECORRUPT : rc);
}

static int
read_body(struct txn *t, const struct extent *e, unsigned i, struct message *m)
{
	struct key k = key_id(e->first + i);
	struct span v;
	int rc = txn_get(t, T_BODY, key_span(&k), &v);

	if (rc == 0 && v.size > message_most(extent_size(e, i)))
		return (store_broken(e->first + i));
	if (rc == 0)
		rc = message_decode(v.data, v.size, e->first + i, m);
	if (rc == 0 && m->size != extent_size(e, i))
		rc = Q_ECORRUPT;
	return (rc == STORE_NONE ? Q_ECORRUPT : rc);
}

/* Since when it could have been taken: a delay that was asked for is no waiting. */
static q_time
first_wait(const struct txn *t, const struct state *s)
{
	bool delayed = s->due > (uint64_t)s->pushed && s->due <= (uint64_t)t->now.wall;

	return (t->now.wall - (delayed ? (q_time)s->due : s->pushed));
}

/* The first message cannot be taken. The row in ready is where its cursor stands. */
static int
set_damaged_aside(struct txn *t, uint64_t id)
{
	int rc = txn_drop(t, T_READY);

	return (rc == 0 ? life_damage(t, id, Q_READY) : rc);
}

static int
expire(struct txn *t, uint64_t id)
{
	struct state s;
	int rc;

	if ((rc = life_get(t, id, &s)) != 0 || (rc = life_leave(t, id, &s)) != 0)
		return (rc);
	return (life_end(t, id, &s, COUNT_EXPIRED));
}

/* Whether it has to wait for those that are taken before it. One that may have killed
 * its worker is not taken before what is at work is settled; and its next death counts.
 */
static bool
must_wait(const struct q_batch *b, const struct message *m, const struct state *s,
    bool ahead, size_t room)
{
	return ((b->count > 0 && m->size > room && m->body != NULL) ||
		(ahead && s->flags & ST_LAPSED));
}

/*
 * Copy as many as can be taken of the first messages of an extent, at most so many.
 * *outcome: why the one behind them cannot, or TAKEN.
 */
static int
copy_some(struct txn *t, const struct extent *e, unsigned most, bool ahead,
    const struct state *leased, size_t *room, struct q_batch *b, enum outcome *outcome)
{
	struct state s = *leased;
	int rc;

	*outcome = TAKEN;
	for (unsigned i = 0; i < most && *outcome == TAKEN; i++) {
		uint64_t id = e->first + i;
		struct message m = { 0 };

		if ((rc = read_body(t, e, i, &m)) == Q_ECORRUPT)
			*outcome = DAMAGED;
		else if (rc != 0)
			return (rc);
		else if (m.expires != 0 && m.expires <= t->now.wall)
			*outcome = GONE;
		else if (must_wait(b, &m, &e->s, ahead, *room))
			*outcome = NO_ROOM;
		if (*outcome != TAKEN)
			return (0);
		s.size = m.size;
		note(t, Q_EVENT_DELIVERED, id, &s, note_end(t, &s), NULL);
		if ((rc = batch_add(t, b, id, &s, &m, BATCH_BODY, SIZE_MAX)) != 0)
			return (rc);
		if (m.body != NULL)
			*room -= m.size < *room ? (size_t)m.size : *room;
		life_count(t, COUNT_BYTES_OUT, m.size);
	}
	return (0);
}

/* They are leased: what is left of the extent stays ready. */
static int
lease_some(struct txn *t, struct extent *e, unsigned n, struct state leased)
{
	q_time waited = first_wait(t, &e->s);
	bool first = !(e->s.flags & ST_WAITED);
	int rc;

	if ((rc = extent_cut(t, e, n)) != 0 || (rc = life_leave_extent(t, e)) != 0)
		return (rc);
	t->readied -= n < t->readied ? n : t->readied;
	leased.size = e->s.size;
	e->s = leased;
	if ((rc = life_enter_extent(t, e)) != 0)
		return (rc);
	if (first && (rc = tally_time(t, HIST_WAIT, waited, n)) != 0)
		return (rc);
	if (leased.delivery > 1)
		life_count(t, COUNT_RETRIED, n);
	life_count(t, COUNT_DELIVERED, n);
	return (0);
}

/* From the extent on whose row in ready the cursor stands. */
static int
take_some(struct txn *t, const struct take *take, uint64_t id, uint8_t rank,
    size_t most, size_t *room, struct q_batch *b, enum outcome *outcome)
{
	size_t begun = wanted(take->how) - take->how->ahead, before = b->count;
	bool ahead = before >= begun;
	struct state leased;
	struct extent e;
	int rc;

	if (!ahead && most > begun - before)
		most = begun - before;
	if ((rc = read_extent(t, id, rank, &e)) == 0) {
		leased = e.s;
		lease(t, take, ahead, &leased);
		leased.flags |= ST_WAITED;
		rc = copy_some(t, &e, most < e.count ? (unsigned)most : e.count, ahead,
		    &leased, room, b, outcome);
	} else if (rc == Q_ECORRUPT) {
		*outcome = DAMAGED;
		rc = 0;
	}
	if (rc != 0)
		return (rc);
	if (b->count > before) { /* what is behind them is met again */
		*outcome = TAKEN;
		return (lease_some(t, &e, (unsigned)(b->count - before), leased));
	}
	if (*outcome == GONE)
		return (expire(t, id));
	return (*outcome == DAMAGED && before == 0 ? set_damaged_aside(t, id) : 0);
}

/* The rank of one whose state cannot be read, from its other record. */
static int
find_rank(struct txn *t, uint64_t id, uint8_t *rank)
{
	struct key k = key_id(id);
	struct message m;
	struct span v;

	if (txn_get(t, T_BODY, key_span(&k), &v) != 0 ||
	    message_decode(v.data, v.size, id, &m) != 0)
		return (fail(Q_ECORRUPT, "message %llu is damaged; run 'qctl check'",
		    (unsigned long long)id));
	*rank = m.rank;
	return (0);
}

/* Stand on the message asked for, alone. STORE_NONE: it is not ready. One whose state
 * is damaged is found where that is listed, to be set aside. */
static int
find_id(struct txn *t, uint64_t id, uint8_t *rank, struct taken *result)
{
	struct extent e = { .first = id };
	struct span v;
	struct key k;
	int rc = extent_find(t, id, &e);

	if (rc == STORE_NONE && (rc = look_gone(t, id)) == Q_ECORRUPT)
		return (rc);
	if (rc == STORE_NONE)
		result->code =
		    fail(Q_ENOENT, "%llu: no such message (done, expired or purged)",
			(unsigned long long)id);
	if (rc == 0 && e.s.state != Q_READY)
		return (STORE_NONE);
	*rank = e.s.rank;
	if (rc == Q_ECORRUPT) {
		rc = find_rank(t, id, rank);
		k = key_ready(*rank, e.first);
	} else if (rc == 0) {
		rc = extent_alone(t, id);
		k = key_ready(*rank, id);
	}
	if (rc != 0)
		return (rc);
	return (txn_get(t, T_READY, key_span(&k), &v));
}

/* The one of a group that may be taken. STORE_NONE: it is not ready, or there is none.
 */
static int
find_group(struct txn *t, const char *group, uint64_t *id)
{
	uint8_t hash[16];

	hash_name(group, strlen(group), t->meta.uuid, hash);
	return (group_open(t, hash, id));
}

/* Stand on the message to be taken next: the first, or the one asked for. */
static int
find(struct txn *t, const struct q_take *how, uint64_t *id, uint8_t *rank,
    struct taken *result)
{
	struct span key, v;
	int rc;

	*id = how->id;
	if (how->group != NULL && (rc = find_group(t, how->group, id)) != 0)
		return (rc);
	if (*id != 0)
		return (find_id(t, *id, rank, result));
	if ((rc = txn_first(t, T_READY, &key, &v)) != 0)
		return (rc);
	*rank = *(const uint8_t *)key.data;
	*id = get_be64((const uint8_t *)key.data + 1);
	return (0);
}

/* How many may be taken; if none, why. */
static size_t
allowance(struct txn *t, const struct q_take *how, struct taken *result)
{
	uint64_t most = t->meta.option[Q_OPT_MAX_LEASED], leased;
	size_t n = wanted(how);

	/* Others may have what is not begun at once. */
	if (how->ahead > 0 && (most != 0 || pace_any(t, how->every)))
		n -= how->ahead;
	if (n == 0)
		result->code = fail(Q_EMPTY, "nothing is taken ahead of a limit");
	leased = t->meta.counter[COUNT_LEASED];
	if (most != 0 && leased >= most) {
		result->code = fail(Q_EMPTY,
		    "%llu messages are leased, as many as the queue allows",
		    (unsigned long long)leased);
		return (0);
	}
	if (most != 0 && n > most - leased)
		n = (size_t)(most - leased);
	n = pace_allowed(t, how->every, n, &result->later);
	if (result->later > 0)
		result->code = fail(Q_EMPTY, "the rate allows no more for now");
	return (n > SPACE_FEW ? space_allows(t->q, n) : n);
}

/* Room for as many as are there, as far as the books know. */
static int
expect(const struct txn *t, struct q_batch *b, size_t n)
{
	uint64_t ready = t->meta.counter[COUNT_READY];

	if (n > ready)
		n = (size_t)ready;
	return (batch_room(b, n < EXPECTED_MOST ? n : EXPECTED_MOST));
}

static int
take_ready(struct txn *t, const struct take *take, struct taken *result)
{
	struct q_batch *b = result->batch;
	size_t n = allowance(t, take->how, result);
	size_t room = take->how->bytes != 0 ? take->how->bytes : (size_t)BYTES_DEFAULT;
	enum outcome outcome = TAKEN;
	uint64_t id;
	uint8_t rank;
	int rc = expect(t, b, n);

	if (rc != 0)
		return (rc);
	while (b->count < n && (outcome == TAKEN || outcome == GONE)) {
		if ((rc = find(t, take->how, &id, &rank, result)) != 0 ||
		    (rc = take_some(
			 t, take, id, rank, n - b->count, &room, b, &outcome)) != 0)
			break;
		if (outcome == DAMAGED && b->count == 0)
			result->damaged = id;
	}
	pace_draw(t, take->how->every, b->count);
	if (b->count > 0 && (rc == 0 || rc == STORE_NONE))
		rc = tally_leased(t);
	return (rc == STORE_NONE ? 0 : rc);
}

/* When a taker who found nothing may find something. */
static int
note_due(struct txn *t, const struct taken *result)
{
	int rc = wake_note_due(t);

	/* That a lease ends is no message for those who wait for one. */
	if (rc == 0 && result->code == Q_EMPTY)
		wake_due_in(t->q, result->later > 0 ? result->later : LIMIT_STEP);
	return (rc);
}

int
take_apply(struct txn *t, const struct take *take, struct taken *result)
{
	struct q_batch *b = result->batch;
	size_t holders = take->how->n;
	int rc;

	if (holders < HOLDERS_EACH_TIME)
		holders = HOLDERS_EACH_TIME;
	if (holders > HOLDERS_MOST)
		holders = HOLDERS_MOST;
	*result = (struct taken){ .batch = b };
	if ((result->code = pause_check(t, Q_GATE_OUT)) != 0)
		return (wake_note_due(t));
	if (t->pid == 0) /* else it is of a request that is served */
		t->pid = (uint32_t)getpid();
	/* What a dead holder had comes first: it is older, and as many are looked at as
	 * are taken. When there is nothing else, it is worth looking at more of them.
	 */
	if ((rc = due_check_boot(t)) != 0 ||
	    (rc = due_holders(t, (unsigned)holders)) != 0 ||
	    (rc = take_ready(t, take, result)) != 0)
		return (rc);
	if (b->count == 0 && result->damaged == 0 && result->code != Q_ENOENT &&
	    result->later == 0) {
		result->code = 0;
		if ((rc = due_holders(t, DUE_MOST)) != 0 ||
		    (rc = take_ready(t, take, result)) != 0)
			return (rc);
	}
	/* What fell due and was set aside for it is why there is nothing. */
	if (b->count == 0 && result->damaged == 0 && result->code == 0) {
		result->damaged = t->damaged;
		t->damaged = 0;
	}
	if (b->count == 0 && (rc = note_due(t, result)) != 0)
		return (rc);
	if (take->how->lease != 0 || b->count == 0)
		return (0);
	/* Held: the locks must be on before anybody can see the leases, if they are
	 * ours. */
	if ((rc = hold_begin(t)) != 0 || take->handed)
		return (rc);
	return (batch_hold(t->q, b));
}
