/* SPDX-License-Identifier: ISC */
/* Preloaded: memory that runs out, as shim.h has it. */
#include <errno.h>

#include "shim.h"

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static bool
refused(void)
{
	if (!shim_refused())
		return (false);
	errno = ENOMEM;
	return (true);
}

void *
malloc(size_t size)
{
	return (refused() ? NULL : __libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return (refused() ? NULL : __libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	return (refused() ? NULL : __libc_realloc(p, size));
}
