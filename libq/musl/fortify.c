/* SPDX-License-Identifier: ISC */
/*
 * The checked functions that Debian's archives call (they are compiled with
 * _FORTIFY_SOURCE) and musl does not have. As in glibc, what would write behind the end
 * of its buffer aborts.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
int __sprintf_chk(char *s, int flag, size_t size, const char *fmt, ...);
int __snprintf_chk(char *s, size_t n, int flag, size_t size, const char *fmt, ...);
int __vsnprintf_chk(
    char *s, size_t n, int flag, size_t size, const char *fmt, va_list ap);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t size);

__attribute__((format(printf, 5, 0))) int
__vsnprintf_chk(char *s, size_t n, int flag, size_t size, const char *fmt, va_list ap)
{
	(void)flag;
	if (n > size)
		abort();
	return (vsnprintf(s, n, fmt, ap));
}

__attribute__((format(printf, 5, 6))) int
__snprintf_chk(char *s, size_t n, int flag, size_t size, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = __vsnprintf_chk(s, n, flag, size, fmt, ap);
	va_end(ap);
	return (rc);
}

__attribute__((format(printf, 4, 5))) int
__sprintf_chk(char *s, int flag, size_t size, const char *fmt, ...)
{
	va_list ap;
	int rc;

	(void)flag;
	va_start(ap, fmt);
	rc = vsnprintf(s, size, fmt, ap);
	va_end(ap);
	if (rc >= 0 && (size_t)rc >= size)
		abort();
	return (rc);
}

__attribute__((format(printf, 3, 4))) int
__fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int rc;

	(void)flag;
	va_start(ap, fmt);
	rc = vfprintf(f, fmt, ap);
	va_end(ap);
	return (rc);
}

char *
__strncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	if (n > size)
		abort();
	return (strncpy(to, from, n));
}
