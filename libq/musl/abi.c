/* SPDX-License-Identifier: ISC */
/*
 * What LMDB and Jansson exchange with a C library: layouts, sizes and numbers. Compiled
 * to assembly by the compilers of both libraries, and never further: the lines that
 * start with -> have to be the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NUMBER(x)  __asm__ volatile("\n-> " #x " %c0" : : "i"((long)(x)))
#define SIZE(type) NUMBER(sizeof(type))
#define FIELD(type, field) \
	NUMBER(offsetof(type, field)); \
	NUMBER(sizeof(((type *)0)->field))

void abi_types(void);
void abi_structs(void);
void abi_flags(void);
void abi_errors(void);

void
abi_types(void)
{
	SIZE(size_t);
	SIZE(ssize_t);
	SIZE(off_t);
	SIZE(mode_t);
	SIZE(pid_t);
	SIZE(va_list);
	SIZE(sigset_t);
	/* Inside of LMDB's own structs, or on its stack. */
	SIZE(pthread_t);
	SIZE(pthread_key_t);
	SIZE(pthread_cond_t);
	SIZE(pthread_mutex_t);
	SIZE(pthread_mutexattr_t);
	NUMBER(__alignof__(pthread_cond_t));
	NUMBER(__alignof__(pthread_mutex_t));
}

void
abi_structs(void)
{
	SIZE(struct stat);
	FIELD(struct stat, st_dev);
	FIELD(struct stat, st_ino);
	FIELD(struct stat, st_mode);
	FIELD(struct stat, st_size);
	FIELD(struct stat, st_blksize);
	SIZE(struct statfs);
	FIELD(struct statfs, f_type);
	SIZE(struct utsname);
	FIELD(struct utsname, release);
	SIZE(struct iovec);
	FIELD(struct iovec, iov_base);
	FIELD(struct iovec, iov_len);
	SIZE(struct flock);
	FIELD(struct flock, l_type);
	FIELD(struct flock, l_whence);
	FIELD(struct flock, l_start);
	FIELD(struct flock, l_len);
	SIZE(struct timeval);
	FIELD(struct timeval, tv_sec);
	FIELD(struct timeval, tv_usec);
	FIELD(struct lconv, decimal_point);
}

void
abi_flags(void)
{
	NUMBER(O_RDONLY | O_RDWR | O_WRONLY);
	NUMBER(O_CREAT);
	NUMBER(O_EXCL);
	NUMBER(O_DSYNC);
	NUMBER(O_SYNC);
	NUMBER(O_DIRECT);
	NUMBER(O_CLOEXEC);
	NUMBER(F_GETFD);
	NUMBER(F_SETFD);
	NUMBER(FD_CLOEXEC);
	NUMBER(F_GETFL);
	NUMBER(F_SETFL);
	NUMBER(F_GETLK);
	NUMBER(F_SETLK);
	NUMBER(F_SETLKW);
	NUMBER(F_RDLCK);
	NUMBER(F_WRLCK);
	NUMBER(F_UNLCK);
	NUMBER(SEEK_SET);
	NUMBER(SEEK_END);
	NUMBER(PROT_READ);
	NUMBER(PROT_WRITE);
	NUMBER(MAP_SHARED);
	NUMBER(MAP_PRIVATE);
	NUMBER(MAP_ANON);
	NUMBER(MAP_FIXED);
	NUMBER((long)MAP_FAILED);
	NUMBER(MS_SYNC);
	NUMBER(MS_ASYNC);
	NUMBER(MADV_RANDOM);
	NUMBER(MADV_DONTNEED);
	NUMBER(_SC_PAGESIZE);
	NUMBER(SIGPIPE);
	NUMBER(SIG_BLOCK);
	NUMBER(SIG_SETMASK);
	NUMBER(PTHREAD_PROCESS_SHARED);
	NUMBER(PTHREAD_MUTEX_ROBUST);
	NUMBER(EOF);
}

void
abi_errors(void)
{
	NUMBER(EACCES);
	NUMBER(EAGAIN);
	NUMBER(EBUSY);
	NUMBER(EDOM);
	NUMBER(EEXIST);
	NUMBER(EFBIG);
	NUMBER(EINTR);
	NUMBER(EINVAL);
	NUMBER(EIO);
	NUMBER(ENOENT);
	NUMBER(ENOMEM);
	NUMBER(ENOSPC);
	NUMBER(EOVERFLOW);
	NUMBER(EOWNERDEAD);
	NUMBER(EPIPE);
	NUMBER(ERANGE);
	NUMBER(EROFS);
	NUMBER(ESRCH);
	NUMBER(HUGE_VAL > 1e308);
}
