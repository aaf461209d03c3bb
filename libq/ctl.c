/* SPDX-License-Identifier: ISC */
/* The file ctl: found, made, verified and mapped; and its futexes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"
#include "space.h"

#include "ctl.h"

enum { MAGIC = 0x716c7463 };

/* Between attempts to make the file where that fails. */
#define AGAIN Q_SECOND

static const char name[] = "ctl";

void
ctl_close(struct q *q)
{
	struct ctl *c = &q->ctl;

	if (c->map != NULL)
		(void)munmap(c->map, CTL_SIZE);
	if (c->fd != -1)
		(void)close(c->fd);
	c->map = NULL;
	c->fd = c->slot = -1;
	c->same_boot = c->armed = false;
}

bool
ctl_is_whole(const struct q *q)
{
	struct stat st;

	return (
	    fstat(q->ctl.fd, &st) == 0 && st.st_nlink == 1 && st.st_size == CTL_SIZE);
}

bool
ctl_is_long(const struct q *q)
{
	struct stat st;

	return (fstat(q->ctl.fd, &st) == 0 && st.st_size >= CTL_SIZE);
}

bool
ctl_is_current(struct q *q)
{
	struct ctl *c = &q->ctl;
	uint8_t boot[BOOT_ID_SIZE];

	if (!c->same_boot)
		c->same_boot = clock_boot_id(boot) == 0 &&
		               memcmp(c->map->boot, boot, BOOT_ID_SIZE) == 0;
	return (c->same_boot);
}

