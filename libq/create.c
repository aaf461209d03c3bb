/* SPDX-License-Identifier: ISC */
/*
 * Creation is atomic: the directory is built under a temporary name beside its place,
 * committed and flushed, and then renamed. A creator locks what it builds, so that the
 * next one can tell, and remove, what a dead one left.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "error.h"
#include "hash.h"
#include "meta.h"
#include "option.h"
#include "remove.h"
#include "space.h"

#include "create.h"

struct site {
	char *parent, *base;        /* of the path */
	char prefix[CREATE_PREFIX]; /* of temporary names for this base, which may be
	                               long */
	int parent_fd;
	char temp[64];
	int fd; /* of the directory under its temporary name, locked */
	mode_t mode;
};

static void
site_free(struct site *s)
{
	if (s->fd != -1)
		(void)close(s->fd);
	if (s->parent_fd != -1)
		(void)close(s->parent_fd);
	free(s->parent);
	free(s->base);
}

void
create_prefix(const char *base, char prefix[CREATE_PREFIX])
{
	(void)snprintf(prefix, CREATE_PREFIX, ".q%016llx.",
	    (unsigned long long)hash_record(base, strlen(base), 0));
}

/* "a/b/" is b in a; "b" is b in ".". */
static int
site_split(const char *path, struct site *s)
{
	char *copy = strdup(path), *other = strdup(path);
	int rc = 0;

	if (copy == NULL || other == NULL ||
	    (s->parent = strdup(dirname(copy))) == NULL ||
	    (s->base = strdup(basename(other))) == NULL)
		rc = fail(Q_ENOMEM, "out of memory");
	else if (strlen(s->base) > NAME_MAX)
		rc = fail(Q_EINVAL, "the name of the queue is too long");
	else
		create_prefix(s->base, s->prefix);
	free(copy);
	free(other);
	return (rc);
}

/* Flush the names in a directory. */
static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd != -1 && fsync(fd) == 0 ? 0 : fail_sys("%s", path);

	if (fd != -1)
		(void)close(fd);
	return (rc);
}

/* Make one directory that a power cut cannot take back. */
static int
make_dir(const char *path, const char *parent)
{
	if (mkdir(path, 0700) == 0)
		(void)chmod(path, 0700); /* a umask may have taken what we need */
	else if (errno != EEXIST)
		return (fail_sys("%s", path));
	return (sync_dir(parent));
}

/*
 * The parents of a queue that is named, not pathed, are ours to make. The first that is
 * there may be of somebody who died before he flushed its name; those above it are
 * older. Where that cannot be flushed, we did not make it.
 */
