/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: LMDB that fails, as shim.h has it, with the result SHIM_CODE. Nothing is
 * done then; with SHIM_LATE=1 all is done, and yet it fails: a flush that failed after
 * the write, a page that was split halfway.
 */
#include <errno.h>
#include <lmdb.h>

#include "real.h"
#include "shim.h"

static bool
late(void)
{
	const char *word = getenv("SHIM_LATE");

	return (word != NULL && *word == '1');
}

/* What is too much for the map or the transaction can only be written. */
static int
code(bool writes)
{
	const char *word = getenv("SHIM_CODE");
	int rc = word != NULL ? atoi(word) : MDB_PANIC;

	return (!writes && (rc == MDB_MAP_FULL || rc == MDB_TXN_FULL) ? EIO : rc);
}

#define SHIM(writes, name, parameters, arguments) \
	int name parameters \
	{ \
		int(*call) parameters; \
		bool refused = shim_refused(); \
\
		*(void **)&call = real(#name); \
		if (refused && !late()) \
			return (code(writes)); \
		return (refused ? (call arguments, code(writes)) : call arguments); \
	}

SHIM(false, mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
SHIM(false, mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi dbs), (env, dbs))
SHIM(false, mdb_dbi_open,
    (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
    (txn, name, flags, dbi))
SHIM(false, mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data),
    (txn, dbi, key, data))
SHIM(true, mdb_put,
    (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
    (txn, dbi, key, data, flags))
SHIM(true, mdb_drop, (MDB_txn * txn, MDB_dbi dbi, int del), (txn, dbi, del))
SHIM(false, mdb_cursor_get,
    (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
    (cursor, key, data, op))
SHIM(true, mdb_cursor_put,
    (MDB_cursor * cursor, MDB_val *key, MDB_val *data, unsigned flags),
    (cursor, key, data, flags))
SHIM(true, mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

/* What these give does not outlive a failure. */

int
mdb_env_create(MDB_env **env)
{
	int (*call)(MDB_env **);

	*(void **)&call = real("mdb_env_create");
	return (shim_refused() ? ENOMEM : call(env));
}

int
mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	int (*call)(MDB_env *, const char *, unsigned, mdb_mode_t);

	*(void **)&call = real("mdb_env_open");
	return (shim_refused() ? code(false) : call(env, path, flags, mode));
}

int
mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
	int (*call)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);

	*(void **)&call = real("mdb_txn_begin");
	if (!shim_refused())
		return (call(env, parent, flags, txn));
	return (code(true) == MDB_MAP_FULL ? MDB_MAP_RESIZED : code(false));
}

int
mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
	int (*call)(MDB_txn *, MDB_dbi, MDB_cursor **);

	*(void **)&call = real("mdb_cursor_open");
	return (shim_refused() ? code(false) : call(txn, dbi, cursor));
}

/* It frees the transaction, whatever it returns. */
int
mdb_txn_commit(MDB_txn *txn)
{
	int (*call)(MDB_txn *);

	*(void **)&call = real("mdb_txn_commit");
	if (!shim_refused())
		return (call(txn));
	if (late())
		(void)call(txn);
	else
		mdb_txn_abort(txn);
	return (code(true));
}
