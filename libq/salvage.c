/* SPDX-License-Identifier: ISC */
/* Rows of what is left. Only whole records count. */
#include <string.h>

#include "answer.h"
#include "bytes.h"
#include "error.h"
#include "event.h"
#include "life.h"
#include "log.h"
#include "message.h"
#include "outcome.h"
#include "queue.h"

#include "salvage.h"

enum { TURN = 5000 }; /* rows of a transaction */

int
salvage_turn(struct salvage *s)
{
	int rc;

	s->rows = 0;
	s->t.meta_changed = 0;
	if ((rc = txn_commit(&s->t, false)) != 0)
		return (rc);
	rc = store_code(mdb_txn_begin(s->t.q->store.env, NULL, 0, &s->t.mdb), "begin");
	if (rc != 0)
		s->t.mdb = NULL;
	return (rc);
}

static int
put(struct salvage *s, enum table table, struct span key, struct span value)
{
	int rc = txn_put(&s->t, table, key, value);

	return (rc == 0 && ++s->rows == TURN ? salvage_turn(s) : rc);
}

static int
has(struct salvage *s, enum table table, struct span key, struct span *v, bool *there)
{
	int rc = txn_get(&s->t, table, key, v);

	*there = rc == 0;
	return (rc == STORE_NONE ? 0 : rc);
}

static int
keep_first(struct salvage *s, enum table table, struct span key, struct span value)
{
	struct span v;
	bool there;
	int rc = has(s, table, key, &v, &there);

	return (rc != 0 || there ? rc : put(s, table, key, value));
}

/* Of a list of numbers that only grow, an old copy says too little. */
static int
read_meta(struct salvage *s, struct span key, struct span value)
{
	struct meta m = s->t.meta;

	if (tally_record(key, value) == TALLY_WHOLE)
		return (s->doubtful ? 0 : keep_first(s, T_META, key, value));
	for (int r = 0; r < META_RECORDS; r++) {
		const char *name = meta_key((enum meta_record)r);
		int rc;

		if (strlen(name) != key.size || memcmp(name, key.data, key.size) != 0)
			continue;
		rc = meta_decode(&m, (enum meta_record)r, value.data, value.size);
		if (rc == Q_EVERSION)
			return (rc);
		if (rc != 0 || s->meta & 1U << r || m.next < s->t.meta.next ||
		    m.counter[COUNT_PUSHED] < s->t.meta.counter[COUNT_PUSHED])
			return (0);
		s->t.meta = m;
		if (!s->doubtful)
			s->meta |= 1U << r;
	}
	return (0);
}

static int
write_lost(struct salvage *s, uint64_t id, const struct state *lost)
{
	int rc = life_write(&s->t, id, lost);

	return (rc == 0 && ++s->rows == TURN ? salvage_turn(s) : rc);
}

static int
doubt(struct salvage *s, uint64_t id)
{
	static const struct q_report said = { .how = Q_HOW_SAID };
	struct state lost = life_lost(&s->t, Q_DEAD);
	int rc = life_fail(&s->t, id, &lost,
	    "found by 'qctl check --repair'; it may have ended before", &said);

	s->check->public.set_aside++;
	return (rc == 0 ? write_lost(s, id, &lost) : rc);
}

/* A damaged one is kept as it is where it certainly belongs, until a whole one comes.
 */
static int
read_body(struct salvage *s, uint64_t id, struct span key, struct span value)
{
	struct span v;
	struct message m;
	bool there, state, whole, done;
	int rc;

	whole = message_decode(value.data, value.size, id, &m) == 0;
	if (s->doubtful && !whole)
		return (0);
	if ((rc = has(s, T_BODY, key, &v, &there)) != 0 ||
	    (there && (!whole || message_decode(v.data, v.size, id, &m) == 0)))
		return (rc);
	if (s->doubtful && ((rc = has(s, T_DONE, key, &v, &done)) != 0 || done))
		return (rc);
	if ((rc = put(s, T_BODY, key, value)) != 0 || !s->doubtful)
		return (rc);
	rc = has(s, T_MSG, key, &v, &state);
	return (rc == 0 && !state ? doubt(s, id) : rc);
}

/* Of two, the later. */
static int
read_state(struct salvage *s, const struct extent *new)
{
	struct key k = key_id(new->first);
	uint8_t record[STATE_MOST];
	struct extent old;
	struct span v;
	size_t size;
	bool there;
	int rc = has(s, T_MSG, key_span(&k), &v, &there);

	if (rc != 0)
		return (rc);
	if (there && state_decode(v.data, v.size, new->first, &old) == 0 &&
	    (old.s.delivery > new->s.delivery ||
		(old.s.delivery == new->s.delivery &&old.s.changed >= new->s.changed)))
		return (0);
	size = state_encode(new, record);
	return (put(s, T_MSG, key_span(&k), (struct span){ record, size }));
}

