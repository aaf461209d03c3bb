/* SPDX-License-Identifier: ISC */
/*
 * Space returns: LMDB's file never shrinks, so the blocks of its free pages are given
 * back where they are, as holes. LMDB reads no page before it has written it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "lock.h"
#include "queue.h"
#include "space.h"
#include "structure.h"
#include "usage.h"

#include "compact.h"

enum { FIRST_PAGE = 2 }; /* behind the meta pages */

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

/* Which holes are worth their price. */
struct effort {
	bool spare;     /* what was made ready behind the data, too */
	bool reserve;   /* and what is always kept there */
	uint64_t least; /* pages of a hole */
	unsigned holes; /* so many, however long they take; then others have a turn */
	q_time turn;    /* which is as long as finding out what is free, or this */
	bool flushed;   /* the state in force is on disk */
};

static bool
is_hole(const struct walk *w, uint64_t page, uint64_t n)
{
	off_t data = lseek(w->fd, (off_t)(page * w->page), SEEK_DATA);

	return (data == -1 ? errno == ENXIO : data >= (off_t)((page + n) * w->page));
}

/* Each run of free pages from *next on, where the next turn goes on; 0: there is none.
 */
static int
punch_free(const struct walk *w, const struct effort *e, q_time until, uint64_t *next)
{
	uint64_t i = *next, n;
	unsigned holes = 0;
	int rc = 0;

	*next = 0;
	for (; i < w->pages && rc == 0; i += n) {
		n = 1;
		if (w->seen[i] != WALK_FREE)
			continue;
		while (i + n < w->pages && w->seen[i + n] == WALK_FREE)
			n++;
		if (n < e->least || is_hole(w, i, n))
			continue;
		if (holes >= e->holes && clock_monotonic() >= until) {
			*next = i;
			break;
		}
		rc = punch(w, i, n);
		holes++;
	}
	return (rc);
}

/*
 * What was made ready behind the data for pushes goes, but for the reserve: or that,
 * too, but for a hole. Pushes are refused then.
 */
static int
cut_spare(const struct structure *s, bool reserve)
{
	const struct walk *w = &s->walk;
	off_t end = (off_t)(w->pages * w->page);
	off_t keep = (off_t)space_reserve(
	    (uint64_t)end, s->tree[T_BODY].rows, s->tree[T_MSG].rows);
	struct stat st;

	if (fstat(w->fd, &st) != 0)
		return (fail_sys("data.mdb"));
	if (reserve) {
		if (ftruncate(w->fd, end) != 0 ||
		    ftruncate(w->fd, end + SPACE_RESERVE / 4) != 0)
			return (fail_sys("data.mdb"));
	} else if (st.st_size > end + keep + SPACE_RESERVE &&
		   ftruncate(w->fd, end + keep) != 0) {
		return (fail_sys("data.mdb"));
	}
	return (0);
}

/*
 * A free list that is damaged would have us cut holes into messages: nothing is done
 * unless the whole structure is sound. And what is free in this state may be in use in
 * the one before: this one has to be on disk.
 */
