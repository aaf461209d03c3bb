/* SPDX-License-Identifier: ISC */
/*
 * Whatever became of a row, and whichever row it is: an operation of libq ends with a
 * code of its own and a sentence; what is wrong afterwards is found, and a repair
 * leaves a queue that is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "hash.h"
#include "meta.h"
#include "store.h"

#include "ops.h"

enum { ROWS = 200, VALUE = 1024, KEY = 64, TRIES = 3 };

static struct row {
	enum table table;
	size_t key_size, size;
	uint8_t key[KEY], value[VALUE];
} rows[ROWS];
static size_t count;

/* ---- data.mdb, as LMDB has it ---- */

struct env {
	MDB_env *env;
	MDB_txn *txn;
	struct store store;
};

static void
file_open(struct env *f, const char *queue)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/data.mdb", queue);
	assert_int_equal(mdb_env_create(&f->env), 0);
	assert_int_equal(mdb_env_set_maxdbs(f->env, TABLES), 0);
	assert_int_equal(
	    mdb_env_open(f->env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(f->env, NULL, 0, &f->txn), 0);
	assert_int_equal(mdb_dbi_open(f->txn, NULL, 0, &f->store.main), 0);
	for (int i = 0; i < TABLES; i++)
		assert_int_equal(mdb_dbi_open(f->txn, store_table_name((enum table)i),
				     0, &f->store.dbi[i]),
		    0);
}

/* As if libq had written it: of the transaction there is a trace. */
static void
file_close(struct env *f)
{
	uint64_t sum;

	assert_int_equal(store_check_stamp(&f->store, f->txn, 0, &sum), 0);
	assert_int_equal(store_stamp(&f->store, f->txn, sum), 0);
	assert_int_equal(mdb_txn_commit(f->txn), 0);
	mdb_env_close(f->env);
}

