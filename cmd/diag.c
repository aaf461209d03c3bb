/* SPDX-License-Identifier: ISC */
/*
 * How a command begins, complains and ends. Complaints are built in a buffer and
 * written by one write(2): lines of parallel commands do not mix, and commands that
 * start thousands of times do not pay for stdio.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opt.h"
#include "q.h"
#include "stop.h"
#include "text.h"

#include "diag.h"

#if defined(__has_feature)
#define ASAN_CLANG __has_feature(address_sanitizer)
#else
#define ASAN_CLANG 0
#endif

enum { LINE = 4096, OBJECT = 1024 };

/* What reading a damaged data file may raise. */
static const int damage_signals[] = {
	SIGBUS,
#if defined(__GLIBC__)
	SIGABRT, /* of its checks of the heap */
#endif
#if !defined(__SANITIZE_ADDRESS__) && !ASAN_CLANG /* which reports it better */
	SIGSEGV,
#endif
};

static const char *prog = "qutils";
static int flush_error; /* of diag_flush_stdout(); the stream tells no reason */

/* The two halves of the report of damage, made beforehand: a handler cannot. */
static char damage_head[2 * OBJECT], damage_tail[2 * OBJECT];

bool
diag_ready(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return (poll(&fd, 1, 0) != 0);
}

/* Wait until stderr takes more. Who is told twice to end does not wait for its reader,
 * and is told here although it has the signals blocked. */
static bool
may_write(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	const struct timespec no_time = { 0 };
	sigset_t mask;
	int rc;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	(void)sigdelset(&mask, SIGINT);
	(void)sigdelset(&mask, SIGTERM);
	(void)sigdelset(&mask, SIGHUP);
	do
		rc = ppoll(&fd, 1, stop_count() < 2 ? NULL : &no_time, &mask);
	while (rc == -1 && errno == EINTR);
	return (rc != 0);
}

static void
write_stderr(const char *s, size_t n)
{
	while (n > 0 && may_write()) {
		ssize_t done = write(STDERR_FILENO, s, n);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* there is nobody to tell */
		s += done;
		n -= (size_t)done;
	}
}

__attribute__((format(printf, 2, 0))) static void complain(
    const char *object, const char *fmt, va_list ap);

/* One line. The object is cut before the reason is: that is what the user lacks. */
static void
complain(const char *object, const char *fmt, va_list ap)
{
	char raw[LINE], line[LINE];
	size_t n;

	snprintf(raw, sizeof(raw), "%s: %.*s%s", prog, (int)OBJECT,
	    object != NULL ? object : "", object != NULL ? ": " : "");
	n = strlen(raw);
	vsnprintf(raw + n, sizeof(raw) - n, fmt, ap);
	(void)text_escape(line, sizeof(line) - 1, raw, strlen(raw));
	n = strlen(line);
	line[n++] = '\n';
	write_stderr(line, n);
}

void
diag_pass(const char *s, size_t n)
{
	write_stderr(s, n);
}

void
diag_error(const char *object, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(object, fmt, ap);
	va_end(ap);
}

void
diag_warn(const char *object, const char *fmt, ...)
{
	va_list ap;

	if (opt_common.quiet)
		return;
	va_start(ap, fmt);
	complain(object, fmt, ap);
	va_end(ap);
}

void
diag_note(const char *object, const char *fmt, ...)
{
	va_list ap;

	if (!opt_common.verbose)
		return;
	va_start(ap, fmt);
	complain(object, fmt, ap);
	va_end(ap);
}

void
diag_die(int status, const char *object, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(object, fmt, ap);
	va_end(ap);
	exit(status);
}

void
diag_usage(const char *fmt, ...)
{
	char try[64];
	va_list ap;

	va_start(ap, fmt);
	complain(NULL, fmt, ap);
	va_end(ap);
	snprintf(try, sizeof(try), "Try '%s --help'.\n", prog);
	write_stderr(try, strlen(try));
	exit(DIAG_USAGE);
}

void
diag_start(const char *name)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO }, { .fd = STDOUT_FILENO },
		{ .fd = STDERR_FILENO } };
	/* A limit of less than three descriptors is the only error. */
	bool told = poll(fds, sizeof(fds) / sizeof(fds[0]), 0) != -1;

	prog = name;
	flush_error = 0;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (told ? !(fds[fd].revents & POLLNVAL) : fcntl(fd, F_GETFD) != -1)
			continue;
		/* The lowest free number is fd: those below are in use. */
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) == -1)
			diag_die(DIAG_FAILED, "/dev/null", "%s", strerror(errno));
	}
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail: the numbers are valid */
	(void)signal(SIGXFSZ, SIG_IGN);
}

