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
#include "message.h"
#include "note.h"
#include "pace.h"
#include "pause.h"
#include "wake.h"

#include "take.h"

enum { BYTES_DEFAULT = 16 << 20, HOLDERS_EACH_TIME = 16, HOLDERS_MOST = 1 << 14 };

#define LIMIT_STEP \
	(20 * Q_SECOND / 1000) /* looks of those whom a limit keeps waiting */

/* What take_one() made of the first ready message. */
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
	if (how->owner != 0) {
		s->flags |= ST_OWNED;
		s->pid = (uint32_t)how->owner;
		s->owner_start = take->owner_start;
		s->owner_ns = take->owner_ns;
	}
}

/* Read both records of a message that the table ready lists. */
static int
read_one(struct txn *t, uint64_t id, uint8_t rank, struct state *s, struct message *m)
{
	struct key k = key_id(id);
	struct span v;
	int rc = life_get(t, id, s);

	if (rc == 0 && (s->state != Q_READY || s->rank != rank))
		rc = Q_ECORRUPT;
	if (rc == 0)
		rc = txn_get(t, T_BODY, key_span(&k), &v);
	if (rc == 0 && v.size > message_most(s->size))
		return (store_broken(id));
	if (rc == 0)
		rc = message_decode(v.data, v.size, id, m);
	if (rc == 0 && m->size != s->size)
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

/* The row in ready is where its cursor stands. */
static int
take_one(struct txn *t, const struct take *take, uint64_t id, uint8_t rank, size_t room,
    struct q_batch *b, enum outcome *outcome)
{
	struct message m = { 0 };
	struct state s = { 0 };
	bool ahead = b->count >= wanted(take->how) - take->how->ahead;
	q_time waited;
	bool first;
	int rc;

	if ((rc = read_one(t, id, rank, &s, &m)) == Q_ECORRUPT) {
		*outcome = DAMAGED;
		if (b->count > 0) /* those before it first; it is met again */
			return (0);
		if ((rc = txn_drop(t, T_READY)) != 0)
			return (rc);
		return (life_damage(t, id));
	}
	if (rc != 0)
		return (rc);
	if (m.expires != 0 && m.expires <= t->now.wall) {
		*outcome = GONE;
		if ((rc = txn_drop(t, T_READY)) != 0)
			return (rc);
		return (life_end(t, id, &s, COUNT_EXPIRED));
	}
	/* One that may have killed its worker is not taken before what is at work is
	 * settled; and its next death counts. */
	if ((b->count > 0 && m.size > room && m.body != NULL) ||
	    (ahead && s.flags & ST_LAPSED)) {
		*outcome = NO_ROOM;
		return (0);
	}
	*outcome = TAKEN;
	waited = first_wait(t, &s);
	first = !(s.flags & ST_WAITED);
	lease(t, take, ahead, &s);
	s.flags |= ST_WAITED;
	note(t, Q_EVENT_DELIVERED, id, &s, note_end(t, &s), NULL);
	if ((rc = batch_add(t, b, id, &s, &m, BATCH_BODY, SIZE_MAX)) != 0 ||
	    (rc = txn_drop(t, T_READY)) != 0 || (rc = life_enter(t, id, &s)) != 0)
		return (rc);
	if (first && (rc = tally_time(t, HIST_WAIT, waited, 1)) != 0)
		return (rc);
	if (s.delivery > 1)
		life_count(t, COUNT_RETRIED, 1);
	if (t->readied > 0)
		t->readied--;
	life_count(t, COUNT_DELIVERED, 1);
	life_count(t, COUNT_BYTES_OUT, m.size);
	return (0);
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

/* Stand on the message asked for. STORE_NONE: it is not ready. One that is damaged is
 * found where it is listed, to be set aside. */
static int
find_id(struct txn *t, uint64_t id, uint8_t *rank, struct taken *result)
{
	struct state s = { 0 };
	struct span v;
	struct key k;
	int rc = life_get(t, id, &s);

	if (rc == STORE_NONE)
		result->code =
		    fail(Q_ENOENT, "no such message (done, expired or purged)");
	if (rc == 0 && s.state != Q_READY)
		return (STORE_NONE);
	*rank = s.rank;
	if (rc == Q_ECORRUPT)
		rc = find_rank(t, id, rank);
	if (rc != 0)
		return (rc);
	k = key_ready(*rank, id);
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
	leased = most != 0 ? txn_entries(t, T_LEASED) : 0;
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
	return (n);
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
	int rc = 0;

	while (b->count < n && (outcome == TAKEN || outcome == GONE)) {
		if ((rc = find(t, take->how, &id, &rank, result)) != 0 ||
		    (rc = take_one(t, take, id, rank, room, b, &outcome)) != 0)
			break;
		if (outcome == DAMAGED && b->count == 0)
			result->damaged = id;
		if (outcome == TAKEN) {
			size_t size = b->msg[b->count - 1].body_size;

			room -= size < room ? size : room;
		}
	}
	pace_draw(t, take->how->every, b->count);
	if (b->count > 0 && (rc == 0 || rc == STORE_NONE))
		rc = tally_leased(t);
	return (rc == STORE_NONE ? 0 : rc);
}

/* Held: the locks must be on before anybody can see the leases. */
static int
hold_batch(struct txn *t, struct q_batch *b)
{
	int rc;

	if ((rc = hold_begin(t)) != 0)
		return (rc);
	for (size_t i = 0, n; i < b->count; i += n) {
		n = batch_run(b, i, b->count);
		if ((rc = hold_lock(t->q, b->msg[i].id, n)) != 0)
			return (rc);
	}
	return (0);
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
	if (b->count == 0 && (rc = note_due(t, result)) != 0)
		return (rc);
	if (take->how->lease == 0 && b->count > 0)
		return (hold_batch(t, b));
	return (0);
}

static int
fetch_one(struct txn *t, struct q_batch *b, uint64_t id, uint32_t delivery)
{
	struct key k = key_id(id);
	struct message m;
	struct state s;
	struct span v;
	int rc;

	if ((rc = life_get(t, id, &s)) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (s.state != Q_LEASED || s.delivery != delivery)
		return (0);
	if ((rc = txn_get(t, T_BODY, key_span(&k), &v)) != 0 ||
	    (rc = message_decode(v.data, v.size, id, &m)) != 0)
		return (rc);
	return (batch_add(t, b, id, &s, &m, BATCH_BODY, SIZE_MAX));
}

int
take_fetch(struct q *q, struct q_batch *b)
{
	struct txn t;
	size_t n = b->count;
	int rc;

	if (n == 0)
		return (0);
	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	batch_cut(b, 0);
	/* No more are added than were read, so a stub is read before it is replaced. */
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = fetch_one(&t, b, b->msg[i].id, b->msg[i].delivery);
	txn_abort(&t);
	if (rc == STORE_NONE)
		rc = fail(Q_ECORRUPT, "a row is missing; run 'qctl check'");
	return (rc == STORE_BROKEN ? Q_ECORRUPT : rc);
}
