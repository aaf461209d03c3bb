/* SPDX-License-Identifier: ISC */
/*
 * Backup: a queue of its own, of one moment. Large bodies are copied first, for those
 * of messages never change; under the lock only what came meanwhile, and the data file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "create.h"
#include "error.h"
#include "queue.h"
#include "space.h"
#include "txn.h"

struct backup {
	struct q *q;
	const struct q_open *args;
};

enum { PIECE = 1 << 20 };

/* By reading and writing, where the kernel cannot copy. */
static int
copy_piece(int from, int to, uint64_t size)
{
	uint8_t *buf = malloc(PIECE);
	ssize_t n = 0;
	int rc = 0;

	if (buf == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	while (rc == 0 && size > 0 &&
	       (n = read(from, buf, size < PIECE ? (size_t)size : PIECE)) > 0) {
		for (ssize_t done = 0, w; done < n && rc == 0; done += w)
			if ((w = write(to, buf + done, (size_t)(n - done))) <= 0)
				rc = fail_sys("cannot write the backup");
		size -= (uint64_t)n;
	}
	if (rc == 0 && n == -1)
		rc = fail_sys("cannot read");
	free(buf);
	return (rc);
}

/* size bytes, or all there are, from where both are; flushed. */
static int
copy(int from, int to, uint64_t size)
{
	uint64_t left = size;
	ssize_t n = 1;
	int rc = 0;

	while (left > 0 && n > 0) {
		n = copy_file_range(from, NULL, to, NULL,
		    left < SSIZE_MAX / 2 ? (size_t)left : SSIZE_MAX / 2, 0);
		if (n > 0)
			left -= (uint64_t)n;
	}
	if (n == -1 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return (fail_sys("cannot write the backup"));
	if (n == -1)
		rc = copy_piece(from, to, left);
	return (rc == 0 && fsync(to) != 0 ? fail_sys("cannot flush the backup") : rc);
}

/*
 * What is looked at again may be of another end of the message, if an output; or of
 * another push, where that before died, or failed, with the id. Some file systems know
 * no parts of a second.
 */
static bool
is_same(int from_dir, int to_dir, const char *name)
{
	struct stat from, to;

	return (
	    fstatat(from_dir, name, &from, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(to_dir, name, &to, AT_SYMLINK_NOFOLLOW) == 0 &&
	    from.st_size == to.st_size && from.st_mtim.tv_sec == to.st_mtim.tv_sec &&
	    (from.st_mtim.tv_nsec == to.st_mtim.tv_nsec || to.st_mtim.tv_nsec == 0));
}

static int
copy_file(const struct backup *b, int from, int to, const char *name)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;
	int rc;

	if (fchmod(to, b->args->mode & 0666) != 0 ||
	    (b->args->has_group && fchown(to, (uid_t)-1, b->args->group) != 0) ||
	    fstat(from, &st) != 0)
		return (fail_sys("blob/%s", name));
	if ((rc = copy(from, to, UINT64_MAX)) != 0)
		return (rc);
	times[1] = st.st_mtim; /* is_same() compares it */
	return (futimens(to, times) == 0 ? 0 : fail_sys("blob/%s", name));
}

/* A file of the queue's that others may have removed: then there is nothing to do. */
static int
copy_blob(const struct backup *b, int from_dir, int to_dir, const char *name)
{
	int from = -1, to, rc;

	if (!is_same(from_dir, to_dir, name))
		(void)unlinkat(to_dir, name, 0);
	to = openat(
	    to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1)
		return (errno == EEXIST ? 0 : fail_sys("blob/%s", name));
	rc = dir_open_file(from_dir, name, O_RDONLY, &from);
	if (rc != 0) {
		rc = errno == ENOENT && rc == Q_ESYS ? 0 : rc;
		(void)unlinkat(to_dir, name, 0);
	} else {
		rc = copy_file(b, from, to, name);
	}
	if (from != -1)
		(void)close(from);
	(void)close(to);
	return (rc);
}

/* ID, or ID.out. */
static bool
is_named(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return (n > 0 && (name[n] == '\0' || strcmp(name + n, ".out") == 0));
}

/* Those that the backup does not have yet. */
static int
copy_blobs(const struct backup *b, int to_dir)
{
	int dir, to, rc;
	struct dirent *e;
	DIR *d;

	if ((rc = blob_dir(b->q, &dir)) != 0)
		return (rc);
	if ((d = dir_names(dir, ".")) == NULL)
		return (fail_sys("blob"));
	to = openat(to_dir, "blob", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to == -1)
		rc = fail_sys("blob");
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (is_named(e->d_name))
			rc = copy_blob(b, dir, to, e->d_name);
	if (rc == 0 && errno != 0)
		rc = fail_sys("blob");
	if (to != -1)
		(void)close(to);
	(void)closedir(d);
	return (rc);
}

static int
copy_data(const struct backup *b, int dir, int data)
{
	uint64_t end, reserve;
	struct txn t;
	int rc;

	/* This checks, too, that there is something worth keeping. */
	if ((rc = txn_begin(b->q, &t)) != 0)
		return (rc);
	end = store_end(&b->q->store);
	reserve = SPACE_RESERVE +
	          space_reserve(end, txn_entries(&t, T_BODY), txn_entries(&t, T_MSG));
	if ((rc = copy_blobs(b, dir)) == 0 && lseek(b->q->dir.data, 0, SEEK_SET) != 0)
		rc = fail_sys("data.mdb");
	if (rc == 0)
		rc = copy(b->q->dir.data, data, end);
	txn_abort(&t);
	return (rc == 0 ? space_allocate(data, end, end + reserve) : rc);
}

static int
fill(void *arg, int dir, int data, uint64_t hold_inode)
{
	const struct backup *b = arg;
	int rc = copy_blobs(b, dir);

	(void)hold_inode; /* another than recorded: held leases end in a minute */
	return (rc == 0 ? copy_data(b, dir, data) : rc);
}

int
q_backup(struct q *q, const char *path)
{
	struct q_open args = { .flags = Q_EXCL };
	struct backup b = { q, &args };
	struct stat st;

	if (fstat(q->dir.fd, &st) != 0)
		return (fail_sys("stat"));
	args.flags |= q->flags & Q_FORCE;
	args.mode = st.st_mode & 0777;
	args.has_group = st.st_mode & S_ISGID;
	args.group = st.st_gid;
	return (create_filled(path, &args, fill, &b));
}
