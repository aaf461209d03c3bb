/* SPDX-License-Identifier: ISC */
/* Preloaded: a machine whose pages are of SHIM_PAGE bytes, as far as it is asked. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

long
sysconf(int name)
{
	static long (*real)(int);
	const char *page = getenv("SHIM_PAGE");

	if (real == NULL)
		real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
	return (name == _SC_PAGESIZE && page != NULL ? atol(page) : real(name));
}
