/* SPDX-License-Identifier: ISC */
/* What a call has got of the shell's process, and gives back at its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/mman.h>

#include "heap.h"
#include "wrap.h"

#include "own.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's */
enum kind { DESCRIPTOR, MAPPING, STREAM, DIRECTORY };

struct thing {
	enum kind kind;
	uintptr_t what; /* number or address */
	size_t size;    /* of a mapping */
};

/* At most so many at once: a queue needs ten, and so do an output and a receipt. */
enum { THINGS = 256 };

static struct thing things[THINGS];
static size_t count;

/* False when there is no room: then it must not be had at all. */
static bool
own(enum kind kind, uintptr_t what, size_t size)
{
	if (count == THINGS) {
		errno = EMFILE;
		return (false);
	}
	things[count++] = (struct thing){ kind, what, size };
	return (true);
}

/* Those that were got last go first, mostly. */
static void
disown(enum kind kind, uintptr_t what)
{
	for (size_t i = count; i-- > 0;)
		if (things[i].kind == kind && things[i].what == what) {
			memmove(&things[i], &things[i + 1],
			    (--count - i) * sizeof(things[0]));
			return;
		}
}

static int
own_fd(int fd)
{
	if (fd == -1 || own(DESCRIPTOR, (uintptr_t)fd, 0))
		return (fd);
	(void)__real_close(fd);
	errno = EMFILE;
	return (-1);
}

static mode_t
mode_of(int flags, va_list ap)
{
	bool has = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;

	return (has ? va_arg(ap, mode_t) : 0);
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return (own_fd(__real_open(path, flags, mode)));
}

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return (own_fd(__real_openat(dir, path, flags, mode)));
}

int
__wrap_mkostemp(char *template, int flags)
{
	return (own_fd(__real_mkostemp(template, flags)));
}

int
__wrap_memfd_create(const char *name, unsigned flags)
{
	return (own_fd(__real_memfd_create(name, flags)));
}

int
__wrap_close(int fd)
{
	disown(DESCRIPTOR, (uintptr_t)fd);
	return (__real_close(fd));
}

void *
__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = __real_mmap(at, size, prot, flags, fd, offset);

	if (p == MAP_FAILED || own(MAPPING, (uintptr_t)p, size))
		return (p);
	(void)__real_munmap(p, size);
	errno = ENOMEM;
	return (MAP_FAILED);
}

int
__wrap_munmap(void *at, size_t size)
{
	disown(MAPPING, (uintptr_t)at);
	return (__real_munmap(at, size));
}

static FILE *
own_stream(FILE *f)
{
	if (f == NULL || own(STREAM, (uintptr_t)f, 0))
		return (f);
	(void)__real_fclose(f);
	errno = EMFILE;
	return (NULL);
}

FILE *
__wrap_fopen(const char *path, const char *mode)
{
	return (own_stream(__real_fopen(path, mode)));
}

/* The descriptor is the stream's from then on. */
FILE *
__wrap_fdopen(int fd, const char *mode)
{
	FILE *f = own_stream(__real_fdopen(fd, mode));

	if (f != NULL)
		disown(DESCRIPTOR, (uintptr_t)fd);
	return (f);
}

FILE *
__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t io)
{
	return (own_stream(__real_fopencookie(cookie, mode, io)));
}

/*
 * The stream into memory that is open: one at a time is all that a command needs. It
 * has variables of ours, since those of a call that is gone must not be written to; and
 * its text is the C library's, whatever our free() is.
 */
static struct {
	FILE *stream;
	char *text, **out;
	size_t size, *out_size;
} memory;

FILE *
__wrap_open_memstream(char **text, size_t *size)
{
	if (memory.stream != NULL) {
		errno = EMFILE;
		return (NULL);
	}
	memory.stream = own_stream(__real_open_memstream(&memory.text, &memory.size));
	memory.out = text;
	memory.out_size = size;
	return (memory.stream);
}

static int
give_text(void)
{
	char *copy = __wrap_malloc(memory.size + 1);

	if (copy == NULL)
		return (EOF);
	memcpy(copy, memory.text, memory.size);
	copy[memory.size] = '\0';
	*memory.out = copy;
	*memory.out_size = memory.size;
	return (0);
}

int
__wrap_fclose(FILE *f)
{
	int rc;

	disown(STREAM, (uintptr_t)f);
	rc = __real_fclose(f);
	if (f == memory.stream) {
		memory.stream = NULL;
		if (rc == 0)
			rc = give_text();
		__real_free(memory.text);
	}
	return (rc);
}

static DIR *
own_directory(DIR *dir)
{
	if (dir == NULL || own(DIRECTORY, (uintptr_t)dir, 0))
		return (dir);
	(void)__real_closedir(dir);
	errno = EMFILE;
	return (NULL);
}

DIR *
__wrap_opendir(const char *path)
{
	return (own_directory(__real_opendir(path)));
}

DIR *
__wrap_fdopendir(int fd)
{
	DIR *dir = own_directory(__real_fdopendir(fd));

	if (dir != NULL)
		disown(DESCRIPTOR, (uintptr_t)fd);
	return (dir);
}

int
__wrap_closedir(DIR *dir)
{
	disown(DIRECTORY, (uintptr_t)dir);
	return (__real_closedir(dir));
}

/* Nothing is written any more: who would is gone, with the stack it was on. */
static void
close_stream(FILE *f)
{
	__fpurge(f);
	(void)__real_fclose(f);
	if (f == memory.stream) {
		memory.stream = NULL;
		__real_free(memory.text);
	}
}

static void
give_back(const struct thing *t)
{
	void *p = (void *)t->what;

	switch (t->kind) {
	case DESCRIPTOR:
		(void)__real_close((int)t->what);
		break;
	case MAPPING:
		(void)__real_munmap(p, t->size);
		break;
	case STREAM:
		close_stream(p);
		break;
	case DIRECTORY:
		(void)__real_closedir(p);
		break;
	}
}

void
own_release(void)
{
	while (count > 0)
		give_back(&things[--count]);
	heap_release();
}
/* NOLINTEND(bugprone-reserved-identifier) */
