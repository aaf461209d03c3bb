/* SPDX-License-Identifier: ISC */
/* The reserve of allocated blocks behind the data in use. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "queue.h"
#include "quota.h"

#include "space.h"

/* Grow by an eighth, so that a growing queue rarely asks; within these bounds. */
enum { STEP_MIN = 256 << 10, STEP_MAX = 64 << 20 };
/* Of a state record and a row of an index, in pages that are not full. */
enum { PART_BYTES = 256, PARTS_LEAST = 32 << 20 };
/* Of a message that is taken, or one that is acknowledged: of each table that has a row
 * of it, and of those that get one. */
enum { MESSAGE_PAGES = 7 };

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

bool
space_is_short(const struct q *q, uint64_t bytes)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(q->dir.data, &fs) == 0 &&
	    (uint64_t)fs.f_bavail < bytes / (uint64_t)fs.f_bsize)
		return (true);
	return (
	    fstat(q->dir.data, &st) == 0 && quota_is_short(q->dir.data, &st, bytes));
}

static uint64_t
step_of(uint64_t end)
{
	uint64_t step = end / 8;

	return (step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step);
}

/*
 * What grows without a push eats into the reserve: it is made whole as long as that is
 * easy. Else there is a hole at least, which needs no room on a full disk.
 */
void
space_guard(struct txn *t, uint64_t size)
{
	const struct q *q = t->q;
	uint64_t slack = SPACE_RESERVE / 4, end = store_end(&q->store);
	uint64_t more = end + SPACE_RESERVE + step_of(end);

	t->file_size = size;
	if (size >= end + SPACE_RESERVE)
		return;
	if (!space_is_short(q, SPACE_SHORT) &&
	    space_allocate(q->dir.data, end, more) == 0) {
		t->file_size = more;
		return;
	}
	more = (size > end ? size : end) + slack;
	if (size < end + slack && ftruncate(q->dir.data, (off_t)more) == 0)
		t->file_size = more;
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

size_t
space_allows(const struct q *q, size_t n)
{
	uint64_t all, bytes;
	struct stat st;

	if (n <= SPACE_FEW || fstat(q->dir.data, &st) != 0)
		return (n < SPACE_FEW ? n : SPACE_FEW);
	all = (uint64_t)st.st_size; /* nobody writes more pages than there are */
	for (; n > SPACE_FEW; n = n / 4 > SPACE_FEW ? n / 4 : SPACE_FEW) {
		bytes = (uint64_t)n * MESSAGE_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
		if (!space_is_short(q, bytes < all ? bytes : all))
			break;
	}
	return (n);
}

int
space_ensure(struct txn *t, uint64_t bytes)
{
	const struct q *q = t->q;
	uint64_t end = store_end(&q->store), step = step_of(end), need;
	int rc;

	/* Rows, page headers and half-full pages; then the trees' copied paths. */
	need = end + bytes + bytes / 2 + 64 * q->store.page +
	       space_reserve(end, txn_entries(t, T_BODY), txn_entries(t, T_MSG));
	/* What is in holes needs room on the disk, too, once the reserve has its own.
	 */
	if (t->holes &&
	    space_is_short(
		q, SPACE_RESERVE + (t->file_size < need ? need + step - end : 0))) {
		errno = ENOSPC;
		return (fail_sys("data.mdb"));
	}
	if (t->file_size >= need)
		return (0);
	if ((rc = space_allocate(q->dir.data, end, need + step)) == 0)
		need += step;
	else
		rc = space_allocate(q->dir.data, end, need);
	if (rc == 0)
		t->file_size = need;
	return (rc);
}
