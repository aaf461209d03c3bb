/* SPDX-License-Identifier: ISC */
/* The reserve of allocated blocks behind the data in use. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "queue.h"

#include "space.h"

/* Grow by an eighth, so that a growing queue rarely asks; within these bounds. */
enum { STEP_MIN = 256 << 10, STEP_MAX = 64 << 20 };
/* Of a state record and a row of an index, in pages that are not full. */
enum { PART_BYTES = 256, PARTS_LEAST = 32 << 20 };

int
space_allocate(int fd, uint64_t end, uint64_t size)
{
	int rc;

	while ((rc = fallocate(fd, 0, (off_t)end, (off_t)(size - end))) != 0 &&
	       errno == EINTR)
		;
	if (rc == 0)
		return (0);
	if (errno == EOPNOTSUPP || errno == ENOSYS)
		rc = ftruncate(fd, (off_t)size);
	return (rc == 0 ? 0 : fail_sys("data.mdb"));
}

void
space_guard(struct txn *t, uint64_t size)
{
	const struct q *q = t->q;
	uint64_t slack = SPACE_RESERVE / 4, end = store_end(&q->store);
	uint64_t more = (size > end ? size : end) + slack;

	/* A hole: it needs no room on a full disk, and is less than any push asks for.
	 */
	if (size < end + slack && ftruncate(q->dir.data, (off_t)more) == 0)
		size = more;
	t->file_size = size;
}

void
space_after(const struct txn *t)
{
	uint64_t end = store_end(&t->q->store);
	int fd = t->q->dir.data;
	struct stat st;

	if (end <= t->file_size || fstat(fd, &st) != 0 || (uint64_t)st.st_size >= end)
		return;
	if (ftruncate(fd, (off_t)end) != 0)
		return; /* who opens it next sees that what is missing is free */
}

uint64_t
space_reserve(uint64_t end, uint64_t messages, uint64_t records)
{
	uint64_t parts = messages > records ? (messages - records) * PART_BYTES : 0;
	uint64_t most = PARTS_LEAST + end / 4;

	return (SPACE_RESERVE + (parts < most ? parts : most));
}

int
space_ensure(struct txn *t, uint64_t bytes)
{
	const struct q *q = t->q;
	uint64_t end = store_end(&q->store), step = end / 8, need;
	int rc;

	/* Rows, page headers and half-full pages; then the trees' copied paths. */
	need = end + bytes + bytes / 2 + 64 * q->store.page +
	       space_reserve(end, txn_entries(t, T_BODY), txn_entries(t, T_MSG));
	if (t->file_size >= need)
		return (0);
	step = step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step;
	if ((rc = space_allocate(q->dir.data, end, need + step)) == 0)
		need += step;
	else
		rc = space_allocate(q->dir.data, end, need);
	if (rc == 0)
		t->file_size = need;
	return (rc);
}
