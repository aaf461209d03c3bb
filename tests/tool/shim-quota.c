/* SPDX-License-Identifier: ISC */
/*
 * Preloaded: a quota of SHIM_QUOTA bytes, which a data.mdb takes up alone, on a disk
 * that has room. What needs more blocks than that fails with EDQUOT.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { QUOTACTL_FD = 443 };

static int64_t
quota(void)
{
	const char *text = getenv("SHIM_QUOTA");

	return (text != NULL ? strtoll(text, NULL, 10) : INT64_MAX);
}

static int64_t
taken(int fd)
{
	struct stat st;

	return (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_blocks * 512 : 0);
}

/* What was done took so much before: -1 if that is not to be. */
static ssize_t
judged(int fd, int64_t before, ssize_t done)
{
	int64_t after = taken(fd);

	if (done < 0 || after <= before || after <= quota())
		return (done);
	errno = EDQUOT;
	return (-1);
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	int64_t before = taken(fd);

	return (judged(fd, before, syscall(SYS_pwrite64, fd, data, n, at)));
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	int64_t before = taken(fd);

	return (judged(fd, before, syscall(SYS_writev, fd, v, n)));
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	int64_t before = taken(fd);
	struct stat st;
	int rc;

	(void)fstat(fd, &st);
	rc = (int)judged(fd, before, syscall(SYS_fallocate, fd, mode, at, n));
	if (rc == -1 && errno == EDQUOT) {
		(void)ftruncate(fd, st.st_size);
		errno = EDQUOT;
	}
	return (rc);
}

/* The kernel has none to tell of, but we. */
long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	long arg[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == QUOTACTL_FD &&
	    (unsigned)arg[1] == (unsigned)QCMD(Q_GETQUOTA, USRQUOTA)) {
		struct dqblk d = { .dqb_bhardlimit = (uint64_t)quota() >> 10,
			.dqb_curspace = (uint64_t)taken((int)arg[0]) };

		memcpy((void *)arg[3], &d, sizeof(d));
		return (0);
	}
	if (real == NULL)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return (real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}
