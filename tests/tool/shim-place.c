/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: a call fails where it is made. A place is an address of the program, or of
 * the object SHIM_OBJECT, that calls one of the functions below; what libraries call
 * for themselves is left alone. The file SHIM_PLACES gets a row for each place that was
 * reached, in that order. The place SHIM_PLACE fails the first time, or every time with
 * SHIM_ALWAYS=1; with SHIM_EINTR=1 it is interrupted, with SHIM_SHORT=1 it reads or
 * writes half.
 */
#include <curses.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libsmartcols/libsmartcols.h>
#include <link.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../libq/q.h"
#include "real.h"

enum { ROWS = 2048 };

struct row {
	uint64_t place;
	char name[24]; /* of the function */
};

static struct {
	struct row *rows; /* NULL: nothing is counted, nothing fails */
	size_t count;
	const char *object;
	uint64_t place;
	bool always, interrupts, halves, done;
} shim;

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("SHIM_PLACES"), *place = getenv("SHIM_PLACE");
	int (*call)(const char *, int, ...);
	void *(*map)(void *, size_t, int, int, int, off_t);
	void *p;
	int fd;

	*(void **)&call = real("open");
	*(void **)&map = real("mmap");
	if (file == NULL || (fd = call(file, O_RDWR | O_CLOEXEC)) == -1)
		return;
	p = map(
	    NULL, ROWS * sizeof(struct row), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		abort();
	shim.object = getenv("SHIM_OBJECT");
	shim.place = place != NULL ? strtoull(place, NULL, 10) : 0;
	shim.always = getenv("SHIM_ALWAYS") != NULL;
	shim.interrupts = getenv("SHIM_EINTR") != NULL;
	shim.halves = getenv("SHIM_SHORT") != NULL;
	shim.rows = p;
	(void)unsetenv("LD_PRELOAD");
}

/* Where in the object that is looked at, 0 if that is elsewhere. */
static uint64_t
place_of(const void *at)
{
	struct dl_find_object found;
	const char *name, *base;

	if (_dl_find_object((void *)at, &found) != 0)
		return (0);
	name = found.dlfo_link_map->l_name;
	base = strrchr(name, '/');
	if (shim.object == NULL ? *name != '\0'
				: base == NULL || strcmp(base + 1, shim.object) != 0)
		return (0);
	return ((uint64_t)((const char *)at - (const char *)found.dlfo_map_start));
}

static void
note(uint64_t place, const char *name)
{
	for (size_t i = 0; i < shim.count; i++)
		if (shim.rows[i].place == place)
			return;
	if (shim.count == ROWS)
		abort();
	shim.rows[shim.count].place = place;
	strncpy(shim.rows[shim.count++].name, name, sizeof(shim.rows[0].name) - 1);
}

/* Whether the call of name that returns to at fails, errno being error. */
static bool
refused(const void *at, const char *name, int error)
{
	uint64_t place = shim.rows == NULL ? 0 : place_of(at);

	if (place == 0)
		return (false);
	note(place, name);
	if (place != shim.place || (shim.done && !shim.always))
		return (false);
	shim.done = true;
	errno = shim.interrupts ? EINTR : error;
	return (true);
}

#define REFUSED(name, error) refused(__builtin_return_address(0), name, error)

