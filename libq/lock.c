/* SPDX-License-Identifier: ISC */
/* The transaction lock: a bounded wait for flock(2), and who is in the way. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "clock.h"
#include "error.h"

#include "lock.h"

enum { POLL_MIN = 50000, POLL_MAX = 2000000 }; /* nanoseconds between attempts */

/* 0, Q_ETIMEDOUT or Q_ESYS. flock(2) has no time limit of its own, hence the polling.
 */
static int
flock_until(int fd, int op, q_time until)
{
	q_time pause = POLL_MIN;

	while (flock(fd, op | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return (fail_sys("flock"));
		if (clock_monotonic() >= until)
			return (Q_ETIMEDOUT);
		clock_sleep(pause);
		if ((pause += pause / 2) > POLL_MAX)
			pause = POLL_MAX;
	}
	return (0);
}

/* The process that /proc/locks shows to hold a flock on fd's file; 0 if none does. */
static pid_t
holder(int fd)
{
	char line[256];
	struct stat st;
	FILE *f;
	pid_t pid = 0;

	if (fstat(fd, &st) != 0 || (f = fopen("/proc/locks", "re")) == NULL)
		return (0);
	while (pid == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned major, minor;
		unsigned long long inode;
		int p;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%llu", &p, &major, &minor,
			&inode) == 4 &&
		    inode == st.st_ino && makedev(major, minor) == st.st_dev)
			pid = p;
	}
	(void)fclose(f);
	return (pid);
}

static bool
stopped(pid_t pid)
{
	char path[64], text[512], *state;
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return (false);
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	return ((state = strrchr(text, ')')) != NULL && state[1] == ' ' &&
		(state[2] == 'T' || state[2] == 't'));
}

static int
busy(int gate, int data, q_time wait)
{
	unsigned long long seconds =
	    (unsigned long long)((wait + Q_SECOND / 2) / Q_SECOND);
	pid_t pid = holder(data);

	if (pid == 0)
		pid = holder(gate);
	if (pid == 0)
		return (fail(Q_EBUSY,
		    "other processes have held the queue for %llu s; "
		    "nothing done",
		    seconds));
	return (fail(Q_EBUSY,
	    "another process (pid %d%s) has held the queue for %llu s; "
	    "nothing done",
	    (int)pid, stopped(pid) ? ", stopped" : "", seconds));
}

int
lock_take(int gate, int data, int op, q_time wait)
{
	q_time until = time_add(clock_monotonic(), wait);
	int rc;

	if ((rc = flock_until(gate, LOCK_EX, until)) == 0) {
		rc = flock_until(data, op, until);
		(void)flock(gate, LOCK_UN);
	}
	return (rc == Q_ETIMEDOUT ? busy(gate, data, wait) : rc);
}

void
lock_drop(int data)
{
	(void)flock(data, LOCK_UN);
}
