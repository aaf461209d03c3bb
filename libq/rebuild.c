/* SPDX-License-Identifier: ISC */
/* From salvaged rows to a queue: each message whole and in its place, and the books
 * balanced. */
#include <string.h>
#include <sys/random.h>

#include "books.h"
#include "bytes.h"
#include "check.h"
#include "error.h"
#include "event.h"
#include "life.h"
#include "message.h"
#include "queue.h"

#include "salvage.h"

/* Ids given and not met, when the record of the next one is lost. */
enum { SKIP = 1000000 };

/* The first row of a table with an id in front of its key, from that id on. */
static int
next_id(struct salvage *s, enum table table, uint64_t *id, struct span *v)
{
	struct key from = key_id(*id);
	struct span key = key_span(&from);
	int rc = txn_seek(&s->t, table, &key, v);

	if (rc == 0)
		*id = get_be64(key.data);
	return (rc);
}

typedef int each_fn(struct salvage *s, uint64_t id, struct span value);

/* Each id of such a table. What is called may change rows of it, that one's too. */
static int
each(struct salvage *s, enum table table, each_fn *fn)
{
	struct span v;
	int rc;

	for (uint64_t id = 0; (rc = next_id(s, table, &id, &v)) == 0; id++) {
		if ((rc = fn(s, id, v)) != 0)
			return (rc);
		if (++s->rows >= 1000 && (rc = salvage_turn(s)) != 0)
			return (rc);
		if (id == UINT64_MAX)
			return (0);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

static bool
exists(struct salvage *s, enum table table, uint64_t id)
{
	struct key k = key_id(id);
	struct span v;

	return (txn_get(&s->t, table, key_span(&k), &v) == 0);
}

/*
 * Many share one state, and the row of the index is that of the first of them: where
 * that says when the first is due, so are those behind it whose state is lost, too.
 */
static int
share_delay(struct salvage *s, uint64_t id, struct state *lost)
{
	struct state before;
	int rc = life_get(&s->t, id - 1, &before);

	if (rc == 0 && before.state == Q_DELAYED && before.delivery == lost->delivery &&
	    before.changed == lost->changed) {
		lost->state = before.state;
		lost->due = before.due;
	}
	return (rc == STORE_NONE ? 0 : rc);
}

/* A body whose state is lost is ready; a damaged one that no state or index knows is
 * not worth more than the old file, which is kept. */
static int
give_state(struct salvage *s, uint64_t id, struct span value)
{
	struct state lost = life_lost(&s->t, Q_READY);
	struct key k = key_id(id);
	struct message m;
	int rc;

	if (exists(s, T_MSG, id))
		return (0);
	if (message_decode(value.data, value.size, id, &m) != 0)
		return (txn_del(&s->t, T_BODY, key_span(&k)));
	rc = share_delay(s, id, &lost);
	return (rc == 0 ? life_write(&s->t, id, &lost) : rc);
}

static int
set_aside(struct salvage *s, uint64_t id, struct state *st)
{
	static const struct q_report damaged = { .how = Q_HOW_DAMAGED };

	if (st->state == Q_DEAD && books_aside(&s->t, id))
		return (0);
	st->state = Q_DEAD;
	st->changed = s->t.now.wall;
	s->check->public.set_aside++;
	life_count(&s->t, COUNT_DIED, 1);
	return (life_fail_between(
	    &s->t, id, st, "damaged; set aside by 'qctl check'", &damaged));
}

/* The state says what the message record does, which is whole. */
static int
agree(struct salvage *s, uint64_t id, struct state *st, const struct message *m,
    bool *damaged)
{
	struct blob_row blob = { .id = id, .size = m->size, .hash = m->blob_hash };
	struct key k = key_expiry(EXPIRY_TTL, (uint64_t)m->expires, id);
	bool expires = m->flags & MSG_EXPIRES;
	int rc;

	*damaged = false;
	life_agree(&s->t, st, m);
	if (st->delivery == st->uncounted && m->flags & MSG_ATTEMPTS)
		st->max_attempts = m->max_attempts;
	if (m->flags & MSG_BLOB) {
		rc = check_one_blob(s->q, &blob);
		*damaged = rc == Q_ECORRUPT;
		if (rc != 0 && !*damaged)
			return (rc);
	}
	if (!expires)
		return (0);
	return (txn_put(&s->t, T_EXPIRY, key_span(&k), (struct span){ NULL, 0 }));
}

/* Its body, or file, is not what was pushed. One that is lost is an empty record. */
static int
look_at_body(struct salvage *s, uint64_t id, struct state *st, bool *damaged)
{
	struct key k = key_id(id);
	struct message m;
	struct span v;
	int rc = txn_get(&s->t, T_BODY, key_span(&k), &v);

	*damaged = true;
	if (rc == STORE_NONE)
		return (txn_put(&s->t, T_BODY, key_span(&k), (struct span){ "", 0 }));
	if (rc != 0 || message_decode(v.data, v.size, id, &m) != 0)
		return (rc);
	return (agree(s, id, st, &m, damaged));
}

static int
complete(struct salvage *s, uint64_t id, struct span value)
{
	struct meta *meta = &s->t.meta;
	struct extent e;
	struct state st;
	struct span v;
	uint64_t failed = id;
	bool damaged;
	int rc = state_decode(value.data, value.size, id, &e);

	if (rc != 0)
		return (rc);
	st = e.s; /* of one message, as all are by now */
	if ((rc = look_at_body(s, id, &st, &damaged)) != 0 ||
	    (damaged && (rc = set_aside(s, id, &st)) != 0))
		return (rc);
	if (next_id(s, T_FAILURE, &failed, &v) == 0 && failed == id)
		st.flags |= ST_FAILED;
	/* Leases of boots to come: the record of the boot is lost, and so are they. */
	if (st.state == Q_LEASED && st.boot > meta->boot.number)
		meta->boot.number = st.boot;
	meta->counter[COUNT_BYTES] += st.size;
	s->check->public.recovered++;
	if (id > s->greatest)
		s->greatest = id;
	if ((rc = restore_message(s, id, &st)) == 0)
		rc = life_list(&s->t, id, &st);
	return (rc == 0 ? life_write(&s->t, id, &st) : rc);
}

/* Events are of messages that are there, or that are not. */
static int
drop_failure(struct salvage *s, uint64_t id, struct span value)
{
	struct key from = key_failure(id, 0);
	struct span key = key_span(&from);
	int rc = 0;

	(void)value;
	while (!exists(s, T_MSG, id) && rc == 0) {
		if ((rc = txn_seek(&s->t, T_FAILURE, &key, &value)) != 0 ||
		    memcmp(key.data, from.b, 8) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		rc = txn_drop(&s->t, T_FAILURE);
		key = key_span(&from);
	}
	return (rc);
}

static int
keep_done(struct salvage *s, uint64_t id, struct span value)
{
	q_time window = (q_time)s->t.meta.option[Q_OPT_REMEMBER];
	struct key k = key_id(id);
	struct done d;

	if (id > s->greatest)
		s->greatest = id;
	if (exists(s, T_MSG, id) || done_decode(value.data, value.size, id, &d) != 0)
		return (txn_del(&s->t, T_DONE, key_span(&k)));
	k = key_expiry(EXPIRY_DONE, (uint64_t)time_add(d.when, window), id);
	return (txn_put(&s->t, T_EXPIRY, key_span(&k), (struct span){ NULL, 0 }));
}

/* What was pushed and neither is here nor was counted at its end counts as purged. */
static int
balance(struct salvage *s)
{
	struct meta *m = &s->t.meta;
	uint64_t *c = m->counter;
	uint64_t known = s->check->public.recovered + c[COUNT_DONE] + c[COUNT_EXPIRED] +
	                 c[COUNT_PURGED];

	if (c[COUNT_PUSHED] < known)
		c[COUNT_PUSHED] = known;
	c[COUNT_PURGED] += c[COUNT_PUSHED] - known;
	if (m->next <= s->greatest)
		m->next = s->greatest + 1;
	if (!(s->meta & 1U << META_REC_NEXT))
		m->next += SKIP;
	s->t.meta_changed = (1U << META_RECORDS) - 1;
	return (0);
}

/* Before messages are looked at: names of groups and keys depend on it. */
static int
begin(struct salvage *s)
{
	struct meta *m = &s->t.meta;
	unsigned needed = 1U << META_REC_COUNTERS | 1U << META_REC_UUID;

	s->check->public.recovered = 0;
	s->grouped = (s->meta & needed) == needed &&
	             m->counter[COUNT_GROUPED] == txn_entries(&s->t, T_GROUP);
	m->counter[COUNT_BYTES] = 0;
	m->counter[COUNT_BLOCKED] = m->counter[COUNT_GROUPED] = 0;
	m->counter[COUNT_READY] = m->counter[COUNT_DELAYED] = 0;
	m->counter[COUNT_LEASED] = m->counter[COUNT_DEAD] = 0;
	m->counter[COUNT_AHEAD] = 0;
	if (s->meta & 1U << META_REC_UUID)
		return (0);
	/* Receipts given before are of another queue then, and so are hashes of keys.
	 */
	if (getrandom(m->uuid, sizeof(m->uuid), 0) != sizeof(m->uuid))
		return (fail_sys("random"));
	return (
	    store_code(mdb_drop(s->t.mdb, s->t.q->store.dbi[T_UNIQUE], 0), "unique"));
}

int
salvage_end(struct salvage *s)
{
	int rc;

	if ((rc = begin(s)) != 0 || (rc = each(s, T_BODY, give_state)) != 0 ||
	    (rc = each(s, T_MSG, complete)) != 0 ||
	    (rc = each(s, T_FAILURE, drop_failure)) != 0 ||
	    (rc = each(s, T_DONE, keep_done)) != 0 ||
	    (rc = each(s, T_RESULT, restore_result)) != 0 ||
	    (rc = restore_groups(s)) != 0 || (rc = restore_keys(s)) != 0)
		return (rc);
	return (balance(s));
}
