/* SPDX-License-Identifier: ISC */
/*
 * Linked into all that is compiled for coverage: the counters are those of a file,
 * which every process of this program maps. What a process counts is there at once:
 * also if it is killed, leaves by _exit, or becomes another program; and it makes no
 * system call when it ends. COUNTS names the file. A process that finds this name in
 * COUNTS_SUM adds the counts to the files of gcov instead, and does nothing else.
 *
 * Functions of libc that others wrap (for builtins of bash, or to make them fail) are
 * not called before that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OBJECTS = 1024, ROOM = 1 << 20 };

struct gcov_info;

extern char counts_begin[], counts_end[];
void __gcov_dump(void);
void __gcov_info_to_gcda(const struct gcov_info *, void (*)(const char *, void *),
    void (*)(const void *, unsigned, void *), void *(*)(unsigned, void *), void *);
void __real___gcov_init(struct gcov_info *);
void __wrap___gcov_init(struct gcov_info *);

/* That gcov is told of the counters: only where they are handed to it. */
static int
is_sum(void)
{
	const char *sum = getenv("COUNTS_SUM");

	return (sum != NULL && strcmp(sum, COUNTS) == 0);
}

static int
is_shell(void)
{
	return (strstr(COUNTS, "qutils.so") != NULL);
}

static struct gcov_info *objects[OBJECTS];
static size_t count;

/* Each object says what it counts, before all that follows. */
void
__wrap___gcov_init(struct gcov_info *info)
{
	if (!is_sum())
		return;
	if (!is_shell())
		__real___gcov_init(info);
	else if (count < OBJECTS)
		objects[count++] = info;
}

/* Of a shared object of bash, whose allocations are for its builtins alone, only what
 * no program has. */
static void
begin(const char *file, void *fd)
{
	*(int *)fd =
	    strstr(file, "/cmd/bash/") == NULL
		? -1
		: (int)syscall(SYS_open, file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

static void
append(const void *data, unsigned size, void *fd)
{
	if (*(int *)fd != -1)
		(void)syscall(SYS_write, *(int *)fd, data, size);
}

static void *
room(unsigned size, void *fd)
{
	static char all[ROOM] __attribute__((aligned(16)));
	static size_t used;

	(void)fd;
	used += (size + 15U) & ~15U;
	return (used <= ROOM ? all + used - ((size + 15U) & ~15U) : NULL);
}

static void
sum(void)
{
	int fd = -1;

	__gcov_dump();
	for (size_t i = 0; i < count; i++)
		__gcov_info_to_gcda(objects[i], begin, append, room, &fd);
	(void)syscall(SYS_exit_group, 0);
}

__attribute__((constructor(101))) static void
share(void)
{
	const long size = counts_end - counts_begin;
	const int fd =
	    (int)syscall(SYS_open, COUNTS, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct stat st;

	if (fd == -1)
		return;
	if (size > 0 && syscall(SYS_fstat, fd, &st) == 0 &&
	    (st.st_size >= size || (syscall(SYS_ftruncate, fd, size) == 0 &&
				       syscall(SYS_fchmod, fd, 0666) == 0)))
		(void)syscall(SYS_mmap, counts_begin, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
	(void)syscall(SYS_close, fd);
	if (is_sum())
		sum();
}
