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

/* Of an older program: the number alone. */
enum { STAMP_OLD = 8, STAMP_SIZE = 16 };

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

/* In the order in which they are in the file. */
static const uint8_t by_name[TABLES] = {
	T_BODY,
	T_DEAD,
	T_DELAYED,
	T_DONE,
	T_EXPIRY,
	T_FAILURE,
	T_GROUP,
	T_LEASED,
	T_LOG,
	T_META,
	T_MSG,
	T_READY,
	T_RESULT,
	T_SLOT,
	T_UNIQUE,
};

const char *
store_table_name(enum table table)
{
	return (names[table]);
}

bool
store_may_grow(void)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	return (limit.rlim_cur == RLIM_INFINITY);
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
	if (rc == EFBIG && store_may_grow())
		rc = MDB_CORRUPTED; /* nothing but a damaged page number leads so far */
	if (rc > 0) {
		errno = rc;
		return (fail_sys("%s", what));
	}
	return (fail(Q_ECORRUPT, "data.mdb is damaged (%s: %s); run 'qctl check'", what,
	    mdb_strerror(rc)));
}

int
store_commit(MDB_txn *txn, const char *what)
{
	int rc;

	/* A write that ended early, as on a disk that is full by then, is EIO to LMDB.
	 */
	errno = 0;
	rc = mdb_txn_commit(txn);
	if (rc == EIO && errno == 0)
		rc = store_may_grow() ? ENOSPC : EFBIG;
	return (store_code(rc, what));
}

int
store_broken(uint64_t id)
{
	return (fail(STORE_BROKEN,
	    "data.mdb is damaged (a row of message %llu); "
	    "run 'qctl check'",
	    (unsigned long long)id));
}

