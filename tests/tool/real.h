/* SPDX-License-Identifier: ISC */
#ifndef REAL_H
#define REAL_H

/* The function that one of a preloaded object stands before. */
#include <dlfcn.h>
#include <stdlib.h>

static void *
real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return (found);
}

#endif
