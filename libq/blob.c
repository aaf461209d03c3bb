/* SPDX-License-Identifier: ISC */
/* Large bodies: files of their own, written before the commit that names them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "hash.h"
#include "human.h"
#include "queue.h"

#include "blob.h"

enum { COPY_SIZE = 1 << 17 };

static void
blob_name(uint64_t id, bool output, char name[64])
{
	(void)snprintf(
	    name, 64, "%llu%s", (unsigned long long)id, output ? ".out" : "");
}

int
blob_dir(struct q *q, int *fd)
{
	struct stat st;
	int rc = 0;

	if (q->blob == -1) {
		q->blob = openat(
		    q->dir.fd, "blob", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (q->blob == -1 && (errno == ENOTDIR || errno == ELOOP))
			return (fail(Q_EUNSAFE, "blob is not a directory; refused"));
		if (q->blob == -1 && errno == ENOENT) {
			rc = dir_check(&q->dir, &st);
			return (rc != 0
				    ? rc
				    : fail(Q_ECORRUPT, "its directory blob is missing; "
						       "run 'qctl check'"));
		}
		if (q->blob == -1)
			return (fail_sys("blob"));
		if (fstat(q->blob, &st) != 0)
			rc = fail_sys("blob");
		else if (st.st_mode & S_IWOTH)
			rc = fail(Q_EUNSAFE, "blob is writable by others; refused");
	}
	if (rc != 0) {
		(void)close(q->blob);
		q->blob = -1;
	}
	*fd = q->blob;
	return (rc);
}

int
q_blob_threshold(struct q *q, uint64_t *size)
{
	return (q_option_get(q, Q_OPT_INLINE, size));
}

/*
 * A name nobody has: the clock and the pid make one, O_EXCL proves it. A sweeper may
 * find the file before our lock is on it and remove it: then another.
 */
static int
create(struct q_blob *b)
{
	struct stat st;

	for (int i = 0; i < 100; i++) {
		(void)snprintf(b->name, sizeof(b->name), "%d-%llx-%d.tmp",
		    (int)getpid(), (unsigned long long)clock_monotonic(), i);
		b->fd = openat(b->dir, b->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (b->fd == -1 && errno == EEXIST)
			continue;
		if (b->fd == -1 || dir_give(&b->q->dir, b->fd) != 0 ||
		    flock(b->fd, LOCK_EX) != 0 || fstat(b->fd, &st) != 0)
			return (fail_sys("blob/%s", b->name));
		if (st.st_nlink > 0)
			return (0);
		(void)close(b->fd);
		b->fd = -1;
	}
	return (fail(Q_ESYS, "blob/%s: no free name", b->name));
}

static int new (struct q *q, uint64_t limit, struct q_blob **out)
{
	struct q_blob *b;
	int dir = -1, rc;

	if (q->flags & Q_RDONLY)
		return (fail(Q_EACCES, "opened to look only"));
	if ((rc = blob_dir(q, &dir)) != 0)
		return (rc);
	blob_sweep(q);
	if ((b = calloc(1, sizeof(*b))) == NULL ||
	    (b->hash = XXH3_createState()) == NULL) {
		free(b);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	b->q = q;
	b->dir = dir;
	b->fd = -1;
	b->limit = limit;
	(void)XXH3_64bits_reset(b->hash);
	if ((rc = create(b)) != 0) {
		q_blob_free(b);
		return (rc);
	}
	*out = b;
	return (0);
}

int
q_blob_new(struct q *q, struct q_blob **out)
{
	uint64_t limit;
	int rc = q_option_get(q, Q_OPT_MAX_BODY, &limit);

	return (rc == 0 ? new (q, limit, out) : rc);
}

int
q_blob_output(struct q *q, struct q_blob **out)
{
	int rc = new (q, 0, out);

	if (rc == 0)
		(*out)->output = true;
	return (rc);
}

int
q_blob_write(struct q_blob *b, const void *data, size_t size)
{
	const uint8_t *p = data;
	char limit[HUMAN_SIZE];
	ssize_t n;

	if (b->limit != 0 && size > b->limit - b->size)
		return (fail(Q_ETOOBIG, "message is over the queue's limit of %s",
		    human_size(limit, b->limit)));
	(void)XXH3_64bits_update(b->hash, data, size);
	b->size += size;
	while (size > 0) {
		if ((n = write(b->fd, p, size)) == -1) {
			if (errno == EINTR)
				continue;
			return (b->failed = fail_sys("%s", b->name));
		}
		p += n;
		size -= (size_t)n;
	}
	return (0);
}

uint64_t
q_blob_size(const struct q_blob *b)
{
	return (b->size);
}

void
q_blob_free(struct q_blob *b)
{
	if (b == NULL)
		return;
	if (b->name[0] != '\0' && b->fd != -1)
		(void)unlinkat(b->dir, b->name, 0);
	if (b->fd != -1)
		(void)close(b->fd);
	XXH3_freeState(b->hash);
	free(b);
}

int
blob_check(const struct q_blob *b, bool output)
{
	if (b->output != output)
		return (fail(Q_EINVAL, output ? "the blob is not one for an output"
					      : "the blob is one for an output"));
	/* An output is settled again, by another handle, when its commit has failed. */
	if (!output && b->id != 0)
		return (fail(Q_EINVAL, "the blob is that of message %llu",
		    (unsigned long long)b->id));
	return (0);
}

int
blob_finish(struct q_blob *b)
{
	if (b->failed != 0)
		return (fail(b->failed, "%s: an earlier write failed", b->name));
	/* Not fdatasync(): whose it is and who may read it counts, too. */
	if (!b->flushed && fsync(b->fd) != 0)
		return (b->failed = fail_sys("%s", b->name));
	b->flushed = true;
	return (0);
}

uint64_t
blob_hash(const struct q_blob *b)
{
	return (XXH3_64bits_digest(b->hash));
}

int
blob_adopt(struct q_blob *b, uint64_t id)
{
	char name[64];
	int rc;

	blob_name(id, b->output, name);
	if (renameat(b->dir, b->name, b->dir, name) != 0)
		return (fail_sys("blob/%s", name));
	b->id = id;
	if (fsync(b->dir) == 0)
		return (0);
	rc = fail_sys("blob");
	blob_disown(b);
	return (rc);
}

void
blob_disown(struct q_blob *b)
{
	char name[64];

	if (b->id == 0)
		return;
	blob_name(b->id, b->output, name);
	(void)renameat(b->dir, name, b->dir, b->name);
	b->id = 0;
}

void
blob_remove(struct q *q, const struct file *files, size_t n, bool output)
{
	char name[64];
	int dir = -1;

	if (n == 0 || blob_dir(q, &dir) != 0)
		return;
	/* Not flushed: what a crash brings back is an orphan, and swept. */
	for (size_t i = 0; i < n; i++) {
		if (files[i].output != output)
			continue;
		blob_name(files[i].id, files[i].output, name);
		(void)unlinkat(dir, name, 0);
	}
}

/* Read the whole and compare: a body is right or not given at all. */
static int
verify(int fd, uint64_t size, uint64_t hash)
{
	static const char damaged[] = "the file of a large body is damaged";
	XXH3_state_t *state = XXH3_createState();
	uint8_t *buf = malloc(COPY_SIZE);
	uint64_t total = 0;
	ssize_t n = 0;
	int rc = 0;

	if (state == NULL || buf == NULL)
		rc = fail(Q_ENOMEM, "out of memory");
	else
		(void)XXH3_64bits_reset(state);
	while (rc == 0 && (n = read(fd, buf, COPY_SIZE)) != 0) {
		if (n == -1) {
			rc = errno == EINTR ? 0 : fail_sys("blob");
			continue;
		}
		(void)XXH3_64bits_update(state, buf, (size_t)n);
		total += (uint64_t)n;
	}
	if (rc == 0 && (total != size || XXH3_64bits_digest(state) != hash))
		rc = fail(Q_ECORRUPT, damaged);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) == -1)
		rc = fail_sys("blob");
	XXH3_freeState(state);
	free(buf);
	return (rc);
}

