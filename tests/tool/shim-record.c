/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: writes down what a process does to the file system of device RECORD_DEV,
 * in the file RECORD, for tests/crash/power.py. One line an operation, after it
 * succeeded; the bytes of a write follow its line:
 *
 *   W INO OFFSET SIZE DSYNC     written; DSYNC: through an O_DSYNC descriptor
 *   T INO SIZE                  ftruncate          A INO SIZE     fallocate, to SIZE
 *   C DIR INO KIND NAME         a new file (f) or directory (d)
 *   R DIR DIR INO NAME NAME     renamed            U DIR NAME     unlinked
 *   S INO DATA                  fsync (0) or fdatasync (1)
 *   M TEXT                      a mark, by record_mark()
 *
 * With RECORD_KILL=N the process is killed after the Nth operation.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LOG_FD = 500 }; /* away from those that are counted and inherited */

void record_mark(const char *text);

/* Ours stands in the way of what some call by its number. */
static long (*raw)(long, ...);

__attribute__((constructor)) static void
find_raw(void)
{
	raw = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

#define syscall(...) raw(__VA_ARGS__)

static int
log_fd(void)
{
	static int fd = -1;
	const char *file = getenv("RECORD");
	int low;

	if (fd == -1 && file != NULL) {
		low = (int)syscall(SYS_openat, AT_FDCWD, file,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		fd = fcntl(low, F_DUPFD_CLOEXEC, LOG_FD);
		(void)syscall(SYS_close, low);
	}
	return (file != NULL ? fd : -1);
}

/* The line and the bytes behind it, at once: several processes may record. */
static void
put(const struct iovec *data, int n, const char *format, ...)
{
	static long done;
	const char *most = getenv("RECORD_KILL");
	struct iovec v[1 + 128];
	char line[1024];
	va_list ap;

	if (n > 128)
		abort();
	va_start(ap, format);
	v[0].iov_len = (size_t)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	v[0].iov_base = line;
	if (n > 0)
		memcpy(v + 1, data, (size_t)n * sizeof(*v));
	if (syscall(SYS_writev, log_fd(), v, 1 + n) < 0)
		abort();
	if (most != NULL && ++done >= atol(most))
		(void)raise(SIGKILL);
}

static int
ours(const struct stat *st)
{
	const char *dev = getenv("RECORD_DEV");

	return (dev != NULL && st->st_dev == strtoull(dev, NULL, 10));
}

static int
fd_is_ours(int fd, struct stat *st)
{
	return (log_fd() != -1 && fd != log_fd() && fstat(fd, st) == 0 && ours(st));
}

/* The directory a path's last part is in, and that part. */
struct place {
	struct stat dir;
	char name[256];
	int is_ours;
};

static struct place
find(int dirfd, const char *path)
{
	char a[4096], b[4096];
	struct place p = { .is_ours = 0 };

	if (log_fd() == -1)
		return (p);
	(void)snprintf(a, sizeof(a), "%s", path);
	(void)snprintf(b, sizeof(b), "%s", path);
	(void)snprintf(p.name, sizeof(p.name), "%s", basename(b));
	p.is_ours = fstatat(dirfd, dirname(a), &p.dir, 0) == 0 && ours(&p.dir);
	return (p);
}

#define REAL(name) \
	static typeof(name) *real; \
	if (real == NULL) \
	real = (typeof(name) *)dlsym(RTLD_NEXT, #name)

static void
wrote(int fd, const struct iovec *v, int n, ssize_t size, off_t at)
{
	struct stat st;

	if (size > 0 && fd_is_ours(fd, &st) && S_ISREG(st.st_mode))
		put(v, n, "W %lu %ld %zd %d\n", (unsigned long)st.st_ino, (long)at,
		    size, (fcntl(fd, F_GETFL) & O_DSYNC) != 0);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
	ssize_t n = syscall(SYS_pwrite64, fd, data, size, at);
	struct iovec v = { (void *)data, n > 0 ? (size_t)n : 0 };

	wrote(fd, &v, 1, n, at);
	return (n);
}

ssize_t
write(int fd, const void *data, size_t size)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t n = syscall(SYS_write, fd, data, size);
	struct iovec v = { (void *)data, n > 0 ? (size_t)n : 0 };

	if (at != -1)
		wrote(fd, &v, 1, n, at);
	return (n);
}

ssize_t
writev(int fd, const struct iovec *v, int count)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t n = syscall(SYS_writev, fd, v, count), all = 0;

	for (int i = 0; i < count; i++)
		all += (ssize_t)v[i].iov_len;
	if (at != -1 && n == all)
		wrote(fd, v, count, n, at);
	return (n);
}

int
ftruncate(int fd, off_t size)
{
	int rc = (int)syscall(SYS_ftruncate, fd, size);
	struct stat st;

	if (rc == 0 && fd_is_ours(fd, &st))
		put(NULL, 0, "T %lu %ld\n", (unsigned long)st.st_ino, (long)size);
	return (rc);
}

int
fallocate(int fd, int mode, off_t at, off_t size)
{
	int rc = (int)syscall(SYS_fallocate, fd, mode, at, size);
	struct stat st;

	if (rc == 0 && mode == 0 && fd_is_ours(fd, &st))
		put(NULL, 0, "A %lu %ld\n", (unsigned long)st.st_ino,
		    (long)(at + size));
	return (rc);
}

static int
synced(long call, int fd)
{
	int rc = (int)syscall(call, fd);
	struct stat st;

	if (rc == 0 && fd_is_ours(fd, &st))
		put(NULL, 0, "S %lu %d\n", (unsigned long)st.st_ino,
		    call == SYS_fdatasync);
	return (rc);
}

int
fsync(int fd)
{
	return (synced(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	return (synced(SYS_fdatasync, fd));
}

static void
created(const struct place *p, ino_t ino, char kind)
{
	put(NULL, 0, "C %lu %lu %c %s\n", (unsigned long)p->dir.st_ino,
	    (unsigned long)ino, kind, p->name);
}

static int
is_new(int dirfd, const char *path, int flags, struct place *p)
{
	struct stat st;

	if (!(flags & O_CREAT))
		return (0);
	*p = find(dirfd, path);
	return (p->is_ours && fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0);
}

static int
opened(int fd, int new, const struct place *p)
{
	struct stat st;

	if (new &&fd != -1 && fstat(fd, &st) == 0)
		created(p, st.st_ino, 'f');
	return (fd);
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	REAL(openat);
	struct place p;
	mode_t mode;
	va_list ap;
	int new = is_new(dirfd, path, flags, &p);

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return (opened(real(dirfd, path, flags, mode), new, &p));
}

int
open(const char *path, int flags, ...)
{
	REAL(open);
	struct place p;
	mode_t mode;
	va_list ap;
	int new = is_new(AT_FDCWD, path, flags, &p);

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return (opened(real(path, flags, mode), new, &p));
}

int
mkostemp(char *template, int flags)
{
	REAL(mkostemp);
	int fd = real(template, flags);
	struct place p = find(AT_FDCWD, template);

	return (opened(fd, p.is_ours, &p));
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdirat, dirfd, path, mode);
	struct place p = find(dirfd, path);
	struct stat st;

	if (rc == 0 && p.is_ours && fstatat(dirfd, path, &st, 0) == 0)
		created(&p, st.st_ino, 'd');
	return (rc);
}

int
mkdir(const char *path, mode_t mode)
{
	return (mkdirat(AT_FDCWD, path, mode));
}

int
renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	int rc = (int)syscall(SYS_renameat2, from, old, to, new, flags);
	struct place a = find(from, old), b = find(to, new);
	struct stat st;

	if (rc == 0 && b.is_ours && fstatat(to, new, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put(NULL, 0, "R %lu %lu %lu %s %s\n", (unsigned long)a.dir.st_ino,
		    (unsigned long)b.dir.st_ino, (unsigned long)st.st_ino, a.name,
		    b.name);
	return (rc);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	return (renameat2(from, old, to, new, 0));
}

int
rename(const char *old, const char *new)
{
	return (renameat2(AT_FDCWD, old, AT_FDCWD, new, 0));
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	struct place p = find(dirfd, path);
	int rc = (int)syscall(SYS_unlinkat, dirfd, path, flags);

	if (rc == 0 && p.is_ours)
		put(NULL, 0, "U %lu %s\n", (unsigned long)p.dir.st_ino, p.name);
	return (rc);
}

int
unlink(const char *path)
{
	return (unlinkat(AT_FDCWD, path, 0));
}

void
record_mark(const char *text)
{
	if (log_fd() != -1)
		put(NULL, 0, "M %s\n", text);
}

#undef syscall

long
syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (raw == NULL) /* a constructor, before ours */
		find_raw();
	if (number == SYS_renameat2)
		return (renameat2((int)a[0], (const char *)a[1], (int)a[2],
		    (const char *)a[3], (unsigned)a[4]));
	return (raw(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