static void
read_rows(void)
{
	struct env f;
	MDB_cursor *c;
	MDB_val k, v;

	file_open(&f, rich);
	for (int i = 0; i < TABLES; i++) {
		assert_int_equal(mdb_cursor_open(f.txn, f.store.dbi[i], &c), 0);
		while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
			struct row *r = &rows[count++];

			assert_true(count < ROWS && v.mv_size < VALUE);
			r->table = (enum table)i;
			r->key_size = k.mv_size;
			r->size = v.mv_size;
			memcpy(r->key, k.mv_data, k.mv_size);
			if (v.mv_size > 0)
				memcpy(r->value, v.mv_data, v.mv_size);
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(f.txn);
	mdb_env_close(f.env);
}

/* ---- what becomes of a row; false: there is no such thing ---- */

static bool
cut(struct row *r)
{
	return (r->size-- > 0);
}

static bool
empty(struct row *r)
{
	bool is = r->size == 0;

	r->size = 0;
	return (!is);
}

static bool
grow(struct row *r)
{
	r->value[r->size++] = 0;
	return (true);
}

static bool
spoil(struct row *r)
{
	if (r->size > 0)
		r->value[r->size - 1] ^= 1;
	return (r->size > 0);
}

static bool
cut_key(struct row *r)
{
	return (--r->key_size > 0);
}

static bool
grow_key(struct row *r)
{
	r->key[r->key_size++] = 0;
	return (true);
}

static bool
neighbour(struct row *r)
{
	r->key[r->key_size - 1] ^= 1;
	return (true);
}

/* Of an id, or a time, that is not yet. */
static bool
to_come(struct row *r)
{
	r->key[r->key_size - (r->key_size > 4 ? 4 : 1)] ^= 0x10;
	return (true);
}

static bool
other_kind(struct row *r)
{
	r->key[0] ^= 0x83;
	return (true);
}

enum { INSTEAD, BESIDE };

static const struct {
	const char *name;
	bool (*change)(struct row *);
	int where;
} damages[] = {
	{ "cut", cut, INSTEAD },
	{ "empty", empty, INSTEAD },
	{ "too long", grow, INSTEAD },
	{ "spoiled", spoil, INSTEAD },
	{ "with half a key", cut_key, INSTEAD },
	{ "with half a key, too", cut_key, BESIDE },
	{ "with a long key", grow_key, BESIDE },
	{ "of a neighbour", neighbour, INSTEAD },
	{ "of a neighbour, too", neighbour, BESIDE },
	{ "of one to come", to_come, INSTEAD },
	{ "of one to come, too", to_come, BESIDE },
	{ "of another kind", other_kind, INSTEAD },
	{ "of another kind, too", other_kind, BESIDE },
};

/* That what it says is taken for written so: 0 if it has no checksum. */
static bool
seal(struct row *r)
{
	uint64_t of = 0;

	switch (r->table) {
	case T_META:
		while (of < META_RECORDS &&
		       (strlen(meta_key((enum meta_record)of)) != r->key_size ||
			   memcmp(meta_key((enum meta_record)of), r->key,
			       r->key_size) != 0))
			of++;
		break;
	case T_SLOT:
		of = get_be16(r->key + 8);
		break;
	case T_LOG:
		of = get_be64(r->key + 8);
		break;
	default:
		of = get_be64(r->key);
	}
	if (r->size <= 8 || (r->table == T_META && of == META_RECORDS))
		return (false);
	(void)put_be64(r->value, hash_record(r->value + 8, r->size - 8, of));
	return (true);
}

/* ---- what is done to the queue then ---- */

static void
put_row(const struct row *old, const struct row *new)
{
	struct env f;
	MDB_val k, v;

	restore();
	file_open(&f, copy);
	if (old != NULL) {
		k = (MDB_val){ old->key_size, (void *)(uintptr_t)old->key };
		assert_int_equal(mdb_del(f.txn, f.store.dbi[old->table], &k, NULL), 0);
	}
	if (new != NULL) {
		k = (MDB_val){ new->key_size, (void *)(uintptr_t) new->key };
		v = (MDB_val){ new->size, (void *)(uintptr_t) new->value };
		assert_int_equal(mdb_put(f.txn, f.store.dbi[new->table], &k, &v, 0), 0);
	}
	file_close(&f);
}

static int
said(int rc)
{
	if (rc != 0) {
		assert_true(rc < 0 && rc > -Q_CODES);
		assert_int_not_equal(q_errmsg()[0], '\0');
	}
	return (rc);
}

/* A few operations, others each time. */
static void
use(void)
{
	static const size_t n = sizeof(ops) / sizeof(ops[0]);
	static size_t next;
	struct q *q;

	for (int i = 0; i < TRIES; i++, next++) {
		if (said(q_open(copy, &brief, &q)) != 0)
			continue;
		(void)said(ops[next % n].op(q));
		q_close(q);
	}
	next += n / 2;
}

static void
mend(void)
{
	struct q_check *check;
	struct q *q;
	int rc = said(q_open(copy, &brief, &q));

	if (rc == Q_ENOQUEUE)
		return;
	assert_int_equal(rc, 0);
	if ((rc = said(q_check(q, &check))) == 0) {
		q_check_free(check);
		assert_int_equal(q_repair(q, &check), 0);
		q_check_free(check);
	}
	q_close(q);
	if (rc != Q_EVERSION)
		verify(copy, false);
}

static void
attack(size_t i, const struct row *new, int where, const char *what)
{
	print_message("# %s row %zu: %s\n", store_table_name(rows[i].table), i, what);
	put_row(where == BESIDE ? NULL : &rows[i], new);
	use();
	mend();
}

static void
test_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < count; i++)
		attack(i, NULL, INSTEAD, "lost");
}

static void
test_damaged(void **state)
{
	(void)state;
	for (size_t d = 0; d < sizeof(damages) / sizeof(damages[0]); d++)
		for (size_t i = 0; i < count; i++) {
			struct row r = rows[i];

			if (damages[d].change(&r))
				attack(i, &r, damages[d].where, damages[d].name);
		}
}

/* Whole, by their checksums. */
static void
test_forged(void **state)
{
	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t at = 8 + i % 5; at < rows[i].size; at += 5) {
			struct row r = rows[i];

			r.value[at] ^= 1 << at % 8;
			if (seal(&r))
				attack(i, &r, INSTEAD, "forged");
		}
}

/* Likewise, and shorter or longer than what is in it. */
static void
test_resized(void **state)
{
	static const int sizes[] = { -25, -8, -1, 1, 8 };

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
			struct row r = rows[i];

			if ((int)r.size + sizes[n] <= 8)
				continue;
			r.size = (size_t)((int)r.size + sizes[n]);
			if (seal(&r))
				attack(i, &r, INSTEAD, "resized");
		}
}

static int
begin(void **state)
{
	if (make(state) != 0)
		return (-1);
	read_rows();
	return (0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_resized),
	};

	return (cmocka_run_group_tests(tests, begin, unmake));
}
