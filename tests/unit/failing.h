/* SPDX-License-Identifier: ISC */
#ifndef FAILING_H
#define FAILING_H

/*
 * Calls that fail, within one program: it is linked such that what libq and LMDB ask of
 * libc, and libq of LMDB, goes through here (--wrap, see the Makefile). The n-th call
 * of a kind fails, or each from there on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* PATH: system calls that are given one; they are of SYSTEM, too. STATUS: what is said
 * of a file is of another. PART: of what was to be read or written. */
enum kind { NOTHING, LMDB, MEMORY, SYSTEM, PATH, STATUS, PART };

static struct {
	enum kind kind;
	long at, count; /* 0: none fails, they are counted */
	bool always;
	int code;
	bool simple;  /* files are neither copied by the kernel, nor exchanged */
	time_t later; /* seconds that all clocks are ahead, or behind */
	bool booted;  /* since the queue was made */
	bool scarce;  /* the disk has no room left but what is allocated */
} fail;

static bool
refused(enum kind kind)
{
	if (fail.kind != kind && (fail.kind != SYSTEM || kind != PATH))
		return (false);
	fail.count++;
	if (fail.at == 0 || fail.count < fail.at ||
	    (fail.count > fail.at && !fail.always))
		return (false);
	errno = fail.code;
	return (true);
}

/* What is too much for the map or the transaction can only be written, and what is not
 * found only read. */
enum call { OTHER, READS, WRITES };

static int
code(enum call call)
{
	bool full = fail.code == MDB_MAP_FULL || fail.code == MDB_TXN_FULL;

	if (full ? call != WRITES : fail.code == MDB_NOTFOUND && call != READS)
		return (EIO);
	return (fail.code);
}

#define WRAP(kind, type, name, parameters, arguments, failed) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return (refused(kind) ? (failed) : __real_##name arguments); \
	}

WRAP(MEMORY, void *, malloc, (size_t n), (n), NULL)
WRAP(MEMORY, void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(MEMORY, void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(MEMORY, void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL)
WRAP(MEMORY, char *, strdup, (const char *s), (s), NULL)

WRAP(LMDB, int, mdb_env_create, (MDB_env * *env), (env), ENOMEM)
WRAP(LMDB, int, mdb_env_open, (MDB_env * env, const char *p, unsigned f, mdb_mode_t m),
    (env, p, f, m), code(OTHER))
WRAP(LMDB, int, mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi n), (env, n), code(OTHER))
WRAP(LMDB, int, mdb_env_set_mapsize, (MDB_env * env, size_t n), (env, n), code(OTHER))
WRAP(LMDB, int, mdb_txn_begin, (MDB_env * env, MDB_txn *p, unsigned f, MDB_txn **txn),
    (env, p, f, txn), code(WRITES) == MDB_MAP_FULL ? MDB_MAP_RESIZED : code(OTHER))
WRAP(LMDB, int, mdb_dbi_open, (MDB_txn * txn, const char *n, unsigned f, MDB_dbi *dbi),
    (txn, n, f, dbi), code(READS))
WRAP(LMDB, int, mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *k, MDB_val *v),
    (txn, dbi, k, v), code(READS))
WRAP(LMDB, int, mdb_put,
    (MDB_txn * txn, MDB_dbi dbi, MDB_val *k, MDB_val *v, unsigned f),
    (txn, dbi, k, v, f), code(WRITES))
WRAP(LMDB, int, mdb_drop, (MDB_txn * txn, MDB_dbi dbi, int del), (txn, dbi, del),
    code(WRITES))
WRAP(LMDB, int, mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **c),
    (txn, dbi, c), code(OTHER))
WRAP(LMDB, int, mdb_cursor_get,
    (MDB_cursor * c, MDB_val *k, MDB_val *v, MDB_cursor_op op), (c, k, v, op),
    code(READS))
WRAP(LMDB, int, mdb_cursor_put,
    (MDB_cursor * c, MDB_val *k, MDB_val *v, unsigned flags), (c, k, v, flags),
    code(WRITES))
WRAP(LMDB, int, mdb_cursor_del, (MDB_cursor * c, unsigned flags), (c, flags),
    code(WRITES))

/* It frees the transaction, whatever it returns. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int
__wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (!refused(LMDB))
		return (__real_mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return (code(WRITES));
}

int fail_sys(const char *object, ...);
int __real_clock_boot_id(uint8_t *id);
int __wrap_clock_boot_id(uint8_t *id);
int
__wrap_clock_boot_id(uint8_t *id)
{
	int rc = refused(SYSTEM) ? fail_sys("boot_id") : __real_clock_boot_id(id);

	if (rc == 0 && fail.booted)
		id[0] ^= 1;
	return (rc);
}

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (refused(SYSTEM) || __real_clock_gettime(id, ts) != 0)
		return (-1);
	ts->tv_sec += fail.later;
	return (0);
}

/* It returns what others leave in errno. */
int __real_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n);
int
__wrap_posix_fallocate(int fd, off_t at, off_t n)
{
	return (refused(SYSTEM) ? errno : __real_posix_fallocate(fd, at, n));
}

