/* SPDX-License-Identifier: ISC */
#ifndef DIR_H
#define DIR_H

/* The queue directory and its files: opened only when they are what they should be. */

#include <dirent.h>
#include <sys/stat.h>

#include "q.h"

/*
 * In the mode of data.mdb while the queue's name in its parent may not be flushed: its
 * creator may have died. Whoever opens the queue to write flushes it then.
 */
#define DIR_UNNAMED ((mode_t)S_ISVTX)

struct dir {
	int fd;           /* the directory; also the gate of lock.h */
	int data;         /* data.mdb; also what is locked */
	const char *name; /* of that file: another while it is built again */
	mode_t mode;      /* of files made in it */
	uid_t uid;        /* of its owner */
	dev_t dev;        /* of data.mdb, as opened */
	ino_t inode;      /* likewise */
};

/*
 * Open the directory and data.mdb. Q_ENOQUEUE, Q_ENOTQ; Q_EUNSAFE: a link, not a
 * regular file, writable by others, of another owner; Q_ENOTSUP: a network file system.
 */
int dir_open(const char *path, unsigned flags, struct dir *dir);
void dir_close(struct dir *dir);
/*
 * To be asked under the lock: is data.mdb still the named one? *st is its status.
 * Q_ENOQUEUE if somebody deleted or replaced it, for then a lock on it protects
 * nothing.
 */
int dir_check(const struct dir *dir, struct stat *st);
/*
 * Open a file of the directory that must be regular, without following a link; *st is
 * its status.
 */
int dir_open_file(int dirfd, const char *name, int flags, int *fd);
int dir_open_stat(int dirfd, const char *name, int flags, int *fd, struct stat *st);
/*
 * The names in a directory, in a stream whose place is nobody else's; NULL with errno
 * set. The caller closes it.
 */
DIR *dir_names(int parent, const char *name);
/*
 * Give what has a temporary name its own: 0, or -1 with errno, EEXIST or ENOTEMPTY if
 * somebody else has it. Where the file system cannot do so, a file is replaced.
 */
int dir_name_new(int dirfd, const char *temp, const char *name);
/* Two names change places, in one step. EINVAL, ENOSYS: the file system cannot. */
int dir_exchange(int dirfd, const char *a, const char *b);
/* A file just made becomes the queue's: mode whatever the umask, owner if we are root.
 */
int dir_give(const struct dir *dir, int fd);
/* Q_ENOTSUP if fd is on a file system without coherent locks and maps. */
int dir_check_fs(int fd);

#endif
