/* SPDX-License-Identifier: ISC */
/* Output of bodies, to stdout or to a file that appears when it is complete. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "stop.h"

#include "out.h"

enum {
	BUFFER = 256 << 10,
	PIPE_SIZE = 64 << 10, /* that pipes have at first */
	PIPE_WIDE = 2 * BUFFER,
};

/* For the first output that is opened: that of bodies. Receipts are short. */
static char large[BUFFER];
static bool used;

static void
set_error(struct out *out, int error)
{
	if (out->error == 0)
		out->error = error != 0 ? error : EIO;
}

static int
open_temp(struct out *out)
{
	mode_t mask = umask(0);
	int fd;

	(void)umask(mask);
	if (asprintf(&out->temp, "%s.XXXXXX", out->file) == -1)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if ((fd = mkostemp(out->temp, O_CLOEXEC)) != -1)
		(void)fchmod(fd, 0666 & ~mask);
	return (fd);
}

bool
out_replaces(const char *file)
{
	struct stat st;

	return (lstat(file, &st) == 0 ? S_ISREG(st.st_mode) : errno == ENOENT);
}

static int
open_file(struct out *out, bool whole)
{
	if (whole && out_replaces(out->file))
		return (open_temp(out));
	return (open(out->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
}

/* More at a time than a pipe has room for: so that reader and writer go on at once. */
static void
widen(struct out *out, size_t size)
{
	if (!out->pipe || out->wide || size <= PIPE_SIZE)
		return;
	(void)fcntl(out->fd, F_SETPIPE_SZ, PIPE_WIDE);
	out->wide = true;
}

/* A write to a pipe nobody reads is cut short by a signal, and would wait again for the
 * rest: unless the signal asks us to end. */
static void
write_all(struct out *out, const char *data, size_t size)
{
	size_t done = 0;
	ssize_t n;

	widen(out, size);
	while (out->error == 0 && done < size) {
		n = write(out->fd, data + done, size - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && errno != EINTR)
			set_error(out, errno);
		if (done < size && stop_signal() != 0)
			set_error(out, EINTR);
	}
}

int
out_open(struct out *out, const char *file, bool whole)
{
	struct stat st;

	*out = (struct out){ .fd = STDOUT_FILENO, .file = file };
	if (file != NULL && (out->fd = open_file(out, whole)) == -1) {
		/* A pipe without a reader is waited for. */
		if (stop_signal() == 0)
			diag_error(file, "%s", strerror(errno));
		free(out->temp);
		return (-1);
	}
	out->large = !used;
	used = true;
	out->pipe = fstat(out->fd, &st) == 0 && S_ISFIFO(st.st_mode);
	return (0);
}

static void
empty(struct out *out)
{
	write_all(out, out->large ? large : out->small, out->held);
	out->held = 0;
}

void
out_write(struct out *out, const void *data, size_t size)
{
	char *buf = out->large ? large : out->small;
	size_t room = out->large ? sizeof(large) : sizeof(out->small);

	if (out->error != 0 || size == 0)
		return;
	if (size >= room - out->held)
		empty(out);
	if (size >= room)
		write_all(out, data, size);
	else if (size == 1) /* what ends a line is mostly alone */
		buf[out->held++] = *(const char *)data;
	else {
		memcpy(buf + out->held, data, size);
		out->held += size;
	}
	out->last = ((const char *)data)[size - 1];
}

/* C libraries differ in what a stream makes of a write that stored nothing: the error
 * is that of the output. */
static ssize_t
write_printed(void *cookie, const char *data, size_t size)
{
	out_write(cookie, data, size);
	return ((ssize_t)size);
}

FILE *
out_stream(struct out *out)
{
	const cookie_io_functions_t io = { .write = write_printed };

	if (out->stream == NULL && (out->stream = fopencookie(out, "w", io)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	return (out->stream);
}

void
out_copy(struct out *out, int fd)
{
	static char buf[BUFFER];
	ssize_t n;

	while (out->error == 0 && (n = read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno != EINTR)
			set_error(out, errno);
		if (n > 0)
			out_write(out, buf, (size_t)n);
		if (stop_signal() != 0)
			set_error(out, EINTR);
	}
}

static int
report(const struct out *out)
{
	/* Who has gone away, or sent us a signal, knows. */
	if (out->error != EPIPE && stop_signal() == 0)
		diag_error(out->file != NULL ? out->file : "stdout", "%s%s",
		    strerror(out->error), out->keeps ? "" : "; put back");
	return (-1);
}

/* A new name is on disk when its directory is: that of the file itself, wherever a link
 * has led. What has no name needs none. */
static int
sync_parent(int file)
{
	char link[32], path[PATH_MAX];
	ssize_t n;
	int fd, rc;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	if ((n = readlink(link, path, sizeof(path) - 1)) == -1)
		return (-1);
	path[n] = '\0';
	if ((fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	rc = fsync(fd);
	(void)close(fd);
	return (rc);
}

/* To the disk, and into place. A pipe or a device has no disk: EINVAL. */
static int
sync_file(const struct out *out)
{
	if (fsync(out->fd) != 0)
		return (errno == EINVAL ? 0 : -1);
	if (out->temp != NULL && rename(out->temp, out->file) != 0)
		return (-1);
	return (sync_parent(out->fd));
}

/*
 * What is in a pipe when its reader goes away is lost: written is not read. So wait
 * until the pipe is empty, or there is nobody left to empty it.
 */
static int
wait_read(const struct out *out)
{
	enum { PAUSE_MIN = 20000, PAUSE_MAX = 5000000 }; /* nanoseconds */
	struct pollfd p = { .fd = out->fd };
	struct timespec pause = { .tv_nsec = PAUSE_MIN };
	int unread = 0;

	while (ioctl(out->fd, FIONREAD, &unread) == 0 && unread > 0) {
		if (stop_signal() != 0) {
			errno = EINTR;
			return (-1);
		}
		if (ppoll(&p, 1, &pause, NULL) > 0 && p.revents & POLLERR) {
			errno = EPIPE;
			return (-1);
		}
		if ((pause.tv_nsec += pause.tv_nsec / 2) > PAUSE_MAX)
			pause.tv_nsec = PAUSE_MAX;
	}
	return (0);
}

int
out_flush(struct out *out)
{
	if (out->stream != NULL && fflush(out->stream) != 0)
		set_error(out, errno);
	empty(out);
	if (out->error == 0 && out->pipe && wait_read(out) != 0)
		set_error(out, errno);
	if (out->error == 0 && out->file != NULL && sync_file(out) != 0)
		set_error(out, errno);
	if (out->error != 0)
		return (report(out));
	free(out->temp);
	out->temp = NULL;
	return (0);
}

void
out_close(struct out *out)
{
	if (out->temp != NULL)
		(void)unlink(out->temp);
	free(out->temp);
	out->temp = NULL;
	if (out->stream != NULL)
		(void)fclose(out->stream);
	if (out->large)
		used = false;
	if (out->file != NULL)
		(void)close(out->fd);
}
