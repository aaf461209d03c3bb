/* SPDX-License-Identifier: ISC */
#ifndef OPS_MEND_H
#define OPS_MEND_H

/* A queue that is damaged, each time in another way, is repaired: each 0 or a code.
 * Nothing fails while it is damaged. */
#include "failing.h"
#include "ops_rare.h"
#include "store.h"

/* A bit of each body that is in data.mdb and has this in it. */
static void
flip_bodies(int fd, const char *text)
{
	static char all[4 << 20];
	ssize_t n = pread(fd, all, sizeof(all), 0);
	char *p = all;

	assert_true(n > 0);
	while ((p = memmem(p, (size_t)(all + n - p), text, strlen(text))) != NULL) {
		*p ^= 1;
		assert_int_equal(pwrite(fd, p, 1, p - all), 1);
	}
}

/* The page where a table begins is of no kind. */
static void
lose_page(int fd, const struct store *s, enum table table)
{
	static const uint8_t none[2];

	if (s->tree[table].root == PAGE_NONE)
		return;
	assert_int_equal(
	    pwrite(fd, none, 2, (off_t)(s->tree[table].root * s->page + 10)), 2);
}

static void
lose_meta(int fd, const struct store *s, bool newer)
{
	static const uint8_t zeros[64];
	bool odd = s->meta.txn % 2 == 1;

	assert_int_equal(
	    pwrite(fd, zeros, sizeof(zeros), (off_t)(odd == newer ? s->page : 0)),
	    sizeof(zeros));
}

enum row { SPOILED, LOST };

/* Every third row of a table: its last byte changes, or there is none. */
static void
harm_rows(MDB_txn *txn, enum table table, enum row how)
{
	uint8_t value[8192];
	MDB_cursor *c;
	MDB_val k, v;
	MDB_dbi dbi;

	assert_int_equal(mdb_dbi_open(txn, store_table_name(table), 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &c), 0);
	for (int i = 0; mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0; i++) {
		if (i % 3 != 0 || v.mv_size > sizeof(value))
			continue;
		if (how == LOST) {
			assert_int_equal(mdb_cursor_del(c, 0), 0);
		} else if (v.mv_size > 0) {
			memcpy(value, v.mv_data, v.mv_size);
			value[v.mv_size - 1] ^= 1;
			v.mv_data = value;
			assert_int_equal(mdb_cursor_put(c, &k, &v, MDB_CURRENT), 0);
		}
	}
	mdb_cursor_close(c);
}

/* As if written by a transaction that was none of ours, but for its number. */
static void
harm_tables(const char *file, const enum table *tables, enum row how)
{
	struct store s;
	MDB_env *env;
	MDB_txn *txn;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, TABLES), 0);
	assert_int_equal(mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	for (; *tables != TABLES; tables++)
		harm_rows(txn, *tables, how);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &s.main), 0);
	assert_int_equal(store_stamp(&s, txn, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

enum harm { BODIES, ROWS, LISTS, PLACES, STATES, FREE, NEWER_META, OLDER_META, METAS };

static void
harm(enum harm what)
{
	static const enum table rows[] = { T_META, T_MSG, T_FAILURE, T_DONE, T_UNIQUE,
		T_RESULT, T_SLOT, T_LOG, TABLES },
				lists[] = { T_MSG, T_READY, T_DELAYED, T_LEASED,
					T_GROUP, T_EXPIRY, T_DEAD, T_UNIQUE, TABLES };
	enum kind kind = fail.kind;
	struct store s = { .page = 0 };
	char file[80];
	int fd;

	fail.kind = NOTHING;
	(void)snprintf(file, sizeof(file), "%s/data.mdb", copy);
	if (what == ROWS)
		harm_tables(file, rows, SPOILED);
	else if (what == LISTS)
		harm_tables(file, lists, LOST);
	fd = open(file, O_RDWR);
	assert_true(fd != -1);
	assert_int_equal(store_check(&s, fd), 0);
	if (what == BODIES)
		flip_bodies(fd, "keyed");
	if (what == PLACES)
		for (int i = T_READY; i <= T_EXPIRY; i++)
			lose_page(fd, &s, (enum table)i);
	if (what == STATES)
		for (int i = T_MSG; i < TABLES; i++)
			lose_page(fd, &s, (enum table)i);
	if (what == FREE && s.meta.free.root != PAGE_NONE)
		assert_int_equal(
		    pwrite(fd, "\0", 2, (off_t)(s.meta.free.root * s.page + 10)), 2);
	if (what == NEWER_META || what == METAS)
		lose_meta(fd, &s, true);
	if (what == OLDER_META || what == METAS)
		lose_meta(fd, &s, false);
	assert_int_equal(close(fd), 0);
	fail.kind = kind;
}

#define MEND(name, what) \
	static int name(struct q *q) \
	{ \
		harm(what); \
		return (op_repair(q)); \
	}

MEND(mend_bodies, BODIES)
MEND(mend_rows, ROWS)
MEND(mend_lists, LISTS)
MEND(mend_places, PLACES)
MEND(mend_states, STATES)
MEND(mend_free, FREE)
MEND(mend_newer_meta, NEWER_META)
MEND(mend_older_meta, OLDER_META)
MEND(mend_metas, METAS)

static const struct {
	const char *name;
	int (*op)(struct q *);
} mends[] = {
	{ "damaged bodies", mend_bodies },
	{ "damaged rows", mend_rows },
	{ "rows that are lost", mend_lists },
	{ "pages that are lost", mend_places },
	{ "states that are lost", mend_states },
	{ "the list of free pages", mend_free },
	{ "the newer meta page", mend_newer_meta },
	{ "the older meta page", mend_older_meta },
	{ "both meta pages", mend_metas },
};

#endif
