/* SPDX-License-Identifier: ISC */
/* Preloaded: a disk that fails. From the SHIM_SYNC-th flush on (1 is the first), EIO.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
sync_file(long call, int fd)
{
	static long done;
	const char *first = getenv("SHIM_SYNC");

	if (first != NULL && ++done >= atol(first)) {
		errno = EIO;
		return (-1);
	}
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
