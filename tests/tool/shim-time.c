/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: another time. SHIM_WALL, SHIM_BOOT and SHIM_MONOTONIC are seconds added to
 * CLOCK_REALTIME, CLOCK_BOOTTIME and CLOCK_MONOTONIC, or with SHIM_STILL, what they
 * say; SHIM_BOOT_ID is a file to be read in place of the kernel's boot id.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	const char *name = id == CLOCK_REALTIME    ? "SHIM_WALL"
	                   : id == CLOCK_BOOTTIME  ? "SHIM_BOOT"
	                   : id == CLOCK_MONOTONIC ? "SHIM_MONOTONIC"
	                                           : "";
	const char *shift = getenv(name);
	long rc = syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && shift != NULL && getenv("SHIM_STILL") != NULL)
		*ts = (struct timespec){ 0 };
	if (rc == 0 && shift != NULL)
		ts->tv_sec += strtoll(shift, NULL, 10);
	return ((int)rc);
}

static int
open_file(const char *path, int flags, mode_t mode)
{
	const char *other = getenv("SHIM_BOOT_ID");

	if (other != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
		path = other;
	return ((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return (open_file(path, flags, mode));
}

int
open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return (open_file(path, flags | O_LARGEFILE, mode));
}
