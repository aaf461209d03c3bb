/* SPDX-License-Identifier: ISC */
/*
 * Repair: a new data file is built beside the damaged one, looked at in the same way,
 * and exchanged with it in one step. Whatever happens before that changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "blob.h"
#include "check.h"
#include "error.h"
#include "lock.h"
#include "option.h"
#include "queue.h"
#include "salvage.h"
#include "space.h"

static const char under_way[] = "data.mdb.repair";

/* The large bodies, here with the lock: what is found is acted on. */
static int
check_blobs(struct q *q, struct check *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->blob_count && rc == 0; i++) {
		const struct blob_row *b = &c->blobs[i];

		if (b->aside || (rc = check_one_blob(q, b)) != Q_ECORRUPT)
			continue;
		rc = check_message(c, b->id, check_blob_damage(b));
	}
	return (rc);
}

/* An empty data file of this queue, opened as one. */
static int
side_open(struct q *q, struct q *side)
{
	struct stat st;
	int fd;

	*side = (struct q){ .dir = q->dir, .hold = -1, .probe = -1, .blob = -1 };
	side->ctl = (struct ctl){ .fd = -1, .slot = -1 };
	side->dir.name = under_way;
	side->dir.data = -1;
	(void)unlinkat(q->dir.fd, under_way, 0); /* of a repair that died */
	fd = openat(q->dir.fd, under_way,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return (fail_sys("%s", under_way));
	side->dir.data = fd;
	/* Nobody may begin on it before all is done. */
	if (dir_give(&q->dir, fd) != 0 || flock(fd, LOCK_EX) != 0 ||
	    fstat(fd, &st) != 0)
		return (fail_sys("%s", under_way));
	side->dir.dev = st.st_dev;
	side->dir.inode = st.st_ino;
	return (store_open(&side->store, fd, 0, false, true));
}

static int
fill(struct q *q, struct q *side, struct check *c)
{
	struct salvage s = { .q = q, .check = c };
	int rc;

	s.t = (struct txn){ .q = side, .write = true, .pid = (uint32_t)getpid() };
	s.t.meta.next = s.t.meta.boot.number = 1;
	option_defaults(s.t.meta.option);
	/* A power cut leaves no new file: one flush, in the end. */
	(void)mdb_env_set_flags(side->store.env, MDB_NOSYNC, 1);
	if ((rc = clock_read(&s.t.now)) != 0)
		return (rc);
	rc = store_code(mdb_txn_begin(side->store.env, NULL, 0, &s.t.mdb), "begin");
	if (rc != 0)
		return (rc);
	if ((rc = salvage_read(&s, q->dir.data)) != 0 || (rc = salvage_end(&s)) != 0)
		txn_close(&s.t);
	else
		rc = txn_commit(&s.t, false);
	return (rc);
}

/* Fill it, flush it, and read it as if it were somebody else's. */
static int
build(struct q *q, struct q *side, struct check *c, struct check *again)
{
	uint64_t end;
	bool structured;
	int rc;

	if ((rc = fill(q, side, c)) != 0)
		return (rc);
	end = store_end(&side->store);
	store_close(&side->store);
	if ((rc = space_allocate(
		 side->dir.data, end, end + (uint64_t)2 * SPACE_RESERVE)) != 0)
		return (rc);
	if (fsync(side->dir.data) != 0)
		return (fail_sys("%s", under_way));
	if ((rc = check_data(side, again, &structured)) != 0)
		return (rc);
	if (again->public.found > 0)
		return (fail(Q_ECORRUPT,
		    "what was repaired is not sound (%s %s); "
		    "nothing was changed",
		    again->list[0].object, again->list[0].what));
	return (0);
}

/* In one step, where the file system can; else there is no data.mdb for a moment. */
static int
exchange(const struct q *q, const char *kept)
{
	int dir = q->dir.fd;

	if (renameat(dir, under_way, dir, kept) != 0)
		return (fail_sys("%s", kept));
	if (dir_exchange(dir, "data.mdb", kept) == 0)
		return (fsync(dir) == 0 ? 0 : fail_sys("cannot flush"));
	if (errno != EINVAL && errno != ENOSYS)
		return (fail_sys("data.mdb"));
	if (renameat(dir, kept, dir, under_way) != 0 ||
	    renameat(dir, "data.mdb", dir, kept) != 0 ||
	    renameat(dir, under_way, dir, "data.mdb") != 0 || fsync(dir) != 0)
		return (fail_sys("data.mdb"));
	return (0);
}

/* What an earlier repair has kept stays, though it be of the same second. */
static int
keep_name(const struct q *q, struct check *c)
{
	struct timespec now;
	struct tm tm;
	char text[64], name[80];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm) == NULL ||
	    strftime(text, sizeof(text), "data.mdb.damaged-%Y%m%dT%H%M%SZ", &tm) == 0)
		return (fail(Q_ESYS, "the time of day is out of range"));
	(void)snprintf(name, sizeof(name), "%s", text);
	for (unsigned n = 2; faccessat(q->dir.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	     n++)
		(void)snprintf(name, sizeof(name), "%s-%u", text, n);
	c->public.kept = strdup(name);
	return (c->public.kept != NULL ? 0 : fail(Q_ENOMEM, "out of memory"));
}