bool
ctl_is_named(const struct q *q, ino_t inode)
{
	struct stat st;

	return (fstatat(q->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_ino == inode && st.st_nlink == 1 && st.st_size == CTL_SIZE);
}

static bool
is_ours(const struct ctl_file *f, ino_t inode)
{
	return (f->magic == MAGIC && f->layout == CTL_LAYOUT && f->inode == inode);
}

/* Whether the map is still that of the named file, and a ctl. */
static bool
is_usable(const struct q *q)
{
	const struct ctl *c = &q->ctl;

	return (ctl_is_named(q, c->inode) && is_ours(c->map, c->inode));
}

/* Map the file behind q->ctl.fd, if it is a ctl. */
static bool
map_file(struct q *q)
{
	struct ctl *c = &q->ctl;
	struct stat st;
	void *p;

	if (fstat(c->fd, &st) != 0 || st.st_size != CTL_SIZE)
		return (false);
	p = mmap(NULL, CTL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (p == MAP_FAILED)
		return (false);
	c->map = p;
	c->inode = st.st_ino;
	return (is_ours(c->map, c->inode));
}

bool
ctl_map_to_read(struct q *q, const struct ctl_file **map, int *fd)
{
	uint8_t boot[BOOT_ID_SIZE];
	struct stat st;
	const struct ctl_file *f;
	void *p;

	(void)ctl_need(q);
	if (clock_boot_id(boot) != 0 ||
	    dir_open_file(q->dir.fd, name, O_RDONLY, fd) != 0)
		return (false);
	if (fstat(*fd, &st) == 0 && st.st_size == CTL_SIZE &&
	    (p = mmap(NULL, CTL_SIZE, PROT_READ, MAP_SHARED, *fd, 0)) != MAP_FAILED) {
		f = p;
		if (is_ours(f, st.st_ino) && memcmp(f->boot, boot, BOOT_ID_SIZE) == 0) {
			*map = f;
			return (true);
		}
		(void)munmap(p, CTL_SIZE);
	}
	(void)close(*fd);
	return (false);
}

enum found { FOUND, ABSENT, UNUSABLE, NOT_OURS };

static enum found
open_file(struct q *q)
{
	int rc = dir_open_file(q->dir.fd, name, O_RDWR, &q->ctl.fd);

	if (rc == 0 && map_file(q))
		return (FOUND);
	if (rc == 0) {
		ctl_close(q);
		return (UNUSABLE);
	}
	q->ctl.fd = -1;
	if (rc == Q_ESYS && errno == ENOENT)
		return (ABSENT);
	/* One that its owner may not write to may be right for others. */
	return (rc == Q_EACCES ? NOT_OURS : UNUSABLE);
}

/* Room for every page now: a full disk must not be met through the map. */
static int
allocate(int fd)
{
	int error;

	while ((error = posix_fallocate(fd, 0, CTL_SIZE)) == EINTR)
		;
	return (error == 0 ? 0 : -1);
}

static int
fill(const struct q *q, int fd)
{
	struct ctl_file *f = calloc(1, sizeof(*f));
	struct stat st;
	int rc = -1;

	if (f == NULL || clock_boot_id(f->boot) != 0 ||
	    getrandom(&f->generation, sizeof(f->generation), 0) !=
		sizeof(f->generation) ||
	    allocate(fd) != 0 || dir_give(&q->dir, fd) != 0 || fstat(fd, &st) != 0)
		goto out;
	f->magic = MAGIC;
	f->layout = CTL_LAYOUT;
	f->inode = st.st_ino;
	rc = pwrite(fd, f, CTL_HEAD_SIZE, 0) == CTL_HEAD_SIZE ? 0 : -1;
out:
	free(f);
	return (rc);
}

/* Where the file system has no files without a name. Who is killed here leaves one. */
static void
make_named(const struct q *q)
{
	unsigned long long tag;
	char temp[32];
	int fd;

	if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
		return;
	(void)snprintf(temp, sizeof(temp), "ctl.%llx.tmp", tag);
	fd = openat(
	    q->dir.fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (fill(q, fd) != 0 || dir_name_new(q->dir.fd, temp, name) != 0)
		(void)unlinkat(q->dir.fd, temp, 0);
	(void)close(fd);
}

/*
 * Complete before it has its name; who comes second uses the first one's. It is no use
 * that is worth the last room on a disk, which a commit may need just then.
 */
static void
make_file(const struct q *q)
{
	char path[64];
	int fd;

	if (space_is_short(q, CTL_SIZE + SPACE_RESERVE))
		return;
	fd = openat(q->dir.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1) {
		make_named(q);
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fill(q, fd) == 0)
		(void)linkat(AT_FDCWD, path, q->dir.fd, name, AT_SYMLINK_FOLLOW);
	(void)close(fd);
}

struct ctl_file *
ctl_look(struct q *q)
{
	struct ctl *c = &q->ctl;

	if (c->map != NULL && !is_usable(q))
		ctl_close(q);
	if (c->map == NULL && open_file(q) != FOUND)
		return (NULL);
	return (c->map);
}

struct ctl_file *
ctl_need(struct q *q)
{
	struct ctl *c = &q->ctl;
	enum found found;

	if (c->map != NULL && is_usable(q) && ctl_is_current(q))
		return (c->map);
	ctl_close(q);
	if (c->again != 0 && clock_monotonic() < c->again)
		return (NULL);
	/* Who removes or replaces a good one by mistake disturbs nobody for long. */
	for (int i = 0; i < 3; i++) {
		if ((found = open_file(q)) == FOUND && ctl_is_current(q))
			return (c->map);
		ctl_close(q);
		if (found == NOT_OURS)
			break;
		if (found != ABSENT && unlinkat(q->dir.fd, name, 0) != 0)
			break;
		make_file(q);
	}
	c->again = time_add(clock_monotonic(), AGAIN);
	return (NULL);
}

bool
ctl_sleep(_Atomic uint32_t *word, uint32_t value, q_time duration)
{
	struct timespec ts;

	if (duration <= 0)
		return (false);
	ts.tv_sec = (time_t)(duration / Q_SECOND);
	ts.tv_nsec = (long)(duration % Q_SECOND);
	return (syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0) == 0);
}

unsigned
ctl_wake(_Atomic uint32_t *word, unsigned n)
{
	long woken = syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);

	return (woken > 0 ? (unsigned)woken : 0);
}