/* A function of fixed arguments: what it returns when it fails, and errno. */
#define FAILS(type, name, value, error, parameters, arguments) \
	type name parameters \
	{ \
		type(*call) parameters; \
\
		if (REFUSED(#name, error)) \
			return (value); \
		*(void **)&call = real(#name); \
		return (call arguments); \
	}

/* Memory: what finds functions may need it. */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t size)
{
	return (REFUSED("malloc", ENOMEM) ? NULL : __libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return (REFUSED("calloc", ENOMEM) ? NULL : __libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	return (REFUSED("realloc", ENOMEM) ? NULL : __libc_realloc(p, size));
}

FAILS(
    void *, reallocarray, NULL, ENOMEM, (void *p, size_t n, size_t size), (p, n, size))
FAILS(char *, strdup, NULL, ENOMEM, (const char *s), (s))
FAILS(char *, strndup, NULL, ENOMEM, (const char *s, size_t n), (s, n))
FAILS(int, setenv, -1, ENOMEM, (const char *name, const char *value, int over),
    (name, value, over))
FAILS(void *, mmap, MAP_FAILED, ENOMEM,
    (void *p, size_t size, int prot, int flags, int fd, off_t at),
    (p, size, prot, flags, fd, at))

int
asprintf(char **text, const char *format, ...)
{
	va_list ap;
	int rc;

	if (REFUSED("asprintf", ENOMEM))
		return (-1);
	va_start(ap, format);
	rc = vasprintf(text, format, ap);
	va_end(ap);
	return (rc);
}

FAILS(int, vasprintf, -1, ENOMEM, (char **text, const char *format, va_list ap),
    (text, format, ap))

/* Files, and the names of files. */

int
open(const char *path, int flags, ...)
{
	int (*call)(const char *, int, ...);
	va_list ap;
	mode_t mode;

	if (REFUSED("open", EMFILE))
		return (-1);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	*(void **)&call = real("open");
	return (call(path, flags, mode));
}

FAILS(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags), (name, flags))
FAILS(int, mkostemp, -1, EMFILE, (char *path, int flags), (path, flags))
FAILS(int, pipe2, -1, EMFILE, (int fds[2], int flags), (fds, flags))
FAILS(int, dup2, -1, EBUSY, (int from, int to), (from, to))
FAILS(int, socket, -1, EMFILE, (int domain, int type, int protocol),
    (domain, type, protocol))
FAILS(FILE *, fopen, NULL, EMFILE, (const char *path, const char *mode), (path, mode))
FAILS(FILE *, fdopen, NULL, ENOMEM, (int fd, const char *mode), (fd, mode))
FAILS(FILE *, open_memstream, NULL, ENOMEM, (char **text, size_t *size), (text, size))
FAILS(FILE *, fopencookie, NULL, ENOMEM,
    (void *cookie, const char *mode, cookie_io_functions_t io), (cookie, mode, io))
FAILS(DIR *, opendir, NULL, EMFILE, (const char *path), (path))
FAILS(struct dirent *, readdir, NULL, EIO, (DIR * dir), (dir))
FAILS(int, fstat, -1, EIO, (int fd, struct stat *st), (fd, st))
FAILS(int, stat, -1, EIO, (const char *path, struct stat *st), (path, st))
FAILS(int, fchmod, -1, EPERM, (int fd, mode_t mode), (fd, mode))
FAILS(int, fsync, -1, EIO, (int fd), (fd))
FAILS(int, rename, -1, EIO, (const char *from, const char *to), (from, to))
FAILS(off_t, lseek, -1, EIO, (int fd, off_t to, int how), (fd, to, how))
FAILS(char *, realpath, NULL, EIO, (const char *path, char *out), (path, out))
FAILS(int, gethostname, -1, EIO, (char *name, size_t size), (name, size))

/* Bytes. */

/* These may do half of it instead. */
#define HALVES(name, parameters, arguments) \
	ssize_t name parameters \
	{ \
		ssize_t(*call) parameters; \
\
		if (REFUSED(#name, EIO)) { \
			if (!shim.halves) \
				return (-1); \
			n -= n / 2; \
		} \
		*(void **)&call = real(#name); \
		return (call arguments); \
	}

HALVES(read, (int fd, void *p, size_t n), (fd, p, n))
HALVES(pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
HALVES(write, (int fd, const void *p, size_t n), (fd, p, n))

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t (*call)(int, const struct iovec *, int, off_t);

	if (REFUSED("pwritev", EIO))
		return (
		    shim.halves ? pwrite(fd, v->iov_base, v->iov_len / 2 + 1, at) : -1);
	*(void **)&call = real("pwritev");
	return (call(fd, v, n, at));
}

FAILS(ssize_t, sendto, -1, ECONNREFUSED,
    (int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
	socklen_t len),
    (fd, p, n, flags, to, len))
FAILS(int, fflush, EOF, EIO, (FILE * f), (f))
FAILS(int, fclose, EOF, EIO, (FILE * f), (f))
FAILS(int, close, -1, EIO, (int fd), (fd))

/* Processes, and waiting. */

FAILS(pid_t, fork, -1, EAGAIN, (void), ())
FAILS(pid_t, waitpid, -1, ECHILD, (pid_t pid, int *status, int flags),
    (pid, status, flags))
FAILS(pid_t, wait4, -1, ECHILD,
    (pid_t pid, int *status, int flags, struct rusage *used),
    (pid, status, flags, used))
FAILS(int, posix_spawn, ENOMEM, ENOMEM,
    (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const *argv, char *const *env),
    (pid, path, actions, attr, argv, env))
FAILS(int, posix_spawnp, ENOMEM, ENOMEM,
    (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const *argv, char *const *env),
    (pid, path, actions, attr, argv, env))
FAILS(int, posix_spawn_file_actions_adddup2, ENOMEM, ENOMEM,
    (posix_spawn_file_actions_t * actions, int from, int to), (actions, from, to))
FAILS(int, poll, -1, ENOMEM, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
FAILS(int, ppoll, -1, ENOMEM,
    (struct pollfd * fds, nfds_t n, const struct timespec *ts, const sigset_t *mask),
    (fds, n, ts, mask))
FAILS(struct tm *, localtime_r, NULL, EOVERFLOW, (const time_t *when, struct tm *tm),
    (when, tm))

long
syscall(long number, ...)
{
	long (*call)(long, ...), arg[6];
	va_list ap;

	if (REFUSED("syscall", ENOSYS))
		return (-1);
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	*(void **)&call = real("syscall");
	return (call(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

/* A terminal, and tables. */

FAILS(int, tcgetattr, -1, EIO, (int fd, struct termios *t), (fd, t))
FAILS(
    int, tcsetattr, -1, EIO, (int fd, int when, const struct termios *t), (fd, when, t))
FAILS(int, setupterm, ERR, ENOENT, (const char *name, int fd, int *rc), (name, fd, rc))
FAILS(SCREEN *, newterm, NULL, ENOMEM, (const char *name, FILE *out, FILE *in),
    (name, out, in))
FAILS(WINDOW *, newpad, NULL, ENOMEM, (int height, int width), (height, width))
FAILS(struct libscols_table *, scols_new_table, NULL, ENOMEM, (void), ())
FAILS(struct libscols_line *, scols_table_new_line, NULL, ENOMEM,
    (struct libscols_table * table, struct libscols_line *parent), (table, parent))
FAILS(struct libscols_column *, scols_table_new_column, NULL, ENOMEM,
    (struct libscols_table * table, const char *name, double width, int flags),
    (table, name, width, flags))
FAILS(int, scols_line_refer_data, -ENOMEM, ENOMEM,
    (struct libscols_line * line, size_t i, char *text), (line, i, text))
FAILS(int, scols_cell_set_color, -ENOMEM, ENOMEM,
    (struct libscols_cell * cell, const char *color), (cell, color))
FAILS(int, scols_print_table, -ENOMEM, ENOMEM, (struct libscols_table * table), (table))

/* libq. */

static int code = Q_ESYS;
static bool is_libq; /* what failed last */

#define LIBQ(name, parameters, arguments) \
	int name parameters \
	{ \
		int(*call) parameters; \
\
		if ((is_libq = REFUSED(#name, EIO))) \
			return (code); \
		*(void **)&call = real(#name); \
		return (call arguments); \
	}

LIBQ(q_open, (const char *path, const struct q_open *args, struct q **q),
    (path, args, q))
LIBQ(q_stat, (struct q * q, struct q_stat *stat), (q, stat))
LIBQ(q_msg_open, (struct q * q, const struct q_msg *msg, int *fd), (q, msg, fd))
LIBQ(q_get, (struct q * q, uint64_t id, struct q_batch **batch), (q, id, batch))
LIBQ(q_path, (const char *name, char **path), (name, path))
LIBQ(q_root, (char **path), (path))
LIBQ(q_list, (struct q * q, struct q_list *args, struct q_batch **batch),
    (q, args, batch))
LIBQ(q_peek,
    (struct q * q, enum q_state state, size_t n, size_t preview,
	struct q_batch **batch),
    (q, state, n, preview, batch))
LIBQ(q_take, (struct q * q, const struct q_take *args, struct q_batch **batch),
    (q, args, batch))
LIBQ(q_settle,
    (struct q * q, const struct q_settle *how, const struct q_receipt *receipts,
	size_t n, struct q_settled *results),
    (q, how, receipts, n, results))
LIBQ(q_batch_settle,
    (struct q * q, const struct q_settle *how, struct q_batch *batch, size_t first,
	size_t n),
    (q, how, batch, first, n))
LIBQ(q_manage, (struct q * q, const struct q_manage *how, struct q_managed *managed),
    (q, how, managed))
LIBQ(q_transfer,
    (struct q * from, struct q *to, const struct q_transfer *how,
	struct q_managed *out),
    (from, to, how, out))
LIBQ(q_replace,
    (struct q * q, const struct q_msg *old, const void *body, size_t size,
	struct q_blob *blob, uint64_t *id),
    (q, old, body, size, blob, id))
LIBQ(q_remove, (const char *path, const struct q_open *args), (path, args))
LIBQ(q_pause, (struct q * q, unsigned gates, bool close), (q, gates, close))
LIBQ(q_result_open, (struct q * q, const struct q_result *result, int *fd),
    (q, result, fd))
LIBQ(q_result_get, (struct q * q, uint64_t id, q_time wait, struct q_result **result),
    (q, id, wait, result))
LIBQ(q_blob_new, (struct q * q, struct q_blob **blob), (q, blob))
LIBQ(q_blob_write, (struct q_blob * blob, const void *data, size_t size),
    (blob, data, size))
LIBQ(q_blob_output, (struct q * q, struct q_blob **blob), (q, blob))
LIBQ(q_blob_threshold, (struct q * q, uint64_t *size), (q, size))
LIBQ(q_keep, (struct q * q), (q))
LIBQ(q_hold, (struct q * q, const uint64_t *ids, size_t n, int *fd), (q, ids, n, fd))
LIBQ(q_hand_over,
    (struct q * q, const struct q_push *messages, size_t n,
	const struct q_origin *origin, bool *known, const struct q_origin *over,
	size_t over_count),
    (q, messages, n, origin, known, over, over_count))
LIBQ(q_exchange,
    (struct q * q, struct q_finish *finish, size_t n, const struct q_take *take,
	struct q_batch **batch),
    (q, finish, n, take, batch))
LIBQ(q_events_open, (struct q * q, struct q_events **events), (q, events))
LIBQ(q_events_next, (struct q_events * events, struct q_event *event), (events, event))
LIBQ(q_events_since, (struct q * q, q_time since, struct q_events **events),
    (q, since, events))
LIBQ(q_holders, (struct q * q, struct q_holder **list, size_t *count), (q, list, count))
LIBQ(q_backup, (struct q * q, const char *path), (q, path))
LIBQ(q_check, (struct q * q, struct q_check **check), (q, check))
LIBQ(q_repair, (struct q * q, struct q_check **check), (q, check))
LIBQ(q_compact, (struct q * q, uint64_t *returned), (q, returned))
LIBQ(q_option_set, (struct q * q, enum q_option option, uint64_t value),
    (q, option, value))
LIBQ(q_option_get, (struct q * q, enum q_option option, uint64_t *value),
    (q, option, value))
LIBQ(q_usage, (struct q * q, struct q_usage *usage), (q, usage))

/* These say how many were stored, also if they fail. */

int
q_push(struct q *q, const struct q_push *messages, size_t n, unsigned flags,
    size_t *stored, struct q_pushed *pushed)
{
	int (*call)(struct q *, const struct q_push *, size_t, unsigned, size_t *,
	    struct q_pushed *);

	*stored = 0;
	if ((is_libq = REFUSED("q_push", EIO)))
		return (code);
	*(void **)&call = real("q_push");
	return (call(q, messages, n, flags, stored, pushed));
}

int
q_load(struct q *q, const uint8_t uuid[16], const struct q_load *messages, size_t n,
    size_t *stored, struct q_pushed *pushed)
{
	int (*call)(struct q *, const uint8_t[16], const struct q_load *, size_t,
	    size_t *, struct q_pushed *);

	*stored = 0;
	if ((is_libq = REFUSED("q_load", EIO)))
		return (code);
	*(void **)&call = real("q_load");
	return (call(q, uuid, messages, n, stored, pushed));
}

const char *
q_errmsg(void)
{
	const char *(*call)(void);

	*(void **)&call = real("q_errmsg");
	return (is_libq ? "made to fail" : call());
}

__attribute__((constructor)) static void
set_code(void)
{
	const char *word = getenv("SHIM_CODE");

	if (word != NULL)
		code = atoi(word);
}
