/* SPDX-License-Identifier: ISC */
/* Output of COMMANDs: from the file they wrote it to into results. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

enum { PIECE = 1 << 16 };

/* On disk, for it may be large; where that cannot be had, in memory. */
int
output_open(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir != NULL && *dir != '\0' ? dir : "/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return (fd != -1 ? fd : memfd_create("output", MFD_CLOEXEC));
}

/* The next bytes from there on; 0 at the end, -1 with errno. */
static ssize_t
next(int fd, void *buf, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, at);
	while (n == -1 && errno == EINTR);
	return (n);
}

/* Its first bytes, in which there may be fewer by now. */
static int
read_blob(int fd, size_t size, struct q_blob *blob)
{
	char piece[PIECE];
	ssize_t n = 1;
	int rc = 0;

	for (off_t at = 0; size > 0 && rc == 0 && n > 0; at += n, size -= (size_t)n) {
		n = next(fd, piece, size < PIECE ? size : PIECE, at);
		if (n > 0)
			rc = q_blob_write(blob, piece, (size_t)n);
	}
	return (n == -1 ? Q_ESYS : rc);
}

static int
read_inline(int fd, size_t size, struct output *out)
{
	ssize_t n = 1;

	if ((out->memory = malloc(size + 1)) == NULL)
		return (Q_ENOMEM);
	out->keep.data = out->memory;
	for (; out->keep.size < size && n > 0; out->keep.size += (size_t)n) {
		n = next(fd, (char *)out->memory + out->keep.size,
		    size - out->keep.size, (off_t)out->keep.size);
		if (n == -1)
			return (Q_ESYS);
	}
	return (0);
}

/* The most bytes that are kept in memory, which a short output need not ask for. */
static int
threshold(struct q *q, uint64_t size, output_blob *make, uint64_t *most)
{
	*most = size;
	if (make == NULL || size <= q_option_info(Q_OPT_INLINE)->min)
		return (0);
	return (q_blob_threshold(q, most));
}

int
output_read(struct q *q, int fd, output_blob *make, struct output *out)
{
	uint64_t size, most;
	struct stat st;
	int rc;

	*out = (struct output){ .keep = { .data = "" } };
	if (fstat(fd, &st) != 0)
		return (Q_ESYS);
	size = (uint64_t)st.st_size;
	if ((rc = threshold(q, size, make, &most)) != 0)
		return (rc);
	if (size <= most)
		rc = read_inline(fd, (size_t)size, out);
	else if ((rc = make(q, &out->keep.blob)) == 0)
		rc = read_blob(fd, (size_t)size, out->keep.blob);
	if (rc != 0)
		output_free(out);
	return (rc);
}

void
output_keep(struct q *q, int fd, struct output *out)
{
	if (output_read(q, fd, q_blob_output, out) != 0)
		*out = (struct output){ .keep = { .data = "", .lost = true } };
}

void
output_free(struct output *out)
{
	q_blob_free(out->keep.blob);
	free(out->memory);
	*out = (struct output){ 0 };
}
