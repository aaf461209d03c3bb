/* SPDX-License-Identifier: ISC */
/* The LMDB environment: opening, its map and its error codes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "error.h"

#include "store.h"

/* Address space only. RLIMIT_AS, an odd machine or valgrind may refuse it: then less.
 */
#define MAP_MOST  ((size_t)1 << (sizeof(size_t) > 4 ? 40 : 30))
#define MAP_LEAST ((size_t)1 << 26)

/* LMDB's page header and MDB_meta, data version 1, where words have 64 bits. */
enum {
	PAGE_HEAD = 16,
	META_DBS = PAGE_HEAD + 4 + 4 + 8 + 8, /* of the free pages, and of the tables */
	DB_SIZE = 48,
	DB_ROOT = 40,
	META_LAST = META_DBS + 2 * DB_SIZE, /* page in use */
	META_TXNID = META_LAST + 8,
	META_END = META_TXNID + 8,
};

static const char *const names[TABLES] = {
	[T_META] = "meta",
	[T_BODY] = "body",
	[T_MSG] = "msg",
	[T_READY] = "ready",
	[T_DELAYED] = "delayed",
	[T_LEASED] = "leased",
	[T_DEAD] = "dead",
	[T_EXPIRY] = "expiry",
	[T_FAILURE] = "failure",
	[T_DONE] = "done",
	[T_GROUP] = "group",
	[T_UNIQUE] = "unique",
	[T_RESULT] = "result",
	[T_SLOT] = "slot",
	[T_LOG] = "log",
};

const char *
store_table_name(enum table table)
{
	return (names[table]);
}