static int
compact(struct q *q, const struct effort *e, uint64_t *next)
{
	q_time began = clock_monotonic(), now, until;
	struct check *check = NULL;
	struct structure s = { .check = NULL };
	struct stat st;
	int rc;

	if ((rc = check_new(&check)) != 0)
		return (rc);
	if ((rc = dir_check(&q->dir, &st)) != 0 ||
	    (rc = structure_walk(q->dir.data, check, &s)) != 0)
		goto out;
	now = clock_monotonic();
	until = now + (now - began > e->turn ? now - began : e->turn);
	if (check->public.found > 0)
		rc = fail(Q_ECORRUPT, "%s %s; run 'qctl check'", check->list[0].object,
		    check->list[0].what);
	else if (!e->flushed && fdatasync(q->dir.data) != 0)
		rc = fail_sys("data.mdb");
	else if ((rc = punch_free(&s.walk, e, until, next)) == 0 && e->spare &&
		 *next == 0)
		rc = cut_spare(&s, e->reserve);
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

/* What cannot be had here is met by the commit. */
void
compact_for_room(struct q *q)
{
	static const struct effort all = {
		.spare = true, .reserve = true, .least = 1, .holes = UINT_MAX
	};
	uint64_t next = FIRST_PAGE;

	(void)compact(q, &all, &next);
}

/*
 * A hole may cost as much as a flush. So they are of 256 KiB at least, which have to be
 * written again before they are punched again, and few at a time, or many where they
 * are cheap. What is in use is read to know what is free; so only where it is little,
 * and rarely.
 */
#define TURN (10 * Q_SECOND / 1000)
enum {
	FREE_LEAST = 16 << 20, /* bytes that are free before anything is done */
	FREE_TIMES = 4,        /* and besides, of what is in use */
	USED_MOST = 64 << 20,
	HOLE_LEAST = 64, /* pages */
	HOLES = 32,      /* of 2 ms each, where they are dear */
	LOOKS = 128,     /* one of so many transactions looks */
};

/* Whether a file of so much in use takes too much. Where blocks are larger than pages,
 * holes do not give back all there is. */
static bool
is_much(const struct q *q, uint64_t used)
{
	uint64_t end = store_end(&q->store), taken, spare;
	struct stat st;

	if (fstat(q->dir.data, &st) != 0 || (uint64_t)st.st_blksize > q->store.page)
		return (false);
	taken = (uint64_t)st.st_blocks * 512;
	spare = (uint64_t)st.st_size > end ? (uint64_t)st.st_size - end : 0;
	return (used <= USED_MOST && taken > spare + FREE_LEAST + FREE_TIMES * used);
}

/* Behind its end a hole changes nothing. */
static bool
has_holes(const struct q *q)
{
	struct stat st;

	return (fstat(q->dir.data, &st) == 0 &&
		fallocate(q->dir.data, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    st.st_size, (off_t)q->store.page) == 0);
}

/*
 * What was kept behind the data for messages that are gone; not what they and the next
 * push need. None of it is in use.
 */
static void
cut_much(const struct q *q, uint64_t messages)
{
	uint64_t end = store_end(&q->store);
	uint64_t keep = space_reserve(end, messages, 0) + end / 8;
	struct stat st;

	if (fstat(q->dir.data, &st) == 0 &&
	    (uint64_t)st.st_size > end + FREE_LEAST + FREE_TIMES * keep)
		(void)ftruncate(q->dir.data, (off_t)(end + keep));
}

void
compact_if_worth(struct q *q, const struct txn *t)
{
	const uint64_t *c = t->meta.counter;
	uint64_t messages =
	    c[COUNT_PUSHED] - c[COUNT_DONE] - c[COUNT_EXPIRED] - c[COUNT_PURGED];
	static const struct effort some = {
		.least = HOLE_LEAST, .holes = HOLES, .turn = TURN, .flushed = true
	};
	struct txn look = { .q = q };
	uint64_t pages = 0, next = FIRST_PAGE;
	MDB_envinfo info;
	bool much;

	/* First what costs next to nothing, then what costs little. */
	if (mdb_env_info(q->store.env, &info) != 0 || info.me_last_txnid % LOOKS != 0)
		return;
	cut_much(q, messages);
	if (!is_much(q, messages * q->store.page / 16))
		return;
	much = txn_open(&look) == 0 && usage_free_pages(&look, &pages) == 0 &&
	       is_much(q, store_end(&q->store) - pages * q->store.page);
	txn_close(&look);
	if (much && has_holes(q))
		(void)compact(q, &some, &next); /* else another time */
}

int
q_compact(struct q *q, uint64_t *returned)
{
	static const struct effort all = {
		.spare = true, .least = 1, .holes = 1, .turn = Q_SECOND
	};
	uint64_t before, after, next = FIRST_PAGE;
	int rc = 0;

	if (q->flags & Q_RDONLY)
		return (fail(Q_EACCES, "opened to look only"));
	for (*returned = 0; next != 0 && rc == 0; lock_drop(q->dir.data)) {
		if ((rc = lock_take(q, LOCK_EX)) != 0)
			return (rc);
		before = allocated(q);
		rc = compact(q, &all, &next);
		after = allocated(q);
		*returned += before > after ? before - after : 0;
	}
	return (rc);
}
