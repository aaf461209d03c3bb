/* SPDX-License-Identifier: ISC */
/* What a builtin of bash gets of the shell's process: its heap, and all that it opens.
 * What the C library gives can fail here, and is counted. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

static void *resized(void *p, size_t from, size_t to);

#define mremap(p, from, to, flags) resized(p, from, to)

#include "../../cmd/bash/heap.c"
#include "../../cmd/bash/own.c"

/* What is had of the C library, and whether it gives anything more. */
static int mapped, opened;
static bool refusing;

static void *
resized(void *p, size_t from, size_t to)
{
	void *moved = refusing ? MAP_FAILED : (mremap)(p, from, to, MREMAP_MAYMOVE);

	return (moved);
}

static int
gives(int fd)
{
	if (fd != -1)
		opened++;
	return (fd);
}

static void *
gives_thing(void *p)
{
	if (p != NULL)
		opened++;
	return (p);
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's */
void
__real_free(void *p)
{
	free(p);
}

int
__real_open(const char *path, int flags, ...)
{
	return (gives(refusing ? -1 : open(path, flags, 0600)));
}

int
__real_openat(int dir, const char *path, int flags, ...)
{
	return (gives(refusing ? -1 : openat(dir, path, flags, 0600)));
}

int
__real_mkostemp(char *template, int flags)
{
	return (gives(refusing ? -1 : mkostemp(template, flags)));
}

int
__real_memfd_create(const char *name, unsigned flags)
{
	return (gives(refusing ? -1 : memfd_create(name, flags)));
}

int
__real_close(int fd)
{
	int rc = close(fd);

	opened -= rc == 0;
	return (rc);
}

void *
__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = refusing ? MAP_FAILED : mmap(at, size, prot, flags, fd, offset);

	mapped += p != MAP_FAILED;
	return (p);
}

int
__real_munmap(void *at, size_t size)
{
	mapped--;
	return (munmap(at, size));
}

FILE *
__real_fopen(const char *path, const char *mode)
{
	return (gives_thing(refusing ? NULL : fopen(path, mode)));
}

/* The stream has the descriptor: it is one thing. */
FILE *
__real_fdopen(int fd, const char *mode)
{
	return (refusing ? NULL : fdopen(fd, mode));
}

FILE *
__real_fopencookie(void *cookie, const char *mode, cookie_io_functions_t io)
{
	return (gives_thing(refusing ? NULL : fopencookie(cookie, mode, io)));
}

FILE *
__real_open_memstream(char **text, size_t *size)
{
	return (gives_thing(refusing ? NULL : open_memstream(text, size)));
}

int
__real_fclose(FILE *f)
{
	opened--;
	return (fclose(f));
}

DIR *
__real_opendir(const char *path)
{
	return (gives_thing(refusing ? NULL : opendir(path)));
}

DIR *
__real_fdopendir(int fd)
{
	return (refusing ? NULL : fdopendir(fd));
}

