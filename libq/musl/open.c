/* SPDX-License-Identifier: ISC */
/* open() in one system call: that of musl says twice what is to be closed on exec. */
#include <fcntl.h>
#include <stdarg.h>

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return (openat(AT_FDCWD, path, flags, mode));
}
