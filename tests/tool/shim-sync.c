/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: a disk that fails, or is slow. From the SHIM_SYNC-th flush on (1 is the
 * first), EIO; each takes SHIM_SYNC_DELAY microseconds more.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
sync_file(long call, int fd)
{
	static long done;
	const char *first = getenv("SHIM_SYNC"), *delay = getenv("SHIM_SYNC_DELAY");

	if (first != NULL && ++done >= atol(first)) {
		errno = EIO;
		return (-1);
	}
	if (delay != NULL && atol(delay) > 0)
		(void)usleep((useconds_t)atol(delay));
	return ((int)syscall(call, fd));
}

int
fsync(int fd)
{
	return (sync_file(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	return (sync_file(SYS_fdatasync, fd));
}
