/* SPDX-License-Identifier: ISC */
/* Checking a queue: first the pages, by our own eyes; then, through LMDB, the rows;
 * then, without the lock, the large bodies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "books.h"
#include "error.h"
#include "lock.h"
#include "message.h"
#include "outcome.h"
#include "queue.h"

#include "check.h"

static int
order(const void *a, const void *b)
{
	const struct blob_row *x = a, *y = b;

	if (x->id != y->id)
		return (x->id < y->id ? -1 : 1);
	return ((int)x->output - (int)y->output);
}

/* Whether the file belongs to a message: then it is no orphan. */
static bool
is_named(const struct check *c, const char *name)
{
	const struct blob_row key = { .id = strtoull(name, NULL, 10),
		.output = strchr(name, '.') != NULL };

	return (c->blob_count > 0 &&
		bsearch(&key, c->blobs, c->blob_count, sizeof(key), order) != NULL);
}

static bool
is_orphan(const struct check *c, int dir, const char *name)
{
	const char *end = name + strspn(name, "0123456789");
	bool orphan;
	int fd;

	if (*end == '\0' || (end > name && strcmp(end, ".out") == 0))
		return (!is_named(c, name));
	if (strstr(name, ".tmp") == NULL)
		return (false);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	orphan = fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (fd != -1)
		(void)close(fd);
	return (orphan);
}

static void
put_away(int dir, const char *name, const char *keep)
{
	char to[NAME_MAX + 1];

	if (keep[0] == '\0')
		(void)unlinkat(dir, name, 0);
	else if ((size_t)snprintf(to, sizeof(to), "%s%s", name, keep) < sizeof(to))
		(void)renameat(dir, name, dir, to);
}

int
check_orphans(struct q *q, struct check *c, const char *keep)
{
	struct dirent *e;
	int dir, rc;
	DIR *d;

	rc = blob_dir(q, &dir);
	if (rc == Q_ECORRUPT)
		return (check_found(c, 0, "is missing", "directory blob"));
	if (rc == Q_EUNSAFE)
		return (check_found(c, 0, q_errmsg(), "directory blob"));
	if (rc != 0) /* it could not be looked at, which is no damage */
		return (rc);
	if ((d = dir_names(dir, ".")) == NULL)
		return (fail_sys("blob"));
	if (c->blob_count > 0)
		qsort(c->blobs, c->blob_count, sizeof(*c->blobs), order);
	c->public.orphans = 0;
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (!is_orphan(c, dir, e->d_name))
			continue;
		c->public.orphans++;
		if (keep != NULL)
			put_away(dir, e->d_name, keep);
	}
	rc = errno == 0 ? 0 : fail_sys("blob");
	(void)closedir(d);
	return (rc);
}

int
check_one_blob(struct q *q, const struct blob_row *blob)
{
	struct q_result r = { .id = blob->id, .blob = true, .size = blob->size };
	int fd = -1, rc;

	r.hash = blob->hash;
	rc = blob->output ? q_result_open(q, &r, &fd)
	                  : blob_open(q, blob->id, blob->size, blob->hash, &fd);
	if (rc == 0)
		(void)close(fd);
	return (rc);
}

/* What the rows say, when LMDB can be trusted with the pages. */
static int
check_rows(struct q *q, struct check *c)
{
	struct txn t = { .q = q };
	int rc;

	if ((rc = clock_read(&t.now)) != 0 || (rc = txn_open(&t)) != 0)
		return (
		    rc == Q_ECORRUPT ? check_found(c, 0, q_errmsg(), "data.mdb") : rc);
	if ((rc = books_check(&t, c)) == 0)
		rc = check_orphans(q, c, NULL);
	txn_close(&t);
	for (size_t i = 0; i < c->blob_count; i++)
		c->public.blobs += !c->blobs[i].output;
	return (rc);
}

int
check_data(struct q *q, struct check *c, bool *structured)
{
	struct structure s;
	int rc = structure_walk(q->dir.data, c, &s);

	*structured = false;
	if (rc == 0 && s.has_meta) {
		c->public.pages = s.walk.pages;
		for (uint64_t i = 0; i < s.walk.pages; i++)
			c->public.free += s.walk.seen[i] == WALK_FREE;
	}
	structure_close(&s);
	if (rc != 0 || c->public.found > 0)
		return (rc);
	*structured = true;
	return (check_rows(q, c));
}

const char *
check_blob_damage(const struct blob_row *blob)
{
	return (blob->output ? "is damaged (the file of its output)"
			     : "is damaged (the file of its body)");
}

/* Whether the row still names this very file. */
static int
names(struct txn *t, const struct blob_row *blob, bool *is)
{
	struct key k = key_id(blob->id);
	struct outcome o;
	struct message m;
	struct span v;
	int rc = txn_get(t, blob->output ? T_RESULT : T_BODY, key_span(&k), &v);

	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (blob->output)
		*is = outcome_decode(v.data, v.size, blob->id, &o) == 0 &&
		      o.flags & OUT_BLOB && o.hash == blob->hash;
	else
		*is = message_decode(v.data, v.size, blob->id, &m) == 0 &&
		      m.flags & MSG_BLOB;
	return (0);
}

/* Somebody may have ended the message since the rows were read, and removed its file.
 */
static int
still_there(struct q *q, const struct blob_row *blob, bool *there)
{
	struct txn t = { .q = q };
	int rc;

	*there = false;
	if ((rc = lock_take(q, LOCK_SH)) != 0)
		return (rc);
	if ((rc = clock_read(&t.now)) == 0 && (rc = txn_open(&t)) == 0) {
		rc = names(&t, blob, there);
		txn_close(&t);
	}
	lock_drop(q->dir.data);
	return (rc);
}

static int
check_blobs(struct q *q, struct check *c)
{
	bool there;
	int rc = 0;

	for (size_t i = 0; i < c->blob_count && rc == 0; i++) {
		const struct blob_row *blob = &c->blobs[i];

		if (blob->aside || (rc = check_one_blob(q, blob)) != Q_ECORRUPT)
			continue;
		rc = still_there(q, blob, &there);
		if (rc == 0 && there)
			rc = check_message(c, blob->id, check_blob_damage(blob));
	}
	return (rc);
}

int
q_check(struct q *q, struct q_check **out)
{
	struct check *c = NULL;
	bool structured = false;
	struct stat st;
	int rc;

	if ((rc = check_new(&c)) != 0)
		return (rc);
	if ((rc = lock_take(q, LOCK_SH)) == 0) {
		if ((rc = dir_check(&q->dir, &st)) == 0)
			rc = check_data(q, c, &structured);
		lock_drop(q->dir.data);
	}
	if (rc == 0 && structured)
		rc = check_blobs(q, c);
	if (rc != 0)
		q_check_free(&c->public);
	else
		*out = &c->public;
	return (rc);
}
