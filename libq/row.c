/* SPDX-License-Identifier: ISC */
/* Rows of the tables inside a transaction, through one cursor a table. */
#include <errno.h>

#include "error.h"
#include "queue.h"

#include "txn.h"

enum { ROW_HEAD = 8 + 2 + 1 }; /* of a row in a page, with its number and padding */

/*
 * After a failure LMDB refuses the rest of the transaction, and does not say again for
 * what reason: what fails first may be the log, of which nobody hears until the end.
 */
static int
code(struct txn *t, enum table table, int rc)
{
	if (rc == MDB_BAD_TXN && t->failed != 0)
		rc = t->failed;
	else if (rc != 0 && rc != MDB_NOTFOUND)
		t->failed = rc;
	return (store_code(rc, store_table_name(table)));
}

static int
cursor(struct txn *t, enum table table, MDB_cursor **c)
{
	int rc;

	if (t->cursor[table] == NULL) {
		rc = mdb_cursor_open(t->mdb, t->q->store.dbi[table], &t->cursor[table]);
		if (rc != 0)
			return (code(t, table, rc));
	}
	*c = t->cursor[table];
	return (0);
}

static int
move(struct txn *t, enum table table, MDB_cursor_op op, struct span *key,
    struct span *value)
{
	MDB_val k = { key->size, (void *)(uintptr_t)key->data }, v = { 0, NULL };
	MDB_cursor *c = NULL;
	int rc;

	if ((rc = cursor(t, table, &c)) != 0)
		return (rc);
	if ((op == MDB_SET || op == MDB_SET_RANGE) &&
	    (rc = trail_check(&t->trails, table, *key, TRAIL_READ, 0)) != 0)
		return (rc);
	if ((rc = mdb_cursor_get(c, &k, &v, op)) != 0)
		return (code(t, table, rc));
	rc = trail_check_at(&t->trails, table, (struct span){ k.mv_data, k.mv_size });
	if (rc != 0)
		return (rc);
	*key = (struct span){ k.mv_data, k.mv_size };
	*value = (struct span){ v.mv_data, v.mv_size };
	return (0);
}

/* The row that the cursor stands on. */
static int
current(struct txn *t, enum table table, struct span *key, struct span *value)
{
	MDB_val k, v;
	int rc = mdb_cursor_get(t->cursor[table], &k, &v, MDB_GET_CURRENT);

	if (rc != 0)
		return (code(t, table, rc));
	*key = (struct span){ k.mv_data, k.mv_size };
	*value = (struct span){ v.mv_data, v.mv_size };
	return (0);
}

/*
 * Messages are mostly met in the order of their ids, and each row more than once: the
 * wanted row is often the one the cursor stands on, or the next.
 */
int
txn_get(struct txn *t, enum table table, struct span key, struct span *value)
{
	static const MDB_cursor_op near[] = { MDB_GET_CURRENT, MDB_NEXT };
	MDB_cursor *c = t->cursor[table];
	MDB_val k, v;

	for (size_t i = 0; c != NULL && i < sizeof(near) / sizeof(near[0]); i++) {
		int rc = mdb_cursor_get(c, &k, &v, near[i]);

		if (rc == EINVAL) /* it stands nowhere: it would go to the first row */
			break;
		if (rc == 0 &&
		    span_compare((struct span){ k.mv_data, k.mv_size }, key) == 0) {
			*value = (struct span){ v.mv_data, v.mv_size };
			return (0);
		}
	}
	return (move(t, table, MDB_SET, &key, value));
}

static int
damaged(enum table table)
{
	return (fail(Q_ECORRUPT, "data.mdb is damaged (table %s); run 'qctl check'",
	    store_table_name(table)));
}

int
txn_first(struct txn *t, enum table table, struct span *key, struct span *value)
{
	int rc;

	*key = (struct span){ NULL, 0 };
	rc = move(t, table, MDB_FIRST, key, value);
	/* A zeroed page looks empty: the count, kept elsewhere, knows better. */
	return (rc == STORE_NONE && txn_entries(t, table) != 0 ? damaged(table) : rc);
}

