/* SPDX-License-Identifier: ISC */
/*
 * scribble FILE SEED: write nonsense into a ctl that others use, whichever it is at the
 * time, until killed: bytes, bits, zeros, and slots over slots. The first five fields
 * are spared, mostly: without them nobody would use the file.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

enum { HEAD = 64, TURNS = 20000 };

static uint64_t seed;

static uint64_t
dice(uint64_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed % sides);
}

static void
scribble(uint8_t *map)
{
	struct ctl_file *f = (struct ctl_file *)(void *)map;
	size_t at = HEAD + dice(CTL_SIZE - HEAD - 16);
	unsigned a = (unsigned)dice(CTL_SLOTS), b = (unsigned)dice(CTL_SLOTS);

	switch (dice(8)) {
	case 0:
		memcpy((void *)&f->slot[a], (void *)&f->slot[b], CTL_SLOT_SIZE);
		return;
	case 1:
		memset((void *)&f->slot[a], 0, CTL_SLOT_SIZE);
		return;
	case 2: /* the words at the head of a slot */
		at = (size_t)((uint8_t *)&f->slot[a] - map) + dice(24);
		map[at] ^= (uint8_t)(1U << dice(8));
		return;
	case 3: /* counts, and who asks to be served */
		map[HEAD + dice(CTL_HEAD_SIZE - HEAD)] = (uint8_t)dice(256);
		return;
	default:
		for (size_t i = 0; i < 16; i++)
			map[at + i] = (uint8_t)dice(256);
	}
}

int
main(int argc, char **argv)
{
	struct stat st;
	void *map;
	int fd;

	if (argc != 3)
		return (2);
	seed = strtoull(argv[2], NULL, 10) | 1ULL << 40;
	for (;;) {
		if ((fd = open(argv[1], O_RDWR | O_CLOEXEC)) == -1) {
			(void)usleep(100);
			continue;
		}
		map = MAP_FAILED;
		if (fstat(fd, &st) == 0 && st.st_size == CTL_SIZE)
			map = mmap(
			    NULL, CTL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)close(fd);
		if (map == MAP_FAILED)
			continue;
		for (int i = 0; i < TURNS; i++)
			scribble(map);
		if (dice(100) == 0)
			((uint8_t *)map)[dice(HEAD)] ^= 1;
		(void)munmap(map, CTL_SIZE);
	}
}
