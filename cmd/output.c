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

int
output_map(int fd, const char **data, size_t *size)
{
	struct stat st;
	void *p;

	*data = "";
	*size = 0;
	if (fstat(fd, &st) != 0)
		return (-1);
	if (st.st_size == 0)
		return (0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return (-1);
	*data = p;
	*size = (size_t)st.st_size;
	return (0);
}

void
output_unmap(const char *data, size_t size)
{
	if (size > 0)
		(void)munmap((void *)(uintptr_t)data, size);
}

/* From where it is, the next bytes; 0 at the end, -1 with errno. */
static ssize_t
next(int fd, void *buf, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, at);
	while (n == -1 && errno == EINTR);
	return (n);
}

static int
read_blob(struct q *q, int fd, struct output *out)
{
	char piece[PIECE];
	ssize_t n;
	off_t at = 0;

	if (q_blob_output(q, &out->keep.blob) != 0)
		return (-1);
	for (; (n = next(fd, piece, sizeof(piece), at)) > 0; at += n)
		if (q_blob_write(out->keep.blob, piece, (size_t)n) != 0)
			return (-1);
	return (n == 0 ? 0 : -1);
}

static int
read_inline(int fd, size_t size, struct output *out)
{
	ssize_t n;

	if ((out->memory = malloc(size + 1)) == NULL)
		return (-1);
	out->keep.data = out->memory;
	while (out->keep.size < size) {
		n = next(fd, (char *)out->memory + out->keep.size,
		    size - out->keep.size, (off_t)out->keep.size);
		if (n <= 0)
			return (-1);
		out->keep.size += (size_t)n;
	}
	return (0);
}

void
output_read(struct q *q, int fd, struct output *out)
{
	uint64_t most;
	struct stat st;
	int rc = -1;

	*out = (struct output){ .keep = { .data = "" } };
	if (fstat(fd, &st) == 0 && q_blob_threshold(q, &most) == 0)
		rc = (uint64_t)st.st_size > most
		         ? read_blob(q, fd, out)
		         : read_inline(fd, (size_t)st.st_size, out);
	if (rc == 0)
		return;
	output_free(out);
	out->keep.lost = true;
}

void
output_free(struct output *out)
{
	q_blob_free(out->keep.blob);
	free(out->memory);
	*out = (struct output){ 0 };
}
