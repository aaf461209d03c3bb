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
space_guard(struct q *q, uint64_t size)
{
	uint64_t slack = SPACE_RESERVE / 4;

	/* A hole: it needs no room on a full disk, and is less than any push asks for.
	 */
	if (size < store_end(&q->store) + slack)
		(void)!ftruncate(q->dir.data, (off_t)(size + slack));
}

int
space_ensure(struct txn *t, uint64_t bytes)
{
	struct q *q = t->q;
	uint64_t end = store_end(&q->store), step = end / 8, need;
	struct stat st;

	/* Rows, page headers and half-full pages; then the trees' copied paths. */
	need = end + bytes + bytes / 2 + 64 * q->store.page + SPACE_RESERVE;
	if (fstat(q->dir.data, &st) != 0)
		return (fail_sys("data.mdb"));
	if ((uint64_t)st.st_size >= need)
		return (0);
	step = step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step;
	if (space_allocate(q->dir.data, end, need + step) == 0)
		return (0);
	return (space_allocate(q->dir.data, end, need));
}
