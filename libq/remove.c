/* SPDX-License-Identifier: ISC */
/*
 * Removing a queue: under its lock it gets another name, so that it is gone at once and
 * whole; then its files go. What dies meanwhile leaves what the next creator of such a
 * queue removes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create.h"
#include "error.h"
#include "lock.h"
#include "queue.h"
#include "txn.h"

#include "remove.h"

/* The files of a queue; a name that ends in '*' is of all that begin so. */
static const char *const files[] = { "data.mdb", "data.mdb.damaged-*",
	"data.mdb.repair", "hold", "ctl", "ctl.*", "lock.mdb" };

static bool
is_like(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return (strncmp(name, pattern, n - 1) == 0);
	return (strcmp(name, pattern) == 0);
}

static bool
is_file(const char *name)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (is_like(name, files[i]))
			return (true);
	return (false);
}

/* ID or ID.out, the same with .damaged-TIME, or what is being written,
 * PID-TIME-N.tmp. */
static bool
is_blob(const char *name)
{
	const char *end = name + strspn(name, "0123456789");

	if (end == name)
		return (false);
	if (strncmp(end, ".out", 4) == 0)
		end += 4;
	return (*end == '\0' || *end == '-' || is_like(end, ".damaged-*"));
}

/* NULL at the end, with errno 0, or an error. */
static struct dirent *
next_name(DIR *d)
{
	struct dirent *e;

	while (errno = 0, (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			break;
	return (e);
}

static void
remove_files(int parent, const char *name, bool (*ours)(const char *))
{
	DIR *d = dir_names(parent, name);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = next_name(d)) != NULL)
		if (ours(e->d_name))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (ours == is_file) {
		remove_files(dirfd(d), "blob", is_blob);
		(void)unlinkat(dirfd(d), "blob", AT_REMOVEDIR);
	}
	(void)closedir(d);
}

void
remove_tree(int parent, const char *name)
{
	remove_files(parent, name, is_file);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* Whoever keeps something of his own here has made a mistake, or we are in one. */
static int
check_names(int parent, const char *name, bool (*ours)(const char *))
{
	DIR *d = dir_names(parent, name);
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return (errno == ENOENT ? 0 : fail_sys("%s", name));
	while (rc == 0 && (e = next_name(d)) != NULL) {
		if (ours == is_file && strcmp(e->d_name, "blob") == 0)
			rc = check_names(dirfd(d), "blob", is_blob);
		else if (!ours(e->d_name))
			rc = fail(Q_EUNSAFE,
			    "'%.64s' in it is not of a queue; nothing was removed",
			    e->d_name);
	}
	if (rc == 0 && errno != 0)
		rc = fail_sys("%s", name);
	(void)closedir(d);
	return (rc);
}

/* Somebody has a byte of the file hold locked: a worker, with a message. */
static int
check_holders(const struct q *q)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd, rc;

	if ((rc = dir_open_file(q->dir.fd, "hold", O_RDONLY, &fd)) != 0)
		return (errno == ENOENT ? 0 : rc);
	if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
		rc = fail_sys("hold");
	else if (lock.l_type != F_UNLCK)
		rc = fail(Q_EBUSY,
		    "a worker has message %lld; nothing was removed "
		    "(with --force it is, all the same)",
		    (long long)lock.l_start);
	(void)close(fd);
	return (rc);
}

/* Another program's database is called data.mdb, too. */
static int
check_sound(struct q *q)
{
	struct txn t;
	int rc = txn_begin(q, &t);

	if (rc == 0)
		txn_abort(&t);
	return (rc == Q_ECORRUPT ? fail(rc, "it is damaged; nothing was removed "
					    "(with --force it is, all the same)")
				 : rc);
}

/* The path leads to this very directory, by its own name. */
static int
check_path(const struct q *q, int parent, const char *base)
{
	struct stat named, ours;

	if (fstatat(parent, base, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstat(q->dir.fd, &ours) != 0)
		return (fail_sys("%s", base));
	if (!S_ISDIR(named.st_mode))
		return (fail(Q_EUNSAFE, "a symbolic link; nothing was removed"));
	if (named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
		return (fail(Q_ENOQUEUE, "it was replaced; nothing was removed"));
	return (0);
}

static int
rename_away(const struct q *q, int parent, const char *base)
{
	char temp[64], prefix[CREATE_PREFIX];
	unsigned long long tag;
	struct stat st;
	int rc;

	if ((rc = dir_check(&q->dir, &st)) != 0 ||
	    (rc = check_path(q, parent, base)) != 0)
		return (rc);
	if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
		return (fail_sys("random"));
	create_prefix(base, prefix);
	(void)snprintf(temp, sizeof(temp), "%s%llx", prefix, tag);
	if (renameat(parent, base, parent, temp) != 0)
		return (fail_sys("cannot remove"));
	if (fsync(parent) != 0)
		return (fail_sys("cannot flush the removal"));
	remove_tree(parent, temp);
	return (0);
}

static int
remove_at(struct q *q, const char *path, bool force)
{
	char *copy = strdup(path), *other = strdup(path);
	int parent = -1, rc;

	if (copy == NULL || other == NULL) {
		rc = fail(Q_ENOMEM, "out of memory");
		goto out;
	}
	parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent == -1) {
		rc = fail_sys("%s", copy);
		goto out;
	}
	if ((rc = check_names(q->dir.fd, ".", is_file)) != 0 ||
	    (!force && (rc = check_sound(q)) != 0) || (rc = lock_take(q, LOCK_EX)) != 0)
		goto out;
	if (force || (rc = check_holders(q)) == 0)
		rc = rename_away(q, parent, basename(other));
	lock_drop(q->dir.data);
out:
	if (parent != -1)
		(void)close(parent);
	free(copy);
	free(other);
	return (rc);
}

int
q_remove(const char *path, const struct q_open *args)
{
	struct q_open open = args != NULL ? *args : (struct q_open){ 0 };
	struct q *q;
	int rc;

	open.flags &= ~(unsigned)(Q_CREATE | Q_EXCL | Q_RDONLY);
	if ((rc = q_open(path, &open, &q)) != 0)
		return (rc);
	rc = remove_at(q, path, open.flags & Q_FORCE);
	q_close(q);
	return (rc);
}
