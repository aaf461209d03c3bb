/* SPDX-License-Identifier: ISC */
/*
 * The words of glibc for system errors, where those of musl are others, or none: each
 * command says the same. Of errors that files, memory, processes and pipes may bring.
 */
#include <errno.h>
#include <stddef.h>

/* Linked in the place of strerror(), which the other is. */
char *__wrap_strerror(int error);
char *__real_strerror(int error);

static const struct {
	int error;
	const char *text;
} words[] = {
	{ EIO, "Input/output error" },
	{ ECHILD, "No child processes" },
	{ ENOMEM, "Cannot allocate memory" },
	{ EBUSY, "Device or resource busy" },
	{ EXDEV, "Invalid cross-device link" },
	{ EMFILE, "Too many open files" },
	{ ENOTTY, "Inappropriate ioctl for device" },
	{ ESPIPE, "Illegal seek" },
	{ ERANGE, "Numerical result out of range" },
	{ EDEADLK, "Resource deadlock avoided" },
	{ ENAMETOOLONG, "File name too long" },
	{ ELOOP, "Too many levels of symbolic links" },
	{ EOVERFLOW, "Value too large for defined data type" },
	{ EUSERS, "Too many users" },
	{ ENOTSOCK, "Socket operation on non-socket" },
	{ EMSGSIZE, "Message too long" },
	{ EOPNOTSUPP, "Operation not supported" },
	{ ETIMEDOUT, "Connection timed out" },
	{ EUCLEAN, "Structure needs cleaning" },
	{ EDQUOT, "Disk quota exceeded" },
	{ EOWNERDEAD, "Owner died" },
	{ EHWPOISON, "Memory page has hardware error" },
};

char *
__wrap_strerror(int error)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].error == error)
			return ((char *)words[i].text); /* nobody writes to it */
	return (__real_strerror(error));
}
