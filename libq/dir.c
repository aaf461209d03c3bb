/* SPDX-License-Identifier: ISC */
/* The queue directory: opening it and refusing what is not safely ours. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"

#include "dir.h"

/* Where flock or mmap are not coherent between all who may open the file. */
static const struct {
	unsigned long magic;
	const char *name;
} remote[] = {
	{ NFS_SUPER_MAGIC, "nfs" },
	{ SMB_SUPER_MAGIC, "smb" },
	{ 0xff534d42, "cifs" },
	{ 0xfe534d42, "smb2" },
	{ V9FS_MAGIC, "9p" },
	{ FUSE_SUPER_MAGIC, "fuse" },
	{ AFS_SUPER_MAGIC, "afs" },
	{ AFS_FS_MAGIC, "afs" },
	{ CODA_SUPER_MAGIC, "coda" },
	{ NCP_SUPER_MAGIC, "ncp" },
	{ OCFS2_SUPER_MAGIC, "ocfs2" },
	{ 0x01161970, "gfs2" },
	{ 0x00c36400, "ceph" },
	{ 0x0bd00bd0, "lustre" },
	{ 0x47504653, "gpfs" },
	{ 0x19830326, "fhgfs" },
};

int
dir_check_fs(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return (fail_sys("statfs"));
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		if ((unsigned long)fs.f_type == remote[i].magic)
			return (fail(Q_ENOTSUP,
			    "queues need a local file system (this is %s); "
			    "see q(7)",
			    remote[i].name));
	return (0);
}

static int
unsafe(const char *what)
{
	return (fail(Q_EUNSAFE, "%s; refused (see --mode in qctl(1))", what));
}

int
dir_open_stat(int dirfd, const char *name, int flags, int *out, struct stat *st)
{
	int fd, rc;

	/* O_NONBLOCK: a planted FIFO must not make us wait. */
	fd = openat(dirfd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		if (errno == ELOOP)
			return (
			    fail(Q_EUNSAFE, "%s is a symbolic link; refused", name));
		return (fail_sys("%s", name));
	}
	if (fstat(fd, st) != 0)
		rc = fail_sys("%s", name);
	else if (!S_ISREG(st->st_mode))
		rc = fail(Q_EUNSAFE, "%s is not a regular file; refused", name);
	else if (st->st_mode & S_IWOTH)
		rc = unsafe("writable by others");
	else if (st->st_nlink > 1)
		rc = fail(Q_EUNSAFE, "%s has a second link; refused", name);
	else {
		*out = fd;
		return (0);
	}
	(void)close(fd);
	return (rc);
}

/* The queue's name, which its creator may have left unflushed. */
static int
flush_name(const struct dir *d)
{
	int fd = openat(d->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	/* Who may not read that directory can flush all of the file system. */
	if ((fd != -1 ? fsync(fd) : syncfs(d->fd)) != 0)
		rc = fail_sys("the directory of the queue");
	else
		(void)fchmod(d->data, d->mode); /* or somebody who may */
	if (fd != -1)
		(void)close(fd);
	return (rc);
}

int
dir_open_file(int dirfd, const char *name, int flags, int *out)
{
	struct stat ignored;

	return (dir_open_stat(dirfd, name, flags, out, &ignored));
}

/* Nobody outside its owner and group may write, and one user owns the whole. */
static int
check_safe(struct dir *d, const struct stat *data, bool write)
{
	struct stat dir;

	if (fstat(d->fd, &dir) != 0)
		return (fail_sys("stat"));
	if (dir.st_mode & S_IWOTH)
		return (unsafe("writable by others"));
	if (dir.st_uid != data->st_uid)
		return (unsafe("data.mdb and its directory have different owners"));
	d->mode = data->st_mode & 0666;
	d->uid = data->st_uid;
	d->dev = data->st_dev;
	d->inode = data->st_ino;
	return (write && data->st_mode & DIR_UNNAMED ? flush_name(d) : 0);
}

int
dir_open(const char *path, unsigned flags, struct dir *out)
{
	struct dir d = { .fd = -1, .data = -1, .name = "data.mdb" };
	struct stat data = { 0 };
	int rc;

	d.fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd == -1) {
		if (errno == ENOENT)
			return (fail(Q_ENOQUEUE,
			    "no such queue; qpush or 'qctl create' makes one"));
		if (errno == ENOTDIR)
			return (fail(Q_ENOTQ, "not a queue (not a directory)"));
		return (fail_sys("cannot open"));
	}
	if (!(flags & Q_FORCE) && (rc = dir_check_fs(d.fd)) != 0)
		goto out;
	rc = dir_open_stat(
	    d.fd, "data.mdb", flags & Q_RDONLY ? O_RDONLY : O_RDWR, &d.data, &data);
	if (rc == Q_ESYS && errno == ENOENT)
		rc = fail(Q_ENOTQ, "not a queue (no data.mdb)");
	if (rc != 0 || (rc = check_safe(&d, &data, !(flags & Q_RDONLY))) != 0)
		goto out;
	*out = d;
	return (0);
out:
	dir_close(&d);
	return (rc);
}

DIR *
dir_names(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	if (d == NULL && fd != -1)
		(void)close(fd);
	return (d);
}

int
dir_name_new(int dirfd, const char *temp, const char *name)
{
	/* Not every C library has a function for it. */
	long rc = syscall(SYS_renameat2, dirfd, temp, dirfd, name, RENAME_NOREPLACE);

	if (rc != 0 && errno == EINVAL)
		rc = renameat(dirfd, temp, dirfd, name);
	return ((int)rc);
}

int
dir_exchange(int dirfd, const char *a, const char *b)
{
	return ((int)syscall(SYS_renameat2, dirfd, a, dirfd, b, RENAME_EXCHANGE));
}

int
dir_give(const struct dir *d, int fd)
{
	if (geteuid() == 0 && d->uid != 0 && fchown(fd, d->uid, (gid_t)-1) != 0)
		return (-1);
	return (fchmod(fd, d->mode));
}

void
dir_close(struct dir *d)
{
	if (d->data != -1)
		(void)close(d->data);
	if (d->fd != -1)
		(void)close(d->fd);
	d->data = d->fd = -1;
}

int
dir_check(const struct dir *d, struct stat *st)
{
	/* No other file has this number while we have ours open: st is its status. */
	if (fstatat(d->fd, d->name, st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return (fail_sys("data.mdb"));
		st->st_ino = 0;
	}
	if (st->st_ino != d->inode || st->st_dev != d->dev)
		return (
		    fail(Q_ENOQUEUE, "the queue was deleted or replaced while in use"));
	return (0);
}
