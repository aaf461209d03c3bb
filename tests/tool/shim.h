/* SPDX-License-Identifier: ISC */
#ifndef SHIM_H
#define SHIM_H

/*
 * Preloaded: calls that fail. The SHIM_AT-th of them does, and with SHIM_ALWAYS=1 each
 * one after it. The 8 bytes of the file SHIM_COUNT hold how many there were. What the
 * command starts is left alone.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t shim_before; /* main, nothing is counted */
static uint64_t *shim_count = &shim_before;
static uint64_t shim_at;
static bool shim_always;

__attribute__((constructor)) static void
shim_begin(void)
{
	const char *file = getenv("SHIM_COUNT"), *n = getenv("SHIM_AT"),
		   *all = getenv("SHIM_ALWAYS");
	int fd = file != NULL ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd == -1)
		return;
	map =
	    mmap(NULL, sizeof(*shim_count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (map == MAP_FAILED)
		return;
	shim_at = n != NULL ? strtoull(n, NULL, 10) : 0;
	shim_always = all != NULL && *all == '1';
	shim_count = map;
	(void)unsetenv("LD_PRELOAD");
}

/* Whether this call fails. */
static bool
shim_refused(void)
{
	uint64_t n;

	if (shim_count == &shim_before)
		return (false);
	n = ++*shim_count;
	return (shim_at != 0 && n >= shim_at && (n == shim_at || shim_always));
}

#endif
