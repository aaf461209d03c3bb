/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: memory that runs out. The SHIM_ALLOC-th allocation fails, and with
 * SHIM_ALWAYS=1 each one after it. The 8 bytes of the file SHIM_COUNT hold how many
 * were asked for. What the command starts is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static uint64_t before; /* main, nothing is counted */
static uint64_t *count = &before;
static uint64_t at;
static bool always;

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("SHIM_COUNT"), *n = getenv("SHIM_ALLOC"),
		   *all = getenv("SHIM_ALWAYS");
	int fd = file != NULL ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd == -1)
		return;
	map = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (map == MAP_FAILED)
		return;
	at = n != NULL ? strtoull(n, NULL, 10) : 0;
	always = all != NULL && *all == '1';
	count = map;
	(void)unsetenv("LD_PRELOAD");
}

static bool
refused(void)
{
	uint64_t n;

	if (count == &before)
		return (false);
	n = ++*count;
	if (at == 0 || n < at || (n > at && !always))
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
