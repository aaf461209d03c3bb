/* SPDX-License-Identifier: ISC */
/*
 * Every row is read and held against those it must agree with: a table of tables, each
 * with the function that looks at one of its rows.
 */
#include <stdio.h>
#include <string.h>

#include "balance.h"
#include "bytes.h"
#include "event.h"
#include "life.h"
#include "message.h"
#include "queue.h"

#include "ledger.h"

#include "books.h"

bool
books_know(const struct books *b, enum meta_record r)
{
	return (b->meta & 1U << r);
}

int
books_damaged(const struct books *b, uint64_t id, const char *what)
{
	return (check_message(b->check, id, what));
}

int
books_look_up(
    struct books *b, enum table table, struct key k, struct span *v, bool *there)
{
	int rc = txn_get(b->t, table, key_span(&k), v);

	*there = rc == 0;
	return (rc == STORE_NONE ? 0 : rc);
}

int
books_state(struct books *b, uint64_t id, struct state *s, bool *there, bool *good)
{
	struct extent e;
	int rc = extent_find(b->t, id, &e);

	*there = rc == 0 || rc == Q_ECORRUPT || rc == STORE_BROKEN;
	*good = rc == 0;
	if (*good) {
		*s = e.s;
		s->size = extent_size(&e, (unsigned)(id - e.first));
	}
	return (*there || rc == STORE_NONE ? 0 : rc);
}

bool
books_aside(struct txn *t, uint64_t id)
{
	struct key from = key_failure(id, 0);
	struct span key = key_span(&from), v;
	struct failure f;
	bool damaged = false;

	for (int rc = txn_seek(t, T_FAILURE, &key, &v);
	     rc == 0 && key.size == from.size && memcmp(key.data, from.b, 8) == 0;
	     rc = txn_next(t, T_FAILURE, &key, &v))
		damaged = failure_decode(v.data, v.size, id, &f) == 0 &&
		          f.report.how == Q_HOW_DAMAGED;
	return (damaged);
}

static int
check_body(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct state s = { 0 };
	struct message m;
	bool there, good, aside;
	int rc = books_state(b, id, &s, &there, &good);

	(void)table;
	(void)key;
	if (rc != 0)
		return (rc);
	if (!there)
		return (books_damaged(b, id, "has no state record"));
	aside = good && s.state == Q_DEAD && books_aside(b->t, id);
	b->check->public.aside += aside;
	if (message_decode(value.data, value.size, id, &m) != 0)
		return (aside
			    ? 0
			    : books_damaged(b, id, "is damaged (its message record)"));
	if (good && !life_agrees(&s, &m))
		return (books_damaged(b, id, "has two records that do not agree"));
	if (!(m.flags & MSG_BLOB))
		return (0);
	return (check_blob(b->check,
	    &(struct blob_row){
		.id = id, .size = m.size, .hash = m.blob_hash, .aside = aside }));
}

/* A message that may expire is listed with its time. */
static int
check_ttl(struct books *b, uint64_t id, const struct state *s, struct span body)
{
	struct message m;
	struct span v;
	bool there;
	int rc;

	if (!(s->flags & ST_EXPIRES) || s->state == Q_LEASED || s->state == Q_DEAD ||
	    message_decode(body.data, body.size, id, &m) != 0)
		return (0);
	rc = books_look_up(
	    b, T_EXPIRY, key_expiry(EXPIRY_TTL, (uint64_t)m.expires, id), &v, &there);
	if (rc != 0 || there)
		return (rc);
	return (books_damaged(b, id, "is not listed in table expiry"));
}

static int
check_place(struct books *b, uint64_t id, const struct state *s)
{
	struct key k;
	enum table table = extent_place(id, s, &k);
	size_t mark = s->state == Q_LEASED && s->flags & ST_OWNED ? 1 : 0;
	struct span v;
	char what[64];
	bool there;
	int rc;

	if (table == TABLES && !(s->flags & ST_GROUPED))
		return (books_damaged(b, id, "is blocked, and of no group"));
	if (s->flags & ST_GROUPED && s->state != Q_DEAD) {
		rc = books_look_up(b, T_GROUP, key_group(s->group, id), &v, &there);
		if (rc != 0 || !there || table == TABLES)
			return (rc != 0 || there ? rc
						 : books_damaged(b, id,
						       "is not listed in table group"));
	}
	rc = books_look_up(b, table, k, &v, &there);
	if (rc != 0 || (there && v.size == mark))
		return (rc);
	(void)snprintf(
	    what, sizeof(what), "is not listed in table %s", store_table_name(table));
	return (books_damaged(b, id, what));
}

/* One of the messages of a state record. */
static int
check_of(struct books *b, uint64_t id, const struct state *s)
{
	struct message m;
	struct span body;
	bool there;
	int rc;

	b->check->public.messages++;
	b->in[s->state]++;
	if (books_know(b, META_REC_NEXT) && id >= b->t->meta.next &&
	    (rc = books_damaged(b, id, "has an id that was not given yet")) != 0)
		return (rc);
	if (id < b->end && (rc = books_damaged(b, id, "has two state records")) != 0)
		return (rc);
	if ((rc = books_look_up(b, T_BODY, key_id(id), &body, &there)) != 0)
		return (rc);
	if (!there)
		return (books_damaged(b, id, "has no message record"));
	/* Of a file whose record is damaged only the name is known. */
	if (s->flags & ST_BLOB && message_decode(body.data, body.size, id, &m) != 0)
		return (check_blob(
		    b->check, &(struct blob_row){ .id = id, .aside = true }));
	return (check_ttl(b, id, s, body));
}

