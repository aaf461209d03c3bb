/* SPDX-License-Identifier: ISC */
#ifndef STORE_H
#define STORE_H

/*
 * LMDB, as this library uses it: without its own locks, one environment a handle. The
 * caller holds the transaction lock (lock.h) whenever a function of this file runs.
 */

#include <lmdb.h>

#include "page.h"
#include "q.h"

enum table {
	T_META,
	T_BODY,
	T_MSG,
	T_READY,
	T_DELAYED,
	T_LEASED,
	T_DEAD,
	T_EXPIRY,
	T_FAILURE,
	T_DONE,
	T_GROUP,
	T_UNIQUE,
	T_RESULT,
	T_SLOT,
	T_LOG,
	TABLES
};

struct store {
	MDB_env *env;
	MDB_dbi dbi[TABLES];
	MDB_dbi main; /* LMDB's own table, of tables */
	size_t page;  /* bytes */
	/* As store_check() found it; not when it is new. */
	struct page_meta meta;
	struct page_tree tree[TABLES];
};

/* What a key or value is, for LMDB. */
struct span {
	const void *data;
	size_t size;
};

/* Internal codes: never leave the library. */
enum {
	STORE_GROW = -1000, /* the map is too small: store_grow(), then all again */
	STORE_NONE = -1001, /* no such key */
	/* A row has a size that was never written: its page is damaged, and a write
	 * near it would have LMDB move what is not there. Nothing is set aside then. */
	STORE_BROKEN = -1002,
};

/* Say that the row of message id is broken: STORE_BROKEN. */
int store_broken(uint64_t id);
/* The code for one of these that is to leave the library. */
int store_public(int rc);
/* The code for a result of LMDB; keeps a sentence for all but the internal ones. */
int store_code(int mdb_rc, const char *what);
/* Whether this process may make files as large as it wants. */
bool store_may_grow(void);
/* Frees the transaction, whether or not it succeeds. */
int store_commit(MDB_txn *txn, const char *what);
/*
 * Open the environment in the file behind fd, which holds size bytes. Q_ECORRUPT: cut
 * short, or not LMDB's. With create, the tables are made; the caller commits nothing.
 */
int store_open(struct store *s, int fd, off_t size, bool rdonly, bool create);
/* NULL-safe; also after a failed open. */
void store_close(struct store *s);
int store_grow(struct store *s);
/*
 * The two meta pages hold the numbers of the last two transactions, each on its own
 * side. LMDB has no other check of them, and where one is damaged may go back to an
 * older state of the whole file without a word. Nor does it ask whether the page it
 * goes to from there is the one it wants, or of a kind that it can read. Q_ECORRUPT
 * then. A page is of s->page bytes; if that is 0, of as many as the first of them says.
 */
int store_check(struct store *s, int fd);
/*
 * Every transaction leaves its number beside the roots of the tables: a page there that
 * the disk never wrote shows what it held before, whole, and leads to an older queue.
 * So with the records of the table meta, by their sum.
 */
int store_stamp(const struct store *s, MDB_txn *txn, uint64_t sum);
/* Q_ECORRUPT: the state is older than transaction number last. A copy that LMDB's own
 * tools made counts anew, from less. *sum is 0 if none is known. */
int store_check_stamp(
    const struct store *s, MDB_txn *txn, uint64_t last, uint64_t *sum);
/* Its key, and the number in its value; UINT64_MAX if that is none. */
extern const char store_stamp_key[];
uint64_t store_stamp_number(const void *value, size_t size);
/* Bytes of the file in use at the last commit: whatever it has beyond is spare. */
uint64_t store_end(const struct store *s);
/* Name of a table in the file. */
const char *store_table_name(enum table table);

#endif