static int
make_parents(const char *path)
{
	char *copy, *up;
	int rc = 0;

	if ((copy = strdup(path)) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	up = dirname(copy);
	if (access(path, F_OK) == 0) {
		rc = sync_dir(up);
		if (rc == Q_EACCES || (rc == Q_ESYS && errno == EINVAL))
			rc = 0;
	} else if (strcmp(up, path) == 0) { /* "/", or the "." of one that is gone */
		rc = fail_sys("%s", path);
	} else if ((rc = make_parents(up)) == 0) {
		rc = make_dir(path, up);
	}
	free(copy);
	return (rc);
}

/* Remove what creators of this queue left when they died: it is not locked any more. */
static void
sweep(const struct site *s)
{
	size_t n = strlen(s->prefix);
	struct dirent *e;
	DIR *d = dir_names(s->parent_fd, ".");

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		int temp;

		if (strncmp(e->d_name, s->prefix, n) != 0)
			continue;
		temp = openat(s->parent_fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (temp == -1)
			continue;
		if (flock(temp, LOCK_EX | LOCK_NB) == 0)
			remove_tree(s->parent_fd, e->d_name);
		(void)close(temp);
	}
	(void)closedir(d);
}

/* A sweeper may find the directory before our lock is on it and remove it: then
 * another. */
static int
open_temp(struct site *s)
{
	unsigned long long tag;
	struct stat st;

	for (;;) {
		if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
			return (fail_sys("random"));
		(void)snprintf(s->temp, sizeof(s->temp), "%s%llx", s->prefix, tag);
		if (mkdirat(s->parent_fd, s->temp, 0700) != 0)
			return (fail_sys("cannot create"));
		(void)fchmodat(s->parent_fd, s->temp, 0700, 0); /* whatever the umask */
		s->fd = openat(s->parent_fd, s->temp,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (s->fd == -1 && errno == ENOENT)
			continue;
		if (s->fd == -1 || flock(s->fd, LOCK_EX) != 0 || fstat(s->fd, &st) != 0)
			return (fail_sys("cannot create"));
		if (st.st_nlink > 0)
			break;
		(void)close(s->fd);
		s->fd = -1;
	}
	if (mkdirat(s->fd, "blob", 0700) != 0 || fchmodat(s->fd, "blob", 0700, 0) != 0)
		return (fail_sys("cannot create"));
	return (0);
}

static int
make_file(const struct site *s, const char *name, int *out)
{
	*out = openat(
	    s->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return (*out == -1 ? fail_sys("%s", name) : 0);
}

/* The meta records of an empty queue. */
static int
write_meta(struct store *store, uint64_t hold_inode)
{
	struct meta m = { .next = 1,
		.boot = { .number = 1, .hold_inode = hold_inode } };
	uint8_t record[META_MAX_SIZE];
	uint64_t sum[META_RECORDS];
	MDB_txn *txn = NULL;
	int rc;

	if ((rc = clock_boot_id(m.boot.id)) != 0)
		return (rc);
	option_defaults(m.option);
	if (getrandom(m.uuid, sizeof(m.uuid), 0) != sizeof(m.uuid))
		return (fail_sys("random"));
	if ((rc = mdb_txn_begin(store->env, NULL, 0, &txn)) != 0)
		return (store_code(rc, "begin"));
	for (int r = 0; r < META_RECORDS && rc == 0; r++) {
		const char *name = meta_key((enum meta_record)r);
		MDB_val k = { strlen(name), (void *)(uintptr_t)name };
		MDB_val v = { meta_encode(&m, (enum meta_record)r, record), record };

		sum[r] = get_be64(record);
		rc = mdb_put(txn, store->dbi[T_META], &k, &v, 0);
	}
	if ((rc = store_code(rc, "meta")) != 0 ||
	    (rc = store_stamp(store, txn, meta_sum(sum))) != 0) {
		mdb_txn_abort(txn);
		return (rc);
	}
	return (store_commit(txn, "commit"));
}

static int
write_data(void *unused, int dir, int data, uint64_t hold_inode)
{
	struct store store = { 0 };
	int rc;

	(void)unused;
	(void)dir;
	if ((rc = store_open(&store, data, 0, false, true)) != 0)
		return (rc);
	if ((rc = write_meta(&store, hold_inode)) == 0)
		rc = space_allocate(data, store_end(&store),
		    store_end(&store) + (uint64_t)2 * SPACE_RESERVE);
	store_close(&store);
	if (rc == 0 && fsync(data) != 0)
		rc = fail_sys("data.mdb");
	return (store_public(rc));
}

/* Owner, group and mode of each part, whatever the umask says. */
static int
set_modes(const struct site *s, const struct q_open *args, int data, int hold)
{
	/* What others make in a shared queue is the group's too. */
	bool shared = args->has_group || s->mode & S_IWGRP;
	mode_t files = s->mode & 0666, dirs = s->mode | (shared ? S_ISGID : 0);
	int blob = openat(s->fd, "blob", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int fds[] = { data, hold, blob, s->fd };
	const mode_t modes[] = { files | DIR_UNNAMED, files, dirs, dirs };
	int rc = 0;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]) && rc == 0; i++) {
		if (fds[i] == -1 ||
		    (args->has_group && fchown(fds[i], (uid_t)-1, args->group) != 0) ||
		    fchmod(fds[i], modes[i]) != 0 || fsync(fds[i]) != 0)
			rc = fail_sys("cannot create");
	}
	if (blob != -1)
		(void)close(blob);
	return (rc);
}

static int
fill(const struct site *s, const struct q_open *args, create_fn *write, void *arg)
{
	int data = -1, hold = -1, rc;
	struct stat st;

	if ((rc = make_file(s, "data.mdb", &data)) != 0 ||
	    (rc = make_file(s, "hold", &hold)) != 0)
		goto out;
	if (fstat(hold, &st) != 0)
		rc = fail_sys("hold");
	else if ((rc = write(arg, s->fd, data, st.st_ino)) == 0)
		rc = set_modes(s, args, data, hold);
out:
	if (data != -1)
		(void)close(data);
	if (hold != -1)
		(void)close(hold);
	return (rc);
}

/* Into place; what is there already stays. */
static int
publish(const struct site *s, unsigned flags)
{
	int rc = dir_name_new(s->parent_fd, s->temp, s->base);

	if (rc == 0 && fsync(s->parent_fd) == 0) {
		(void)fchmodat(s->fd, "data.mdb", s->mode & 0666, 0);
		return (0);
	}
	if (rc == 0) { /* nobody has used it yet: we hold its gate */
		rc = fail_sys("%s", s->parent);
		remove_tree(s->parent_fd, s->base);
		return (rc);
	}
	if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
		return (fail_sys("cannot create"));
	remove_tree(s->parent_fd, s->temp);
	return (flags & Q_EXCL ? fail(Q_EINVAL, "it exists already") : 0);
}

int
create_queue(const char *path, const struct q_open *args)
{
	return (create_filled(path, args, write_data, NULL));
}

int
create_filled(const char *path, const struct q_open *args, create_fn *write, void *arg)
{
	struct site s = { .parent_fd = -1, .fd = -1 };
	int rc;

	s.mode = args->mode != 0 ? args->mode & 0777 : 0700;
	if (s.mode & S_IWOTH)
		return (fail(Q_EINVAL, "a queue that others may write to is refused"));
	if ((rc = site_split(path, &s)) != 0 || s.parent == NULL ||
	    (args->flags & Q_PARENTS && (rc = make_parents(s.parent)) != 0))
		goto out;
	s.parent_fd = open(s.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.parent_fd == -1) {
		rc = fail_sys("%s", s.parent);
		goto out;
	}
	if (!(args->flags & Q_FORCE) && (rc = dir_check_fs(s.parent_fd)) != 0)
		goto out;
	sweep(&s);
	if ((rc = open_temp(&s)) == 0 && (rc = fill(&s, args, write, arg)) == 0)
		rc = publish(&s, args->flags);
	if (rc != 0 && s.temp[0] != '\0')
		remove_tree(s.parent_fd, s.temp);
out:
	site_free(&s);
	return (rc);
}