/* What belonged to a lost record may be all there is left of it. */
static bool
lost_output(const struct check *c)
{
	for (size_t i = 0; i < c->blob_count; i++)
		if (c->blobs[i].output && c->blobs[i].aside)
			return (true);
	return (false);
}

static int
rebuild(struct q *q, struct check *c, bool structured)
{
	struct check *again = NULL;
	struct q side;
	int rc;

	if ((rc = check_new(&again)) != 0)
		return (rc);
	if ((rc = side_open(q, &side)) != 0 || (rc = build(q, &side, c, again)) != 0 ||
	    (rc = keep_name(q, c)) != 0 || (rc = exchange(q, c->public.kept)) != 0)
		(void)unlinkat(q->dir.fd, under_way, 0);
	else
		rc = check_orphans(q, again,
		    structured && !lost_output(c) ? "" : strrchr(c->public.kept, '.'));
	store_close(&side.store);
	if (side.dir.data != -1)
		(void)close(side.dir.data);
	if (side.blob != -1)
		(void)close(side.blob);
	q_check_free(&again->public);
	return (rc);
}

/* In place of one that is gone: whose the queue's is, as far as we may say. */
static int
make_blob(struct q *q)
{
	struct stat st;
	int fd, rc;

	if (blob_dir(q, &fd) != Q_ECORRUPT)
		return (0);
	if (mkdirat(q->dir.fd, "blob", 0700) != 0)
		return (fail_sys("blob"));
	if ((rc = blob_dir(q, &fd)) != 0)
		return (rc);
	if (fstat(q->dir.fd, &st) != 0)
		return (fail_sys("blob"));
	(void)fchown(fd, st.st_uid, st.st_gid);
	if (fchmod(fd, st.st_mode & 07777) != 0 || fsync(q->dir.fd) != 0)
		return (fail_sys("blob"));
	return (0);
}

static int
repair(struct q *q, struct check *c)
{
	bool structured;
	struct stat st;
	int rc;

	if ((rc = dir_check(&q->dir, &st)) != 0 ||
	    (rc = check_data(q, c, &structured)) != 0 ||
	    (rc = check_blobs(q, c)) != 0 || (rc = make_blob(q)) != 0)
		return (rc);
	store_close(&q->store);
	return (
	    c->public.found > 0 ? rebuild(q, c, structured) : check_orphans(q, c, ""));
}

int
q_repair(struct q *q, struct q_check **out)
{
	struct check *c = NULL;
	int rc;

	if (q->flags & Q_RDONLY)
		return (fail(Q_EACCES, "opened to look only"));
	if ((rc = check_new(&c)) != 0)
		return (rc);
	if ((rc = lock_take(q, LOCK_EX)) == 0) {
		rc = repair(q, c);
		lock_drop(q->dir.data);
	}
	if (rc != 0) {
		q_check_free(&c->public);
		return (store_public(rc));
	}
	*out = &c->public;
	return (0);
}