/* what is "message 7", or "the result of message 7". */
static int
open_checked(struct q *q, struct file file, uint64_t size, uint64_t hash,
    const char *what, int *out)
{
	char name[64];
	int dir = -1, fd = -1, rc;

	if ((rc = blob_dir(q, &dir)) != 0)
		return (
		    rc == Q_ECORRUPT ? fail(rc, "%s: its file is missing", what) : rc);
	blob_name(file.id, file.output, name);
	/* Something else in its place is no reason to try this message again and again.
	 */
	if ((rc = dir_open_file(dir, name, O_RDONLY, &fd)) == Q_EUNSAFE)
		return (fail(Q_ECORRUPT, "%s: blob/%s is not its file", what, name));
	if (rc != 0)
		return (rc == Q_ESYS && errno == ENOENT
			    ? fail(Q_ECORRUPT, "%s: its file is missing", what)
			    : rc);
	if ((rc = verify(fd, size, hash)) != 0) {
		(void)close(fd);
		return (
		    rc == Q_ECORRUPT ? fail(rc, "%s is damaged (its file)", what) : rc);
	}
	*out = fd;
	return (0);
}

int
blob_open(struct q *q, uint64_t id, uint64_t size, uint64_t hash, int *out)
{
	const struct file file = { id, false };
	char what[64];

	(void)snprintf(what, sizeof(what), "message %llu", (unsigned long long)id);
	return (open_checked(q, file, size, hash, what, out));
}

/* Its file goes with it, whoever is about to read it. */
static bool
has_ended(struct q *q, uint64_t id)
{
	struct key k = key_id(id);
	struct span v;
	struct txn t;
	bool has;

	if (txn_begin(q, &t) != 0)
		return (false);
	has = txn_get(&t, T_BODY, key_span(&k), &v) == STORE_NONE;
	txn_abort(&t);
	return (has);
}

int
q_msg_open(struct q *q, const struct q_msg *msg, int *out)
{
	char why[Q_MAX_REASON];
	int rc;

	if (!msg->blob)
		return (fail(
		    Q_EINVAL, "message %llu has no file", (unsigned long long)msg->id));
	rc = blob_open(q, msg->id, msg->size, msg->blob_hash, out);
	if (rc != Q_ECORRUPT)
		return (rc);
	(void)snprintf(why, sizeof(why), "%s", q_errmsg());
	return (has_ended(q, msg->id)
		    ? fail(Q_ENOENT, "no such message (done, expired or purged)")
		    : fail(rc, "%s", why));
}

int
q_result_open(struct q *q, const struct q_result *result, int *out)
{
	const struct file file = { result->id, true };
	char what[64];

	(void)snprintf(what, sizeof(what), "the result of message %llu",
	    (unsigned long long)result->id);
	if (!result->blob)
		return (fail(Q_EINVAL, "%s has no file", what));
	return (open_checked(q, file, result->size, result->hash, what, out));
}