/* Each message has a record of its own afterwards: another copy may say otherwise of
 * some of them. */
static int
read_msg(struct salvage *s, uint64_t id, struct span value)
{
	struct extent e, one;
	int rc = 0;

	if (s->doubtful || state_decode(value.data, value.size, id, &e) != 0)
		return (0);
	for (unsigned i = 0; i < e.count && rc == 0; i++) {
		one = extent_part(&e, i, 1);
		rc = read_state(s, &one);
	}
	return (rc);
}

/* A row of an index says what a lost state was. Alone it is no message: a damaged key
 * may name any. */
static int
read_listed(struct salvage *s, uint64_t id, enum table table, struct span key)
{
	struct state lost = life_lost(&s->t, Q_READY);
	struct key k = key_id(id);
	struct span v;
	bool there;
	int rc = has(s, T_MSG, key_span(&k), &v, &there);

	if (rc != 0 || there || (rc = has(s, T_BODY, key_span(&k), &v, &there)) != 0 ||
	    !there)
		return (rc);
	if (table == T_DEAD)
		lost.state = Q_DEAD;
	if (table == T_DELAYED) {
		lost.state = Q_DELAYED;
		lost.due = get_be64(key.data);
	}
	return (write_lost(s, id, &lost));
}

static int
read_event(struct salvage *s, enum table table, uint64_t id, struct span key,
    struct span value)
{
	struct failure f;
	struct done d;

	if (table == T_FAILURE ? failure_decode(value.data, value.size, id, &f) != 0
			       : done_decode(value.data, value.size, id, &d) != 0)
		return (0);
	return (put(s, table, key, value));
}

/* Of two, the later. */
static int
read_result(struct salvage *s, uint64_t id, struct span key, struct span value)
{
	struct outcome new, old;
	struct span v;
	bool there;
	int rc;

	if (outcome_decode(value.data, value.size, id, &new) != 0)
		return (0);
	if ((rc = has(s, T_RESULT, key, &v, &there)) != 0 ||
	    (there && outcome_decode(v.data, v.size, id, &old) == 0 &&
		old.when >= new.when))
		return (rc);
	return (put(s, T_RESULT, key, value));
}

/* Rows that are no part of a message: of what is certainly no free page. */
static int
read_beside(struct salvage *s, enum table table, struct span key, struct span value)
{
	struct answered a;
	struct q_event e;
	struct unique u;
	bool whole = value.size == 0; /* a row of a group */

	if (table == T_UNIQUE)
		whole = unique_decode(value.data, value.size, key.data, &u) == 0;
	if (table == T_SLOT)
		whole = answered_decode(value.data, value.size,
			    get_be16((const uint8_t *)key.data + 8), &a) == 0;
	if (table == T_LOG)
		whole = log_decode(value.data, value.size,
			    get_be64((const uint8_t *)key.data + 8), &e) == 0;
	return (whole ? keep_first(s, table, key, value) : 0);
}

/* Where an id is in a key, and of what size that is. */
static const struct {
	size_t key, id_at;
} keys[TABLES] = {
	[T_BODY] = { 8, 0 },
	[T_MSG] = { 8, 0 },
	[T_READY] = { 9, 1 },
	[T_DELAYED] = { 16, 8 },
	[T_LEASED] = { 20, 12 },
	[T_DEAD] = { 8, 0 },
	[T_EXPIRY] = { 17, 9 },
	[T_FAILURE] = { 12, 0 },
	[T_DONE] = { 8, 0 },
	[T_GROUP] = { 24, 16 },
	[T_UNIQUE] = { 16, 0 },
	[T_RESULT] = { 8, 0 },
	[T_SLOT] = { 10, 0 },
	[T_LOG] = { 16, 8 },
};

int
salvage_row(struct salvage *s, enum table table, struct span key, struct span value)
{
	uint64_t id;

	if (table == T_META)
		return (read_meta(s, key, value));
	if (key.size != keys[table].key)
		return (0);
	id = get_be64((const uint8_t *)key.data + keys[table].id_at);
	switch (table) {
	case T_BODY:
		return (read_body(s, id, key, value));
	case T_MSG:
		return (read_msg(s, id, value));
	case T_FAILURE:
	case T_DONE:
		return (read_event(s, table, id, key, value));
	case T_RESULT:
		return (read_result(s, id, key, value));
	case T_GROUP:
	case T_UNIQUE:
	case T_SLOT:
	case T_LOG:
		return (read_beside(s, table, key, value));
	default:
		return (read_listed(s, id, table, key));
	}
}