int
store_public(int rc)
{
	switch (rc) {
	case STORE_GROW:
		return (fail(Q_ENOMEM, "data.mdb: it cannot be mapped"));
	case STORE_NONE:
		return (fail(Q_ECORRUPT, "a row is missing; run 'qctl check'"));
	case STORE_BROKEN: /* that was said when it was found */
		return (Q_ECORRUPT);
	}
	return (rc);
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
	return (store_commit(txn, "open"));
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

/* A reader may have hundreds of queues open, which a process has no addresses for if
 * each gets the most: his map grows with the file. */
static size_t
map_size(off_t size, bool rdonly)
{
	size_t map = MAP_LEAST;

	while (map < MAP_MOST && (!rdonly || (uint64_t)size > map / 2))
		map *= 2;
	return (map);
}

static int
open_env(struct store *s, const char *path, unsigned flags, size_t most)
{
	int rc = ENOMEM;

	for (size_t map = most; map >= MAP_LEAST; map /= 2) {
		if ((rc = mdb_env_create(&s->env)) != 0)
			return (rc);
		(void)mdb_env_set_assert(s->env, assertion_failed);
		if ((rc = mdb_env_set_maxdbs(s->env, TABLES)) != 0 ||
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
is_beyond(const struct store *s, int fd, off_t size)
{
	uint8_t data[PAGE_LEAST];
	struct page_meta meta;

	for (size_t i = 0; i < 2 && s->page > 0; i++)
		if (pread(fd, data, sizeof(data), (off_t)(i * s->page)) ==
			(ssize_t)sizeof(data) &&
		    page_meta(data, sizeof(data), i, &meta) &&
		    meta.last >= (uint64_t)size / s->page)
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
	/* It believes what the meta pages say, and divides by it. */
	s->page = 0;
	if (!create && (rc = store_check(s, fd)) != 0)
		return (rc);
	/* By descriptor: nobody can swap the file between our checks and this open. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((rc = open_env(s, path, flags, map_size(size, rdonly))) != 0) {
		if (rc == ENOMEM && !create && is_beyond(s, fd, size))
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
	rc = open_tables(s, rdonly, create);
out:
	if (rc != 0)
		store_close(s);
	/* LMDB maps all that is in use, whatever it is told: it cannot grow to fit. */
	return (store_public(rc));
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

static int
broken(const char *what)
{
	return (fail(Q_ECORRUPT, "data.mdb is damaged (%s); run 'qctl check'", what));
}

/* Tables have one value a key, ordered as bytes; LMDB would read another kind otherwise
 * than it was written. */
static bool
is_table(const struct page_row *row, uint64_t last)
{
	struct page_tree tree;

	if (!page_tree(row->value, row->size, &tree) || tree.flags != 0 ||
	    tree.pad != 0)
		return (false);
	if (tree.root == PAGE_NONE)
		return (tree.depth == 0 && tree.rows == 0);
	return (tree.root >= 2 && tree.root <= last && tree.depth > 0 &&
		tree.depth <= PAGE_DEEPEST);
}

/* The page of the tables, which are few; that may have others besides. */
static bool
read_tables(struct store *s, const struct page *p)
{
	unsigned found = 0;
	struct page_row row;

	if (p->kind != PAGE_LEAF || page_check(p) != NULL)
		return (false);
	for (unsigned i = 0; i < p->rows; i++) {
		enum table table = (enum table)by_name[found % TABLES];
		const char *name = names[table];

		if (!page_row(p, i, &row) || row.is_run ||
		    (row.is_tree && !is_table(&row, s->meta.last)))
			return (false);
		if (row.key_size != strlen(name) ||
		    memcmp(row.key, name, row.key_size) != 0)
			continue;
		if (!page_tree(row.value, row.size, &s->tree[table]))
			return (false);
		found++;
	}
	return (found == TABLES);
}

/* A page begins with its number: another page in its place is older, or lost. */
static int
check_root(struct store *s, int fd, const struct page_tree *tree, bool tables)
{
	uint8_t data[PAGE_MOST];
	struct page p;
	ssize_t n;

	if (tree->root == PAGE_NONE)
		return (tables ? broken("no tables") : 0);
	if (tree->root < 2 || tree->root > s->meta.last)
		return (broken("a root"));
	n = pread(fd, data, s->page, (off_t)(tree->root * s->page));
	if (n == -1)
		return (fail_sys("data.mdb"));
	if ((size_t)n != s->page ||
	    page_decode(data, s->page, tree->root, &p) != NULL || p.kind == PAGE_RUN ||
	    (tables && !read_tables(s, &p)))
		return (broken("a root"));
	return (0);
}

/* The two meta pages; in one read, where pages have the usual size. */
static int
read_metas(struct store *s, int fd, struct page_meta meta[2])
{
	uint8_t data[PAGE_USUAL + PAGE_LEAST];
	size_t from = 0, at = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < 2; i++, at = s->page) {
		if (i == 0 || at != PAGE_USUAL) {
			from = at;
			n = pread(fd, data, sizeof(data), (off_t)from);
		}
		if (n == -1)
			return (fail_sys("data.mdb"));
		if ((size_t)n < at - from + PAGE_LEAST ||
		    !page_meta(data + at - from, PAGE_LEAST, i, &meta[i]) ||
		    (s->page != 0 && meta[i].page != s->page))
			return (broken("meta pages"));
		s->page = meta[i].page;
	}
	return (0);
}

int
store_check(struct store *s, int fd)
{
	struct page_meta meta[2] = { 0 };
	int rc;

	if ((rc = read_metas(s, fd, meta)) != 0)
		return (rc);
	if (meta[0].txn + 1 != meta[1].txn && meta[1].txn + 1 != meta[0].txn)
		return (broken("meta pages"));
	s->meta = meta[meta[0].txn < meta[1].txn];
	if ((rc = check_root(s, fd, &s->meta.free, false)) != 0)
		return (rc);
	return (check_root(s, fd, &s->meta.main, true));
}

const char store_stamp_key[] = "txn";

int
store_stamp(const struct store *s, MDB_txn *txn, uint64_t sum)
{
	uint8_t number[STAMP_SIZE];
	MDB_val k = { strlen(store_stamp_key), (void *)(uintptr_t)store_stamp_key };
	MDB_val v = { sizeof(number), number };

	(void)put_be64(put_be64(number, mdb_txn_id(txn)), sum);
	return (store_code(mdb_put(txn, s->main, &k, &v, 0), store_stamp_key));
}

uint64_t
store_stamp_number(const void *value, size_t size)
{
	return (size == STAMP_SIZE || size == STAMP_OLD ? get_be64(value) : UINT64_MAX);
}

int
store_check_stamp(const struct store *s, MDB_txn *txn, uint64_t last, uint64_t *sum)
{
	MDB_val k = { strlen(store_stamp_key), (void *)(uintptr_t)store_stamp_key }, v;
	int rc = mdb_get(txn, s->main, &k, &v);
	uint64_t is;

	*sum = 0;
	if (rc == MDB_NOTFOUND) /* loaded from a dump of the tables */
		return (0);
	if (rc != 0)
		return (store_code(rc, store_stamp_key));
	if (v.mv_size == STAMP_SIZE)
		*sum = get_be64((const uint8_t *)v.mv_data + STAMP_OLD);
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