/* It may have been of several: they are there, by their bodies. */
static int
check_damaged(struct books *b, uint64_t id)
{
	unsigned count;
	int rc = extent_guess(b->t, id, &count);

	if (rc != 0)
		return (rc);
	b->check->public.messages += count;
	return (books_damaged(b, id, "is damaged (its state record)"));
}

static int
check_msg(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct extent e;
	int rc;

	(void)table;
	(void)key;
	if (state_decode(value.data, value.size, id, &e) != 0)
		return (check_damaged(b, id));
	if (e.s.state == Q_LEASED && books_know(b, META_REC_BOOT) &&
	    e.s.boot > b->t->meta.boot.number &&
	    (rc = books_damaged(b, id, "is leased in a boot to come")) != 0)
		return (rc);
	rc = check_place(b, id, &e.s);
	if (e.s.state == Q_LEASED && e.s.flags & ST_AHEAD)
		b->ahead += e.count;
	for (unsigned i = 0; i < e.count && rc == 0; i++) {
		b->bytes += extent_size(&e, i);
		rc = check_of(b, id + i, &e.s);
	}
	if (b->end < id + e.count)
		b->end = id + e.count;
	return (rc);
}

/* A row of an index: the state says the same. If it cannot, that is found elsewhere. */
static int
check_listed(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	enum table place;
	struct extent e;
	struct key k;
	char what[96];
	int rc = extent_find(b->t, id, &e);

	(void)value;
	if (rc == Q_ECORRUPT || rc == STORE_BROKEN)
		return (0);
	if (rc == 0) {
		place = extent_place(e.first, &e.s, &k);
		if (place == table && k.size == key.size &&
		    memcmp(k.b, key.data, k.size) == 0)
			return (0);
		(void)snprintf(what, sizeof(what), "is %s, but listed in table %s%s",
		    q_state_name(e.s.state), store_table_name(table),
		    place == table ? " in another place" : "");
	} else if (rc != STORE_NONE) {
		return (rc);
	} else {
		(void)snprintf(what, sizeof(what),
		    "does not exist, but is listed in table %s",
		    store_table_name(table));
	}
	return (books_damaged(b, id, what));
}

/* Rows of messages that are no more, or will not expire, do no harm. */
static int
check_expiry(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	uint8_t kind = *(const uint8_t *)key.data;

	(void)table;
	(void)value;
	return (
	    kind <= EXPIRY_RESULT
		? 0
		: books_damaged(b, id, "has a row of unknown kind in table expiry"));
}

static int
check_failure(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct failure f;
	struct state s;
	bool there, good;
	int rc = books_state(b, id, &s, &there, &good);

	(void)table;
	(void)key;
	if (rc != 0)
		return (rc);
	if (!there)
		return (books_damaged(b, id, "does not exist, but has failed"));
	return (failure_decode(value.data, value.size, id, &f) == 0
		    ? 0
		    : books_damaged(b, id, "is damaged (a record of a failure)"));
}

static int
check_done(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct done d;
	struct state s;
	bool there, good;
	int rc = books_state(b, id, &s, &there, &good);

	(void)table;
	(void)key;
	if (rc != 0)
		return (rc);
	if (there)
		return (books_damaged(b, id, "is done, but still there"));
	return (done_decode(value.data, value.size, id, &d) == 0
		    ? 0
		    : books_damaged(b, id, "is damaged (the record of its end)"));
}

static const struct kind {
	enum table table;
	size_t key, id_at; /* bytes of a key, and where the id is in it */
	row_fn *row;
} kinds[] = {
	{ T_MSG, 8, 0, check_msg },
	{ T_BODY, 8, 0, check_body },
	{ T_READY, 9, 1, check_listed },
	{ T_DELAYED, 16, 8, check_listed },
	{ T_LEASED, 20, 12, check_listed },
	{ T_DEAD, 8, 0, check_listed },
	{ T_EXPIRY, 17, 9, check_expiry },
	{ T_FAILURE, 12, 0, check_failure },
	{ T_DONE, 8, 0, check_done },
	{ T_GROUP, 24, 16, ledger_group },
	{ T_UNIQUE, 16, 0, ledger_unique },
	{ T_RESULT, 8, 0, ledger_result },
	{ T_SLOT, 10, 0, ledger_slot },
	{ T_LOG, 16, 8, ledger_log },
};

/* By a cursor of its own: those of the transaction are for looking up. */
static int
check_table(struct books *b, const struct kind *kind)
{
	const char *name = store_table_name(kind->table);
	MDB_cursor *c = NULL;
	MDB_val k, v;
	int rc, end;

	end = mdb_cursor_open(b->t->mdb, b->t->q->store.dbi[kind->table], &c);
	if (end != 0)
		return (store_code(end, name));
	rc = 0;
	while (rc == 0 && (end = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		const uint8_t *id = (const uint8_t *)k.mv_data + kind->id_at;

		if (k.mv_size != kind->key)
			rc = check_found(
			    b->check, 0, "has a key of a wrong size", "table %s", name);
		else
			rc = kind->row(b, kind->table, get_be64(id),
			    (struct span){ k.mv_data, k.mv_size },
			    (struct span){ v.mv_data, v.mv_size });
	}
	mdb_cursor_close(c);
	return (rc != 0 || end == MDB_NOTFOUND ? rc : store_code(end, name));
}

int
books_check(struct txn *t, struct check *check)
{
	struct books b = { .t = t, .check = check };
	int rc = balance_meta(&b);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; i++)
		rc = check_table(&b, &kinds[i]);
	if (rc == 0)
		rc = ledger_group_end(&b);
	check->public.bytes = b.bytes;
	return (rc == 0 ? balance_counters(&b) : rc);
}