void
diag_child(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
}

/* Only calls that are safe in a handler, which runs while anything may be broken. */
static void
damaged(int sig, siginfo_t *info, void *context)
{
	const char *name = sig == SIGBUS    ? "SIGBUS"
	                   : sig == SIGSEGV ? "SIGSEGV"
	                                    : "SIGABRT";
	char line[sizeof(damage_head) + sizeof(damage_tail) + 16], *p = line;

	(void)context;
	/* Sent by somebody, not met while reading: that is no damage. */
	if (info->si_code <= 0 && info->si_pid != getpid()) {
		(void)raise(sig); /* the handler was for one signal: this one kills */
		return;
	}
	p = stpcpy(p, damage_head);
	p = stpcpy(p, name);
	p = stpcpy(p, damage_tail);
	write_stderr(line, (size_t)(p - line));
	_exit(DIAG_CORRUPT);
}

void
diag_queue(const char *name)
{
	struct sigaction act = { .sa_sigaction = damaged,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND };
	char shown[OBJECT];

	(void)text_escape(shown, sizeof(shown), name, strlen(name));
	snprintf(damage_head, sizeof(damage_head), "%s: %s: data.mdb is damaged (",
	    prog, shown);
	snprintf(damage_tail, sizeof(damage_tail),
	    " while reading it); run 'qctl check %s'\n", shown);
	for (size_t i = 0; i < sizeof(damage_signals) / sizeof(damage_signals[0]); i++)
		(void)sigaction(damage_signals[i], &act, NULL); /* cannot fail */
}

int
diag_status(int code)
{
	static const unsigned char status[] = {
		[-Q_OK] = DIAG_DONE,
		[-Q_EMPTY] = DIAG_NO,
		[-Q_ETIMEDOUT] = DIAG_NO,
		[-Q_ENOENT] = DIAG_NO,
		[-Q_ESTALE] = DIAG_NO,
		[-Q_EFOREIGN] = DIAG_NO,
		[-Q_EFULL] = DIAG_AGAIN,
		[-Q_EBUSY] = DIAG_AGAIN,
		[-Q_ENOSPC] = DIAG_AGAIN,
		[-Q_EPAUSED] = DIAG_AGAIN,
		[-Q_EINVAL] = DIAG_USAGE,
		[-Q_ETOOBIG] = DIAG_FAILED,
		[-Q_ENOQUEUE] = DIAG_FAILED,
		[-Q_ENOTQ] = DIAG_FAILED,
		[-Q_EACCES] = DIAG_FAILED,
		[-Q_EUNSAFE] = DIAG_FAILED,
		[-Q_ENOTSUP] = DIAG_FAILED,
		[-Q_EVERSION] = DIAG_FAILED,
		[-Q_ENOMEM] = DIAG_FAILED,
		[-Q_ESYS] = DIAG_FAILED,
		[-Q_ECORRUPT] = DIAG_CORRUPT,
	};
	_Static_assert(sizeof(status) == Q_CODES, "a code has no exit status");

	return (code <= 0 && code > -Q_CODES ? status[-code] : DIAG_FAILED);
}

int
diag_reason(const char *why)
{
	static const char nothing[] = "; nothing done";
	size_t n = strlen(why), end = sizeof(nothing) - 1;

	return ((int)(n >= end && strcmp(why + n - end, nothing) == 0 ? n - end : n));
}

/* Asked of the kernel: the errno of a failed printf() is long gone. */
bool
diag_reader_gone(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	return (poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR) != 0);
}

void
diag_flush_stdout(void)
{
	/* musl has tried each line already. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && flush_error == 0)
		flush_error = errno;
}

int
diag_close_stdout(void)
{
	bool gone = ferror(stdout) && diag_reader_gone();
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) != 0)
		failed = true;
	if (!failed)
		return (0);
	if (errno == 0)
		errno = flush_error;
	if (!gone && errno != EPIPE)
		diag_error(
		    "stdout", "%s", errno != 0 ? strerror(errno) : "write failed");
	return (DIAG_FAILED);
}