int
txn_seek(struct txn *t, enum table table, struct span *key, struct span *value)
{
	struct span from = *key;
	int rc = move(t, table, MDB_SET_RANGE, key, value);

	/* Whoever goes on behind the last row would come back for ever. */
	if (rc == 0 && span_compare(from, *key) > 0)
		return (damaged(table));
	return (rc);
}

int
txn_hidden(enum table table)
{
	return (fail(Q_ECORRUPT,
	    "data.mdb is damaged, and rows of table %s may be missing; "
	    "run 'qctl check'",
	    store_table_name(table)));
}

int
txn_scan(
    struct txn *t, enum table table, struct span *key, struct span *value, bool *hidden)
{
	bool hides = trail_check(&t->trails, table, *key, TRAIL_SCAN, 0) != 0;
	int rc = txn_seek(t, table, key, value);

	/* It may be of the next leaf. */
	hides = hides ||
	        (rc == 0 && trail_check(&t->trails, table, *key, TRAIL_SCAN, 0) != 0);
	*hidden = *hidden || hides;
	return (rc);
}

int
txn_next(struct txn *t, enum table table, struct span *key, struct span *value)
{
	return (move(t, table, MDB_NEXT, key, value));
}

int
txn_last(struct txn *t, enum table table, struct span *key, struct span *value)
{
	*key = (struct span){ NULL, 0 };
	return (move(t, table, MDB_LAST, key, value));
}

int
txn_prev(struct txn *t, enum table table, struct span *key, struct span *value)
{
	return (move(t, table, MDB_PREV, key, value));
}

static int
put(struct txn *t, enum table table, struct span key, MDB_val *v, unsigned flags)
{
	MDB_val k = { key.size, (void *)(uintptr_t)key.data };
	MDB_cursor *c = NULL;
	int rc;

	if ((rc = cursor(t, table, &c)) != 0 ||
	    (rc = trail_check(&t->trails, table, key, TRAIL_PUT,
		 ROW_HEAD + key.size + v->mv_size)) != 0)
		return (rc);
	t->changed = true;
	rc = mdb_cursor_put(c, &k, v, flags);
	if (rc == MDB_KEYEXIST && flags & MDB_APPEND) /* not in order: search */
		rc = mdb_cursor_put(c, &k, v, flags & ~(unsigned)MDB_APPEND);
	return (code(t, table, rc));
}

int
txn_put(struct txn *t, enum table table, struct span key, struct span value)
{
	MDB_val v = { value.size, (void *)(uintptr_t)value.data };

	return (put(t, table, key, &v, 0));
}

int
txn_append(struct txn *t, enum table table, struct span key, struct span value)
{
	MDB_val v = { value.size, (void *)(uintptr_t)value.data };

	return (put(t, table, key, &v, MDB_APPEND));
}

int
txn_reserve(
    struct txn *t, enum table table, struct span key, size_t size, uint8_t **value)
{
	MDB_val v = { size, NULL };
	int rc = put(t, table, key, &v, MDB_RESERVE | MDB_APPEND);

	if (rc == 0)
		*value = v.mv_data;
	return (rc);
}

/* The row that the cursor stands on. */
static int
drop(struct txn *t, enum table table, struct span key, struct span value)
{
	int rc;

	if ((rc = trail_check(&t->trails, table, key, TRAIL_DROP,
		 ROW_HEAD + key.size + value.size)) != 0 ||
	    (rc = trail_check_run(&t->trails, table, value)) != 0)
		return (rc);
	t->changed = true;
	return (code(t, table, mdb_cursor_del(t->cursor[table], 0)));
}

int
txn_del(struct txn *t, enum table table, struct span key)
{
	struct span value = { "", 0 };
	int rc = txn_get(t, table, key, &value);

	return (rc == 0 ? drop(t, table, key, value) : rc);
}

int
txn_drop(struct txn *t, enum table table)
{
	struct span key = { "", 0 }, value = { "", 0 };
	int rc = current(t, table, &key, &value);

	return (rc == 0 ? drop(t, table, key, value) : rc);
}

uint64_t
txn_entries(struct txn *t, enum table table)
{
	MDB_stat stat;

	return (
	    mdb_stat(t->mdb, t->q->store.dbi[table], &stat) == 0 ? stat.ms_entries : 0);
}
