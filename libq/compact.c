/* SPDX-License-Identifier: ISC */
/*
 * Space returns: LMDB's file never shrinks, so the blocks of its free pages are given
 * back where they are, as holes. LMDB reads no page before it has written it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "lock.h"
#include "queue.h"
#include "space.h"
#include "structure.h"

#include "compact.h"

/* Bytes: more than a commit of takes and acknowledgements writes. */
enum { SHORT_OF = 8 * SPACE_RESERVE };

static int
punch(const struct walk *w, uint64_t page, uint64_t n)
{
	int rc;

	while ((rc = fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)(page * w->page), (off_t)(n * w->page))) != 0 &&
	       errno == EINTR)
		;
	if (rc == 0)
		return (0);
	if (errno == EOPNOTSUPP)
		return (fail(Q_ENOTSUP, "this file system cannot punch holes"));
	return (fail_sys("data.mdb"));
}

/* Each run of free pages. */
static int
punch_free(const struct walk *w)
{
	int rc = 0;

	for (uint64_t i = 2, n; i < w->pages && rc == 0; i += n) {
		n = 1;
		if (w->seen[i] != WALK_FREE)
			continue;
		while (i + n < w->pages && w->seen[i + n] == WALK_FREE)
			n++;
		rc = punch(w, i, n);
	}
	return (rc);
}

/* The reserve goes, too: what remains of it is a hole, and pushes are refused. */
static int
drop_reserve(const struct walk *w)
{
	off_t end = (off_t)(w->pages * w->page);

	if (ftruncate(w->fd, end) != 0 ||
	    ftruncate(w->fd, end + SPACE_RESERVE / 4) != 0)
		return (fail_sys("data.mdb"));
	return (0);
}

/*
 * A free list that is damaged would have us cut holes into messages: nothing is done
 * unless the whole structure is sound. And what is free in this state may be in use in
 * the one before: this one has to be on disk.
 */
static int
compact(struct q *q, bool reserve)
{
	struct check *check = NULL;
	struct structure s = { .check = NULL };
	struct stat st;
	int rc;

	if ((rc = check_new(&check)) != 0)
		return (rc);
	if ((rc = dir_check(&q->dir, &st)) != 0 ||
	    (rc = structure_walk(q->dir.data, check, &s)) != 0)
		goto out;
	if (check->public.found > 0)
		rc = fail(Q_ECORRUPT, "%s %s; run 'qctl check'", check->list[0].object,
		    check->list[0].what);
	else if (fdatasync(q->dir.data) != 0)
		rc = fail_sys("data.mdb");
	else if ((rc = punch_free(&s.walk)) == 0 && reserve)
		rc = drop_reserve(&s.walk);
out:
	structure_close(&s);
	q_check_free(&check->public);
	return (rc);
}

static uint64_t
allocated(const struct q *q)
{
	struct stat st;

	return (fstat(q->dir.data, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0);
}

bool
compact_disk_is_short(const struct q *q)
{
	struct statfs fs;

	return (fstatfs(q->dir.data, &fs) == 0 &&
		(uint64_t)fs.f_bavail < SHORT_OF / (uint64_t)fs.f_bsize);
}

/* What cannot be had here is met by the commit. */
void
compact_for_room(struct q *q)
{
	(void)compact(q, true);
}

int
q_compact(struct q *q, uint64_t *returned)
{
	uint64_t before;
	int rc;

	if (q->flags & Q_RDONLY)
		return (fail(Q_EACCES, "opened to look only"));
	if ((rc = lock_take(q, LOCK_EX)) != 0)
		return (rc);
	before = allocated(q);
	if ((rc = compact(q, false)) == 0)
		*returned = before > allocated(q) ? before - allocated(q) : 0;
	lock_drop(q->dir.data);
	return (rc);
}
