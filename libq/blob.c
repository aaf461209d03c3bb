/* SPDX-License-Identifier: ISC */
/* Large bodies: files of their own, written before the commit that names them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "hash.h"
#include "human.h"
#include "message.h"
#include "queue.h"

#include "blob.h"

enum { SWEEP_MOST = 256, COPY_SIZE = 1 << 17 };

static void
blob_name(uint64_t id, char name[64])
{
	(void)snprintf(name, 64, "blob/%llu", (unsigned long long)id);
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
	struct q *q = b->q;
	struct stat st;

	for (int i = 0; i < 100; i++) {
		(void)snprintf(b->name, sizeof(b->name), "blob/%d-%llx-%d.tmp",
		    (int)getpid(), (unsigned long long)clock_monotonic(), i);
		b->fd = openat(q->dir.fd, b->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (b->fd == -1 && errno == EEXIST)
			continue;
		if (b->fd == -1 || fchmod(b->fd, q->dir.mode) != 0 ||
		    flock(b->fd, LOCK_EX) != 0 || fstat(b->fd, &st) != 0)
			return (fail_sys("%s", b->name));
		if (st.st_nlink > 0)
			return (0);
		(void)close(b->fd);
	}
	return (fail(Q_ESYS, "%s: no free name", b->name));
}

int
q_blob_new(struct q *q, struct q_blob **out)
{
	struct q_blob *b;
	uint64_t limit;
	int rc;

	if ((rc = q_option_get(q, Q_OPT_MAX_BODY, &limit)) != 0)
		return (rc);
	if ((b = calloc(1, sizeof(*b))) == NULL ||
	    (b->hash = XXH3_createState()) == NULL) {
		free(b);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	b->q = q;
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
			return (fail_sys("%s", b->name));
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
		(void)unlinkat(b->q->dir.fd, b->name, 0);
	if (b->fd != -1)
		(void)close(b->fd);
	XXH3_freeState(b->hash);
	free(b);
}

int
blob_finish(struct q_blob *b)
{
	if (!b->flushed && fdatasync(b->fd) != 0)
		return (fail_sys("%s", b->name));
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
	int dir = b->q->dir.fd, fd;
	char name[64];
	int rc = 0;

	blob_name(id, name);
	if (renameat(dir, b->name, dir, name) != 0)
		return (fail_sys("%s", name));
	if ((fd = openat(dir, "blob", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    fsync(fd) != 0)
		rc = fail_sys("blob");
	if (fd != -1)
		(void)close(fd);
	if (rc != 0)
		blob_disown(b, id);
	return (rc);
}

void
blob_disown(struct q_blob *b, uint64_t id)
{
	char name[64];

	blob_name(id, name);
	(void)renameat(b->q->dir.fd, name, b->q->dir.fd, b->name);
}

void
blob_remove(struct q *q, const uint64_t *ids, size_t n)
{
	char name[64];

	/* Not flushed: what a crash brings back is an orphan, and swept. */
	for (size_t i = 0; i < n; i++) {
		blob_name(ids[i], name);
		(void)unlinkat(q->dir.fd, name, 0);
	}
}

/* Whether no living writer and no message needs the file. */
static bool
is_orphan(struct txn *t, int dirfd, const char *file)
{
	struct message m;
	struct span value;
	struct key key;
	char *end;
	uint64_t id = strtoull(file, &end, 10);
	bool orphan;
	int fd;

	if (*end == '\0' && id != 0) {
		key = key_id(id);
		if (txn_get(t, T_BODY, key_span(&key), &value) != 0)
			return (true);
		return (message_decode(value.data, value.size, id, &m) == 0 &&
			!(m.flags & MSG_BLOB));
	}
	if (strstr(file, ".tmp") == NULL ||
	    (fd = openat(
		 dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return (false);
	orphan = flock(fd, LOCK_EX | LOCK_NB) == 0;
	(void)close(fd);
	return (orphan);
}

void
blob_sweep(struct txn *t)
{
	struct dirent *e;
	DIR *d;
	int fd, looked = 0;

	if ((fd = openat(t->q->dir.fd, "blob", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1)
		return;
	if ((d = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while (looked < SWEEP_MOST && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		looked++;
		if (is_orphan(t, fd, e->d_name))
			(void)unlinkat(fd, e->d_name, 0);
	}
	(void)closedir(d);
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

int
q_msg_open(struct q *q, const struct q_msg *msg, int *out)
{
	char name[64];
	int fd, rc;

	if (!msg->blob)
		return (fail(
		    Q_EINVAL, "message %llu has no file", (unsigned long long)msg->id));
	blob_name(msg->id, name);
	if ((rc = dir_open_file(q->dir.fd, name, O_RDONLY, &fd)) != 0)
		return (rc == Q_ESYS && errno == ENOENT
			    ? fail(Q_ECORRUPT,
				  "message %llu: the file of its body is missing",
				  (unsigned long long)msg->id)
			    : rc);
	if ((rc = verify(fd, msg->size, msg->blob_hash)) != 0) {
		(void)close(fd);
		return (rc);
	}
	*out = fd;
	return (0);
}
