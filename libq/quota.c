/* SPDX-License-Identifier: ISC */
/* What the quotas of a file's owner and group leave. */
#include <linux/quota.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "quota.h"

/* Not known to every C library. The same number on all machines, as of every call that
 * is as new. */
enum { QUOTACTL_FD = 443 };

static bool
leaves_less(const struct dqblk *d, uint64_t bytes)
{
	uint64_t most = d->dqb_bhardlimit * QIF_DQBLKSIZE;
	bool is_over = d->dqb_btime != 0 && (time_t)d->dqb_btime < time(NULL);

	if (is_over && d->dqb_bsoftlimit != 0)
		most = d->dqb_bsoftlimit * QIF_DQBLKSIZE;
	return (
	    most != 0 && (d->dqb_curspace >= most || most - d->dqb_curspace < bytes));
}

bool
quota_is_short(int fd, const struct stat *st, uint64_t bytes)
{
	const unsigned type[] = { USRQUOTA, GRPQUOTA };
	const uint32_t id[] = { st->st_uid, st->st_gid };

	for (int i = 0; i < 2; i++) {
		/* QCMD() shifts an int into its sign. */
		unsigned cmd = (unsigned)Q_GETQUOTA << SUBCMDSHIFT | type[i];
		struct dqblk d = { 0 };

		if (syscall(QUOTACTL_FD, fd, cmd, id[i], &d) == 0 &&
		    leaves_less(&d, bytes))
			return (true);
	}
	return (false);
}
