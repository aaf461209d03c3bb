/* SPDX-License-Identifier: ISC */
/* Held leases: byte locks on the file hold, and the lives of owners. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "proc.h"
#include "queue.h"

#include "hold.h"

/* How long held leases last on their own when somebody deleted the file. */
#define GRACE (60 * Q_SECOND)
/* And those that another process made, from before its commit, whose flush may be slow,
 * until their holder has woken up and locked: as long as he waits for the lock. */
#define COMING (30 * Q_SECOND)

static const char name[] = "hold";

void
hold_close(struct q *q)
{
	if (q->hold != -1)
		(void)close(q->hold);
	if (q->probe != -1)
		(void)close(q->probe);
	q->hold = q->probe = -1;
}

static int
lock_bytes(int fd, int cmd, short type, uint64_t first, uint64_t n, struct flock *out)
{
	struct flock l = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)first,
		.l_len = (off_t)n,
	};
	int rc;

	while ((rc = fcntl(fd, cmd, &l)) == -1 && errno == EINTR)
		;
	if (out != NULL)
		*out = l;
	return (rc);
}

/* Whatever we hold is held by the new descriptor, too. */
static int
lock_held(const struct q *q)
{
	for (size_t i = 0; i < q->held.count; i++) {
		const struct run *r = &q->held.run[i];

		if (r->n > 0 && lock_bytes(q->hold, F_OFD_SETLK, F_RDLCK, r->first,
				    r->n, NULL) != 0)
			return (fail_sys("lock on %s", name));
	}
	return (0);
}

static int
hold_open(struct q *q)
{
	struct stat st;
	int rc;

	if (q->hold != -1)
		return (0);
	if ((rc = dir_open_stat(q->dir.fd, name, O_RDONLY, &q->hold, &st)) != 0)
		return (rc);
	q->hold_inode = st.st_ino;
	if ((rc = lock_held(q)) != 0)
		hold_close(q);
	return (rc);
}

static int
hold_create(struct q *q)
{
	int fd;

	fd = openat(q->dir.fd, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (fail_sys("%s", name));
	(void)dir_give(&q->dir, fd);
	(void)close(fd);
	return (0);
}

int
hold_begin(struct txn *t)
{
	struct q *q = t->q;
	struct boot *b = &t->meta.boot;
	struct stat named;
	int rc;

	if (q->hold == -1 ||
	    fstatat(q->dir.fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
	    named.st_ino != q->hold_inode)
		hold_close(q);
	if ((rc = hold_open(q)) == Q_ESYS && errno == ENOENT &&
	    (rc = hold_create(q)) == 0)
		rc = hold_open(q);
	if (rc != 0)
		return (rc);
	if (b->hold_inode != q->hold_inode) {
		b->hold_inode = q->hold_inode;
		b->hold_since = t->now.boot;
		t->meta_changed |= 1U << META_REC_BOOT;
	}
	return (0);
}

int
hold_lock(struct q *q, uint64_t first, uint64_t n)
{
	int rc;

	if ((rc = held_add(&q->held, first, n)) != 0)
		return (rc);
	if (lock_bytes(q->hold, F_OFD_SETLK, F_RDLCK, first, n, NULL) == 0)
		return (0);
	rc = fail_sys("lock on %s", name);
	held_remove(&q->held, first, n);
	return (rc);
}

void
hold_unlock(struct q *q, uint64_t first, uint64_t n)
{
	held_remove(&q->held, first, n);
	if (q->hold != -1)
		(void)lock_bytes(q->hold, F_OFD_SETLK, F_UNLCK, first, n, NULL);
}

void
hold_unlock_once(struct q *q, uint64_t id)
{
	held_remove(&q->held, id, 1);
	if (q->hold != -1 && !held_has(&q->held, id))
		(void)lock_bytes(q->hold, F_OFD_SETLK, F_UNLCK, id, 1, NULL);
}

/* To the file that is there now. If there is none, what was open stays: who takes next
 * makes it, and gives us time. */
static int
follow(struct q *q)
{
	struct stat named;

	if (fstatat(q->dir.fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return (errno == ENOENT ? 0 : fail_sys("%s", name));
	if (named.st_ino != q->hold_inode)
		hold_close(q);
	return (hold_open(q));
}

int
q_keep(struct q *q)
{
	return (q->hold == -1 ? 0 : follow(q));
}

int
hold_ready(struct q *q)
{
	int rc = follow(q);

	return (rc == 0 && q->hold == -1 ? fail(Q_EBUSY, "%s was removed", name) : rc);
}

int
q_hold(struct q *q, const uint64_t *ids, size_t n, int *out)
{
	int fd, rc;

	if ((rc = dir_open_file(q->dir.fd, name, O_RDONLY, &fd)) != 0)
		return (rc);
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && ids[i + run] == ids[i] + run;)
			run++;
		if (lock_bytes(fd, F_OFD_SETLK, F_RDLCK, ids[i], run, NULL) == 0)
			continue;
		rc = fail_sys("lock on %s", name);
		(void)close(fd);
		return (rc);
	}
	*out = fd;
	return (0);
}

void
q_unhold(int fd)
{
	if (fd == -1)
		return;
	/* Explicitly: descendants may have the descriptor open for long. */
	(void)lock_bytes(fd, F_OFD_SETLK, F_UNLCK, 0, 0, NULL);
	(void)close(fd);
}

bool
hold_alive(struct txn *t, uint64_t id, uint64_t *last)
{
	const struct boot *b = &t->meta.boot;
	struct q *q = t->q;
	struct stat st;
	struct flock l;

	*last = id;
	if (b->hold_since != 0 && t->now.boot < time_add(b->hold_since, GRACE))
		return (true);
	/* What cannot be asked is not known to be dead. Through a description of its
	 * own: a lock does not conflict with others of the same. */
	if ((q->probe == -1 &&
		dir_open_file(q->dir.fd, name, O_RDONLY, &q->probe) != 0) ||
	    fstat(q->probe, &st) != 0 || st.st_ino != b->hold_inode ||
	    lock_bytes(q->probe, F_OFD_GETLK, F_WRLCK, id, 1, &l) != 0)
		return (true);
	if (l.l_type == F_UNLCK)
		return (false);
	if (l.l_len == 0)
		*last = UINT64_MAX >> 1;
	else if ((uint64_t)l.l_start + (uint64_t)l.l_len > id)
		*last = (uint64_t)l.l_start + (uint64_t)l.l_len - 1;
	return (true);
}

bool
hold_is_coming(const struct txn *t, const struct state *s)
{
	return (s->flags & ST_OWNED && t->now.boot < time_add(s->began, COMING) &&
		hold_owner_alive(s->pid, s->owner_start, s->owner_ns));
}

int
hold_owner(pid_t pid, uint64_t *start, uint64_t *ns)
{
	struct proc p;

	if (pid <= 0 || proc_read(pid, &p) != 0 || proc_is_over(&p))
		return (fail(Q_EINVAL, "there is no process %d", (int)pid));
	*start = p.start;
	*ns = proc_namespace();
	return (0);
}

bool
hold_owner_alive(uint32_t pid, uint64_t start, uint64_t ns)
{
	struct proc p;

	if (proc_namespace() != ns)
		return (true);
	if (proc_read((pid_t)pid, &p) != 0) /* there is none, or it is hidden from us */
		return (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
	return (!proc_is_over(&p) && p.start == start);
}