#define WRAP_PART(name, parameters, all, part) \
	ssize_t __real_##name parameters; \
	ssize_t __wrap_##name parameters; \
	ssize_t __wrap_##name parameters \
	{ \
		if (refused(PART)) \
			return (__real_##name part); \
		return (refused(SYSTEM) ? -1 : __real_##name all); \
	}

WRAP_PART(read, (int fd, void *p, size_t n), (fd, p, n), (fd, p, (n + 1) / 2))
WRAP_PART(pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),
    (fd, p, (n + 1) / 2, at))
WRAP_PART(write, (int fd, const void *p, size_t n), (fd, p, n), (fd, p, (n + 1) / 2))
WRAP_PART(pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at),
    (fd, p, (n + 1) / 2, at))
WRAP(SYSTEM, int, ftruncate, (int fd, off_t n), (fd, n), -1)
WRAP(SYSTEM, int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n),
    -1)
WRAP(SYSTEM, int, fsync, (int fd), (fd), -1)
WRAP(SYSTEM, int, fdatasync, (int fd), (fd), -1)
WRAP(SYSTEM, int, flock, (int fd, int how), (fd, how), -1)
/* Of a file that has lost its name, or has come in the place of another since. */
enum status { UNNAMED = 1, REPLACED, OF_ALL };

static int
other_status(int rc, struct stat *st)
{
	if (rc != 0 || !refused(STATUS))
		return (rc);
	if (fail.code == UNNAMED)
		st->st_nlink = 0;
	else if (fail.code == REPLACED)
		st->st_ino ^= 1;
	else
		st->st_mode |= S_IWOTH;
	return (rc);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int
__wrap_fstat(int fd, struct stat *st)
{
	return (refused(SYSTEM) ? -1 : other_status(__real_fstat(fd, st), st));
}

int __real_fstatat(int fd, const char *p, struct stat *st, int f);
int __wrap_fstatat(int fd, const char *p, struct stat *st, int f);
int
__wrap_fstatat(int fd, const char *p, struct stat *st, int f)
{
	return (refused(PATH) ? -1 : other_status(__real_fstatat(fd, p, st, f), st));
}

int __real_fstatfs(int fd, struct statfs *st);
int __wrap_fstatfs(int fd, struct statfs *st);
int
__wrap_fstatfs(int fd, struct statfs *st)
{
	int rc = refused(SYSTEM) ? -1 : __real_fstatfs(fd, st);

	if (rc == 0 && fail.scarce)
		st->f_bavail = 0;
	return (rc);
}

WRAP(PATH, int, stat, (const char *p, struct stat *st), (p, st), -1)
WRAP(PATH, int, mkdirat, (int fd, const char *p, mode_t mode), (fd, p, mode), -1)
WRAP(PATH, int, unlinkat, (int fd, const char *p, int flags), (fd, p, flags), -1)
WRAP(PATH, int, renameat, (int a, const char *from, int b, const char *to),
    (a, from, b, to), -1)
WRAP(PATH, ssize_t, readlink, (const char *p, char *to, size_t n), (p, to, n), -1)
WRAP(PATH, ssize_t, readlinkat, (int fd, const char *p, char *to, size_t n),
    (fd, p, to, n), -1)
WRAP(PATH, int, mkdir, (const char *p, mode_t mode), (p, mode), -1)
WRAP(SYSTEM, int, futimens, (int fd, const struct timespec ts[2]), (fd, ts), -1)
WRAP(SYSTEM, int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(SYSTEM, int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), -1)
WRAP(SYSTEM, off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), -1)
WRAP(SYSTEM, ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), -1)
WRAP(SYSTEM, void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at), MAP_FAILED)
WRAP(PATH, DIR *, opendir, (const char *p), (p), NULL)
WRAP(SYSTEM, DIR *, fdopendir, (int fd), (fd), NULL)
WRAP(SYSTEM, struct dirent *, readdir, (DIR * d), (d), NULL)
WRAP(PATH, FILE *, fopen, (const char *p, const char *mode), (p, mode), NULL)
WRAP(PATH, int, openat, (int fd, const char *p, int flags, mode_t mode),
    (fd, p, flags, mode), -1)
WRAP(PATH, int, open, (const char *p, int flags, mode_t mode), (p, flags, mode), -1)
WRAP(SYSTEM, int, fcntl, (int fd, int what, void *arg), (fd, what, arg), -1)
/* As on a file system that has neither. */
static bool
is_missing(bool call)
{
	if (fail.simple && call)
		errno = EINVAL;
	return (fail.simple && call);
}

long __real_syscall(long a, long b, long c, long d, long e, long f, long g);
long __wrap_syscall(long a, long b, long c, long d, long e, long f, long g);
long
__wrap_syscall(long a, long b, long c, long d, long e, long f, long g)
{
	return (is_missing(a == SYS_renameat2) || refused(SYSTEM)
		    ? -1
		    : __real_syscall(a, b, c, d, e, f, g));
}

ssize_t __real_copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);
ssize_t __wrap_copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);
ssize_t
__wrap_copy_file_range(int from, off_t *a, int to, off_t *b, size_t n, unsigned f)
{
	return (is_missing(true) || refused(SYSTEM)
		    ? -1
		    : __real_copy_file_range(from, a, to, b, n, f));
}

#endif