static bool
no_size_limit(void)
{
	struct rlimit limit;

	return (
	    getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

int
store_code(int rc, const char *what)
{
	switch (rc) {
	case MDB_SUCCESS:
		return (0);
	case MDB_NOTFOUND:
		return (STORE_NONE);
	case MDB_MAP_FULL:
	case MDB_MAP_RESIZED:
		return (STORE_GROW);
	case MDB_TXN_FULL:
		return (fail(Q_ENOMEM, "%s: too much for one transaction", what));
	}
	if (rc == EFBIG && no_size_limit())
		rc = MDB_CORRUPTED; /* nothing but a damaged page number leads so far */
	if (rc > 0) {
		errno = rc;
		return (fail_sys("%s", what));
	}
	return (fail(Q_ECORRUPT, "data.mdb is damaged (%s: %s); run 'qctl check'", what,
	    mdb_strerror(rc)));
}

int
store_broken(uint64_t id)
{
	return (fail(STORE_BROKEN,
	    "data.mdb is damaged (a row of message %llu); "
	    "run 'qctl check'",
	    (unsigned long long)id));
}

/* Every table is opened once, in a transaction of its own, for the life of the handle.
 */
static int
open_tables(struct store *s, bool rdonly, bool create)
{
	MDB_txn *txn = NULL;
	int rc;

	if ((rc = mdb_txn_begin(s->env, NULL, rdonly ? MDB_RDONLY : 0, &txn)) != 0)
		return (store_code(rc, "begin"));
	for (int i = 0; i < TABLES && rc == 0; i++)
		rc = mdb_dbi_open(txn, names[i], create ? MDB_CREATE : 0, &s->dbi[i]);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &s->main);
	if (rc == MDB_NOTFOUND)
		rc = MDB_CORRUPTED;
	if (rc != 0) {
		mdb_txn_abort(txn);
		return (store_code(rc, "open"));
	}
	return (store_code(mdb_txn_commit(txn), "open"));
}

/*
 * What LMDB takes for granted of its pages does not hold. It would say so on stderr and
 * abort; we have one way to find out about damage while reading.
 */
static void
assertion_failed(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	(void)raise(SIGBUS);
}

static int
open_env(struct store *s, const char *path, unsigned flags)
{
	int rc = ENOMEM;

	for (size_t map = MAP_MOST; map >= MAP_LEAST; map /= 2) {
		if ((rc = mdb_env_create(&s->env)) != 0)
			return (rc);
		if ((rc = mdb_env_set_assert(s->env, assertion_failed)) != 0 ||
		    (rc = mdb_env_set_maxdbs(s->env, TABLES)) != 0 ||
		    (rc = mdb_env_set_mapsize(s->env, map)) != 0)
			return (rc);
		rc = mdb_env_open(s->env, path, flags, 0600);
		if (rc != ENOMEM && rc != EINVAL)
			return (rc);
		store_close(s);
	}
	return (rc);
}

/* Whether a meta page has pages in use that the file has not: LMDB would map them all.
 */
static bool
is_beyond(int fd, off_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t last;

	for (size_t i = 0; i < 2; i++)
		if (pread(fd, &last, sizeof(last), (off_t)(i * page) + META_LAST) ==
			(ssize_t)sizeof(last) &&
		    last >= (uint64_t)size / page)
			return (true);
	return (false);
}

int
store_open(struct store *s, int fd, off_t size, bool rdonly, bool create)
{
	unsigned flags =
	    MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | (rdonly ? (unsigned)MDB_RDONLY : 0);
	char path[64];
	MDB_stat stat;
	int rc, env_fd;

	/* LMDB takes a file without content for a new one. We know better. */
	if (!create && size < 2 * sysconf(_SC_PAGESIZE))
		return (fail(Q_ECORRUPT, "data.mdb is damaged (%lld bytes long)",
		    (long long)size));
	/* By descriptor: nobody can swap the file between our checks and this open. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((rc = open_env(s, path, flags)) != 0) {
		if (rc == ENOMEM && !create && is_beyond(fd, size))
			rc = MDB_CORRUPTED;
		rc = rc == ENOENT ? fail(Q_ESYS, "/proc is not mounted")
		                  : store_code(rc, "data.mdb");
		goto out;
	}
	/* LMDB 0.9.24 leaves its descriptor open across exec. */
	(void)mdb_env_get_fd(s->env, &env_fd);
	(void)fcntl(env_fd, F_SETFD, FD_CLOEXEC);
	(void)mdb_env_stat(s->env, &stat);
	s->page = stat.ms_psize;
	if (create || (rc = store_check(s, fd)) == 0)
		rc = open_tables(s, rdonly, create);
out:
	if (rc != 0)
		store_close(s);
	return (rc);
}

void
store_close(struct store *s)
{
	if (s->env != NULL)
		mdb_env_close(s->env);
	s->env = NULL;
}

int
store_grow(struct store *s)
{
	MDB_envinfo info;

	(void)mdb_env_info(s->env, &info);
	if (info.me_mapsize > SIZE_MAX / 2)
		return (fail(Q_EFULL, "the queue is as large as this machine can map"));
	return (store_code(mdb_env_set_mapsize(s->env, info.me_mapsize * 2), "map"));
}

static uint64_t
word_at(const uint8_t *p, size_t at)
{
	uint64_t v;

	memcpy(&v, p + at, sizeof(v));
	return (v);
}

/* Whether it is a branch or a leaf, with as many rows as it has room for. LMDB would
 * look for a row in a page of any other kind for ever. */
static bool
is_root(const struct store *s, const uint8_t head[PAGE_HEAD])
{
	uint16_t field[3]; /* flags; end of the numbers of rows; where rows begin */

	memcpy(field, head + 10, sizeof(field));
	return ((field[0] == 1 || field[0] == 2) && field[1] >= PAGE_HEAD &&
		field[1] <= field[2] && field[2] <= s->page);
}

/* A page begins with its number: another page in its place is older, or lost. */
static int
check_root(const struct store *s, int fd, uint64_t number)
{
	uint8_t found[PAGE_HEAD];
	ssize_t n = 0;

	if (number == UINT64_MAX) /* an empty tree */
		return (0);
	if (number < (uint64_t)INT64_MAX / s->page)
		n = pread(fd, found, sizeof(found), (off_t)(number * s->page));
	if (n == -1)
		return (fail_sys("data.mdb"));
	return (
	    n == (ssize_t)sizeof(found) && word_at(found, 0) == number &&
		    is_root(s, found)
		? 0
		: fail(Q_ECORRUPT, "data.mdb is damaged (a root); run 'qctl check'"));
}

int
store_check(const struct store *s, int fd)
{
	uint8_t meta[2][META_END];
	uint64_t id[2];
	const uint8_t *in_force;
	int rc;

	if (sizeof(size_t) != 8)
		return (0);
	for (size_t i = 0; i < 2; i++) {
		if (pread(fd, meta[i], META_END, (off_t)(i * s->page)) != META_END)
			return (fail_sys("data.mdb"));
		id[i] = word_at(meta[i], META_TXNID);
	}
	in_force = meta[id[0] < id[1]];
	if (id[0] % 2 != 0 || id[1] % 2 != 1 ||
	    (id[0] + 1 != id[1] && id[1] + 1 != id[0]))
		return (fail(
		    Q_ECORRUPT, "data.mdb is damaged (meta pages); run 'qctl check'"));
	if ((rc = check_root(s, fd, word_at(in_force, META_DBS + DB_ROOT))) != 0)
		return (rc);
	rc = check_root(s, fd, word_at(in_force, META_DBS + DB_SIZE + DB_ROOT));
	if (rc != 0)
		return (rc);
	return (0);
}

const char store_stamp_key[] = "txn";

int
store_stamp(const struct store *s, MDB_txn *txn)
{
	uint8_t number[8];
	MDB_val k = { strlen(store_stamp_key), (void *)(uintptr_t)store_stamp_key };
	MDB_val v = { sizeof(number), number };

	(void)put_be64(number, mdb_txn_id(txn));
	return (store_code(mdb_put(txn, s->main, &k, &v, 0), store_stamp_key));
}

uint64_t
store_stamp_number(const void *value, size_t size)
{
	return (size == 8 ? get_be64(value) : UINT64_MAX);
}

int
store_check_stamp(const struct store *s, MDB_txn *txn, uint64_t last)
{
	MDB_val k = { strlen(store_stamp_key), (void *)(uintptr_t)store_stamp_key }, v;
	int rc = mdb_get(txn, s->main, &k, &v);
	uint64_t is;

	if (rc == MDB_NOTFOUND) /* loaded from a dump of the tables */
		return (0);
	if (rc != 0)
		return (store_code(rc, store_stamp_key));
	if ((is = store_stamp_number(v.mv_data, v.mv_size)) >= last)
		return (0);
	return (fail(Q_ECORRUPT,
	    "data.mdb shows an older state (transaction %llu of %llu); "
	    "run 'qctl check'",
	    (unsigned long long)is, (unsigned long long)last));
}

uint64_t
store_end(const struct store *s)
{
	MDB_envinfo info;

	(void)mdb_env_info(s->env, &info);
	return ((uint64_t)(info.me_last_pgno + 1) * s->page);
}
