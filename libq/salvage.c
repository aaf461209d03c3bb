/* SPDX-License-Identifier: ISC */
/*
 * Reading what is left. First what the trees lead to; then pages that none leads to,
 * for the branch above them is lost: they belong to a table if it is certain that they
 * are not free, and else what they have may have ended. Only whole records count, which
 * their checksums with the id as seed tell apart from one another, too.
 */
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "event.h"
#include "life.h"
#include "message.h"
#include "queue.h"
#include "structure.h"

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

/* Of a list of numbers that only grow, an old copy says too little. */
static int
read_meta(struct salvage *s, struct span key, struct span value)
{
	struct meta m = s->t.meta;

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
read_msg(struct salvage *s, uint64_t id, struct span key, struct span value)
{
	struct state new, old;
	struct span v;
	bool there;
	int rc;

	if (s->doubtful || state_decode(value.data, value.size, id, &new) != 0)
		return (0);
	if ((rc = has(s, T_MSG, key, &v, &there)) != 0)
		return (rc);
	if (there && state_decode(v.data, v.size, id, &old) == 0 &&
	    (old.delivery > new.delivery ||
		(old.delivery == new.delivery &&old.changed >= new.changed)))
		return (0);
	return (put(s, T_MSG, key, value));
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
};

static int
read_row(struct salvage *s, enum table table, struct span key, struct span value)
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
		return (read_msg(s, id, key, value));
	case T_FAILURE:
	case T_DONE:
		return (read_event(s, table, id, key, value));
	case T_EXPIRY: /* the others are built again */
		return (*(const uint8_t *)key.data == EXPIRY_DONE
			    ? put(s, table, key, value)
			    : 0);
	default:
		return (read_listed(s, id, table, key));
	}
}

static int
tree_row(struct walk *w, struct span key, struct span value)
{
	return (read_row(w->arg, w->table, key, value));
}

/* A row that may be of any table: whole records tell. */
static int
stray_row(struct walk *w, struct span key, struct span value)
{
	static const enum table tables[] = { T_META, T_BODY, T_MSG, T_FAILURE, T_DONE };
	struct salvage *s = w->arg;
	struct message m;
	int rc = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++) {
		if (tables[i] == T_BODY &&
		    (key.size != 8 || message_decode(value.data, value.size,
					  get_be64(key.data), &m) != 0))
			continue;
		if (s->doubtful && tables[i] != T_META && tables[i] != T_BODY)
			continue;
		if (s->newer != 0 && (key.size != 8 || tables[i] == T_META ||
					 get_be64(key.data) < s->newer))
			continue;
		rc = read_row(s, tables[i], key, value);
	}
	return (rc);
}

static int
read_tables(
    struct salvage *s, struct walk *w, struct structure *from, const enum table *tables)
{
	int rc = 0;

	w->row = tree_row;
	w->arg = s;
	for (; *tables != TABLES && rc == 0; tables++)
		if (from->has[*tables])
			rc = walk_tree(w, *tables, &from->tree[*tables], false);
	return (rc);
}

/* Pages of the file that neither a tree nor the list of free pages has. */
static int
read_strays(struct salvage *s, struct walk *w, const struct structure *from)
{
	int rc = 0;

	w->row = stray_row;
	w->arg = s;
	for (uint64_t i = 2; i < w->pages && rc == 0; i++)
		if (!from->has_meta || from->walk.seen[i] == WALK_UNUSED)
			rc = walk_stray(w, i);
	return (rc);
}

/*
 * One meta page is lost, and it may have been the newer: what its transaction pushed is
 * in pages that the other one takes for free, or does not know. Ids are given once, so
 * nothing else can be as new.
 */
static int
read_newer(struct salvage *s, int fd, const struct structure *from)
{
	const struct structure any = { .has_meta = false };
	struct page_meta all = from->meta;
	struct walk w;
	int rc;

	all.last = UINT32_MAX;
	s->newer = s->t.meta.next;
	if ((rc = walk_open(&w, fd, &all)) == 0)
		rc = read_strays(s, &w, &any);
	walk_close(&w);
	s->newer = 0;
	return (rc);
}

static int
read_structured(struct salvage *s, int fd, struct structure *from)
{
	static const enum table first[] = { T_META, T_BODY, T_MSG, TABLES };
	static const enum table then[] = { T_DEAD, T_DELAYED, T_LEASED, T_READY,
		T_FAILURE, T_DONE, T_EXPIRY, TABLES };
	static const enum table body[] = { T_BODY, TABLES };
	struct walk w, other = { .seen = NULL };
	int rc = walk_open(&w, fd, &from[0].meta);

	if (rc == 0)
		rc = read_tables(s, &w, &from[0], first);
	if (rc == 0 && from[0].free_known)
		rc = read_strays(s, &w, &from[0]);
	if (rc == 0)
		rc = read_tables(s, &w, &from[0], then);
	if (rc == 0 && !from[1].has_meta && s->meta & 1U << META_REC_NEXT)
		rc = read_newer(s, fd, &from[0]);
	s->doubtful = true;
	if (rc == 0 && !from[0].free_known)
		rc = read_strays(s, &w, &from[0]);
	if (rc == 0 && from[0].found > 0 && from[1].has_meta &&
	    (rc = walk_open(&other, fd, &from[1].meta)) == 0)
		rc = read_tables(s, &other, &from[1], body);
	walk_close(&other);
	walk_close(&w);
	return (rc);
}

/* Neither meta page is left: any page may have anything. */
static int
read_unstructured(struct salvage *s, int fd, const struct structure *from)
{
	const struct page_meta all = { .page = s->t.q->store.page, .last = UINT32_MAX };
	struct walk w;
	int rc = walk_open(&w, fd, &all);

	s->doubtful = true;
	if (rc == 0)
		rc = read_strays(s, &w, from);
	walk_close(&w);
	return (rc);
}

int
salvage_read(struct salvage *s, int fd)
{
	struct structure from[2];
	int rc = structure_salvage(fd, from);

	if (rc == 0)
		rc = from[0].has_meta ? read_structured(s, fd, from)
		                      : read_unstructured(s, fd, &from[0]);
	structure_close(&from[0]);
	structure_close(&from[1]);
	return (rc);
}
