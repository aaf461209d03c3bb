/* SPDX-License-Identifier: ISC */
#ifndef WRAP_H
#define WRAP_H

/*
 * The linker's names of what it wraps (see owned in the Makefile): what the commands,
 * LMDB and Jansson call as X is __wrap_X, and __real_X is the C library's.
 */

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

/* NOLINTBEGIN(bugprone-reserved-identifier) */
void __real_free(void *p);
int __real_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *path, int flags, ...);
int __real_mkostemp(char *template, int flags);
int __real_memfd_create(const char *name, unsigned flags);
int __real_close(int fd);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__real_fopencookie(void *cookie, const char *mode, cookie_io_functions_t io);
int __real_fclose(FILE *f);
DIR *__real_opendir(const char *path);
DIR *__real_fdopendir(int fd);
int __real_closedir(DIR *dir);
FILE *__real_open_memstream(char **text, size_t *size);
extern FILE *__real_stdin, *__real_stderr;

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t most);
__attribute__((format(printf, 2, 0))) int __wrap_vasprintf(
    char **out, const char *fmt, va_list ap);
__attribute__((format(printf, 2, 3))) int __wrap_asprintf(
    char **out, const char *fmt, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_mkostemp(char *template, int flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_close(int fd);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t io);
int __wrap_fclose(FILE *f);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_fdopendir(int fd);
int __wrap_closedir(DIR *dir);
FILE *__wrap_open_memstream(char **text, size_t *size);
extern FILE *__wrap_stdin, *__wrap_stdout, *__wrap_stderr;

_Noreturn void __real_exit(int status);
_Noreturn void __real__exit(int status);
int __real_raise(int sig);
int __real_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap__exit(int status);
int __wrap_raise(int sig);
int __wrap_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t __wrap_signal(int sig, sighandler_t handler);
/* NOLINTEND(bugprone-reserved-identifier) */

#endif