int
__real_closedir(DIR *dir)
{
	opened--;
	return (closedir(dir));
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* All is given back, but what the heap keeps for the next call. */
static int
released(void **state)
{
	(void)state;
	refusing = false;
	own_release();
	assert_int_equal(opened, 0);
	assert_int_equal(mapped, first != NULL);
	return (0);
}

/* ---- the heap ---- */

static void
blocks_of_any_size_keep_what_is_written(void **state)
{
	enum { BLOCKS = 60 };
	unsigned char *block[BLOCKS];
	size_t size[BLOCKS];

	(void)state;
	for (size_t i = 0; i < BLOCKS; i++) {
		size[i] = (size_t)1 << i / 3;
		size[i] += i % 3;
		block[i] = __wrap_malloc(size[i]);
		assert_non_null(block[i]);
		assert_int_equal((uintptr_t)block[i] % ALIGN, 0);
		memset(block[i], (int)i, size[i]);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(block[i][0], i);
		assert_int_equal(block[i][size[i] - 1], i);
		__wrap_free(block[i]);
	}
	__wrap_free(NULL);
	assert_non_null(__wrap_malloc(0));
}

static void
what_is_freed_is_used_again(void **state)
{
	void *p = __wrap_malloc(100), *large = __wrap_malloc(2 * LARGE);
	int before = mapped;

	(void)state;
	__wrap_free(p);
	assert_ptr_equal(__wrap_malloc(100), p);
	__wrap_free(large);
	assert_int_equal(mapped, before - 1);
}

static void
memory_is_zero_where_that_is_asked_for(void **state)
{
	static const unsigned char zero[3 * LARGE];
	void *p = __wrap_malloc(1000);

	(void)state;
	memset(p, 'x', 1000);
	__wrap_free(p);
	assert_memory_equal(__wrap_calloc(10, 100), zero, 1000);
	assert_memory_equal(__wrap_calloc(3, LARGE), zero, sizeof(zero));
}

/* Each size becomes each other, of small ones and large ones. */
static void
a_block_that_is_resized_keeps_its_bytes(void **state)
{
	static const size_t sizes[] = { 1, 16, 100, LARGE, LARGE + 1, 3 * LARGE,
		3 * LARGE + 5000 };
	enum { SIZES_TRIED = sizeof(sizes) / sizeof(sizes[0]) };

	(void)state;
	for (size_t i = 0; i < SIZES_TRIED * SIZES_TRIED; i++) {
		size_t from = sizes[i / SIZES_TRIED], to = sizes[i % SIZES_TRIED];
		size_t kept = from < to ? from : to;
		unsigned char *p = __wrap_realloc(NULL, from);

		memset(p, (int)i + 1, from);
		p = __wrap_reallocarray(p, to, 1);
		assert_int_equal(p[0], i + 1);
		assert_int_equal(p[kept - 1], i + 1);
		__wrap_free(p);
	}
}

static void
sizes_that_no_memory_has_are_refused(void **state)
{
	unsigned char *p = __wrap_malloc(3 * LARGE);
	char *text = NULL;

	(void)state;
	*p = 'p';
	assert_null(__wrap_malloc(SIZE_MAX));
	assert_null(__wrap_calloc(SIZE_MAX / 2, 3));
	assert_null(__wrap_calloc(SIZE_MAX, 1));
	assert_null(__wrap_reallocarray(p, SIZE_MAX / 2, 3));
	assert_null(__wrap_realloc(p, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(__wrap_realloc(p, SIZE_MAX / 2));
	assert_int_equal(*p, 'p');
	assert_int_equal(__wrap_posix_memalign((void **)&text, 16, 16), ENOMEM);
	assert_null(text);
}

static void
without_memory_each_is_refused_and_what_is_there_stays(void **state)
{
	unsigned char *small = __wrap_malloc(LARGE), *large = __wrap_malloc(2 * LARGE);
	char *text = NULL;

	(void)state;
	*small = *large = 'x';
	refusing = true;
	for (size_t n = LARGE; n > 0; n /= 2)
		while (__wrap_malloc(n) != NULL)
			continue; /* what there is of the chunk */
	assert_null(__wrap_malloc(2 * LARGE));
	assert_null(__wrap_calloc(1, 1000));
	assert_null(__wrap_realloc(small, 2 * LARGE));
	assert_null(__wrap_realloc(large, 3 * LARGE));
	assert_null(__wrap_strdup("text"));
	assert_int_equal(__wrap_asprintf(&text, "%d", 1), -1);
	assert_null(text);
	assert_int_equal(*small, 'x');
	assert_int_equal(*large, 'x');
	refusing = false;
	assert_non_null(__wrap_malloc(1000));
}

static void
text_is_copied_and_made(void **state)
{
	char *text = NULL;

	(void)state;
	assert_string_equal(__wrap_strdup("text"), "text");
	assert_string_equal(__wrap_strndup("message", 4), "mess");
	assert_int_equal(__wrap_asprintf(&text, "%s %d", "text", 42), 7);
	assert_string_equal(text, "text 42");
	/* a character that there is not in this locale */
	assert_int_equal(__wrap_asprintf(&text, "%lc", (wint_t)0x7fffffff), -1);
}

/* ---- what is opened ---- */

static void
what_was_not_closed_is_closed(void **state)
{
	char path[] = "/tmp/shell-XXXXXX";

	(void)state;
	assert_int_not_equal(__wrap_open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
	assert_int_not_equal(__wrap_open("/tmp", O_RDWR | O_TMPFILE, 0600), -1);
	assert_int_not_equal(__wrap_openat(AT_FDCWD, ".", O_RDONLY), -1);
	assert_int_not_equal(__wrap_mkostemp(path, O_CLOEXEC), -1);
	(void)unlink(path);
	assert_int_not_equal(__wrap_memfd_create("shell", 0), -1);
	assert_non_null(__wrap_fopen("/dev/null", "r"));
	assert_non_null(__wrap_fdopen(__wrap_open("/dev/null", O_RDONLY), "r"));
	assert_non_null(__wrap_opendir("/"));
	assert_non_null(__wrap_fdopendir(__wrap_open("/", O_RDONLY)));
	assert_ptr_not_equal(
	    __wrap_mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    MAP_FAILED);
	assert_int_equal(opened, 9);
}

static void
what_was_closed_is_not_closed_again(void **state)
{
	int fd = __wrap_open("/dev/null", O_RDONLY);
	FILE *f = __wrap_fopen("/dev/null", "r");
	DIR *dir = __wrap_opendir("/");
	void *p = __wrap_mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(__wrap_close(fd), 0);
	assert_int_equal(__wrap_fclose(f), 0);
	assert_int_equal(__wrap_closedir(dir), 0);
	assert_int_equal(__wrap_munmap(p, 1), 0);
	assert_int_equal(count, 0);
	/* one that was never ours is closed, and nothing else */
	fd = __wrap_open("/dev/null", O_RDONLY);
	assert_int_equal(__wrap_close(-1), -1);
	assert_int_equal(count, 1);
}

static void
what_the_library_refuses_is_refused(void **state)
{
	char path[] = "/tmp/shell-XXXXXX", *text = NULL;
	size_t size = 0;

	(void)state;
	refusing = true;
	assert_int_equal(__wrap_open("/dev/null", O_RDONLY), -1);
	assert_int_equal(__wrap_openat(AT_FDCWD, ".", O_RDONLY), -1);
	assert_int_equal(__wrap_mkostemp(path, 0), -1);
	assert_int_equal(__wrap_memfd_create("shell", 0), -1);
	assert_null(__wrap_fopen("/dev/null", "r"));
	assert_null(__wrap_fdopen(0, "r"));
	assert_null(__wrap_fopencookie(NULL, "r", (cookie_io_functions_t){ 0 }));
	assert_null(__wrap_open_memstream(&text, &size));
	assert_null(__wrap_opendir("/"));
	assert_null(__wrap_fdopendir(0));
	assert_ptr_equal(
	    __wrap_mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    MAP_FAILED);
	assert_int_equal(count, 0);
}

/* What could not be given back is not had. */
static void
more_than_there_is_room_for_is_refused(void **state)
{
	int before;

	(void)state;
	while (__wrap_openat(AT_FDCWD, "/dev/null", O_RDONLY) != -1)
		continue;
	assert_int_equal(errno, EMFILE);
	assert_int_equal(opened, THINGS);
	before = mapped;
	assert_null(__wrap_fopen("/dev/null", "r"));
	assert_null(__wrap_opendir("/"));
	assert_ptr_equal(
	    __wrap_mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    MAP_FAILED);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(opened, THINGS);
	assert_int_equal(mapped, before);
}

/* ---- the stream into memory ---- */

static void
a_text_is_of_our_heap_when_its_stream_is_closed(void **state)
{
	char *text = NULL, *other = NULL;
	size_t size = 0, none = 0;
	FILE *f = __wrap_open_memstream(&text, &size);

	(void)state;
	(void)fputs("text", f);
	assert_null(__wrap_open_memstream(&other, &none));
	assert_int_equal(errno, EMFILE);
	assert_int_equal(__wrap_fclose(f), 0);
	assert_string_equal(text, "text");
	assert_int_equal(size, 4);
	__wrap_free(text);
	/* and then there is room for another */
	assert_non_null(__wrap_open_memstream(&other, &none));
}

static void
a_text_that_has_no_room_is_an_error_of_the_close(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = __wrap_open_memstream(&text, &size);

	(void)state;
	for (size_t i = 0; i < 2 * LARGE; i++)
		(void)putc('x', f);
	refusing = true;
	assert_int_equal(__wrap_fclose(f), EOF);
	assert_null(text);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_teardown(fn, released)
	const struct CMUnitTest tests[] = {
		TEST(blocks_of_any_size_keep_what_is_written),
		TEST(what_is_freed_is_used_again),
		TEST(memory_is_zero_where_that_is_asked_for),
		TEST(a_block_that_is_resized_keeps_its_bytes),
		TEST(sizes_that_no_memory_has_are_refused),
		TEST(without_memory_each_is_refused_and_what_is_there_stays),
		TEST(text_is_copied_and_made),
		TEST(what_was_not_closed_is_closed),
		TEST(what_was_closed_is_not_closed_again),
		TEST(what_the_library_refuses_is_refused),
		TEST(more_than_there_is_room_for_is_refused),
		TEST(a_text_is_of_our_heap_when_its_stream_is_closed),
		TEST(a_text_that_has_no_room_is_an_error_of_the_close),
	};

	return (cmocka_run_group_tests_name("shell", tests, NULL, NULL));
}
