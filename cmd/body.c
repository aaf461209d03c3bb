/* SPDX-License-Identifier: ISC */
/* Bodies as the stdin or as an argument of a COMMAND. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "body.h"

enum {
	ARGUMENT_MOST = 128 << 10, /* Linux takes no longer one, whatever their sum */
	PARTS = 64,                /* lines written at once */
};

char *
body_argument(const struct q_msg *m)
{
	size_t n = m->body_size;

	if (m->blob || n >= ARGUMENT_MOST || memchr(m->body, '\0', n) != NULL)
		return (NULL);
	if (n > 0 && ((const char *)m->body)[n - 1] == '\n')
		n--;
	return (strndup(m->body, n));
}

const char *
body_no_line(const struct q_msg *m)
{
	const char *end;

	if (m->blob)
		return ("the body cannot be a line (it is a file of its own)");
	end = memchr(m->body, '\n', m->body_size);
	if (end != NULL && end < (const char *)m->body + m->body_size - 1)
		return ("the body cannot be a line (it has a newline inside)");
	return (NULL);
}

/* Append to the file; it stays at its start. */
static int
put(int fd, struct iovec *part, int n, off_t *at)
{
	ssize_t done;

	while (n > 0) {
		if ((done = pwritev(fd, part, n, *at)) == -1)
			return (-1);
		*at += done;
		while (n > 0 && (size_t)done >= part->iov_len) {
			done -= (ssize_t)part->iov_len;
			part++;
			n--;
		}
		if (n > 0) {
			part->iov_base = (char *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
	return (0);
}

static struct iovec
part_of(const void *data, size_t size)
{
	return ((struct iovec){ (void *)(uintptr_t)data, size });
}

static bool
lacks_newline(const struct q_msg *m)
{
	return (m->body_size == 0 || ((const char *)m->body)[m->body_size - 1] != '\n');
}

static int
put_lines(int fd, const struct item *items, size_t n)
{
	struct iovec part[PARTS];
	off_t at = 0;
	int used = 0;

	for (size_t i = 0; i < n; i++) {
		const struct q_msg *m = items[i].msg;

		if (m->body_size > 0)
			part[used++] = part_of(m->body, m->body_size);
		if (lacks_newline(m))
			part[used++] = part_of("\n", 1);
		if (used + 2 <= PARTS && i + 1 < n)
			continue;
		if (put(fd, part, used, &at) != 0)
			return (-1);
		used = 0;
	}
	return (0);
}

static int
put_body(int fd, const struct q_msg *m)
{
	struct iovec part = part_of(m->body, m->body_size);
	off_t at = 0;

	return (m->body_size == 0 ? 0 : put(fd, &part, 1, &at));
}

/* Give a new file to the caller if it could be written. */
static int
finish(int fd, int rc, int *out, const char **why)
{
	if (rc == 0) {
		*out = fd;
		return (0);
	}
	*why = strerror(errno);
	if (fd != -1)
		(void)close(fd);
	return (BODY_UNABLE);
}

int
body_open(struct q *q, const struct q_msg *m, int *out, const char **why)
{
	int fd, rc;

	if (m->blob) {
		rc = q_msg_open(q, m, out);
		*why = q_errmsg();
		return (rc == 0 ? 0 : rc == Q_ECORRUPT ? BODY_DAMAGED : BODY_UNABLE);
	}
	fd = memfd_create("message", MFD_CLOEXEC);
	return (finish(fd, fd == -1 ? -1 : put_body(fd, m), out, why));
}

int
body_open_lines(const struct item *items, size_t n, int *out, const char **why)
{
	int fd = memfd_create("messages", MFD_CLOEXEC);

	return (finish(fd, fd == -1 ? -1 : put_lines(fd, items, n), out, why));
}
