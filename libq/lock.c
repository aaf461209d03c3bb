/* SPDX-License-Identifier: ISC */
/* The transaction lock: a bounded wait for flock(2), and who is in the way. */
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "error.h"
#include "proc.h"
#include "queue.h"

#include "lock.h"

enum { POLL_MIN = 50000, POLL_MAX = 2000000 }; /* nanoseconds between attempts */

/* flock(2) has no time limit of its own: it is interrupted, or polled. */
static int
flock_until(const struct q *q, int fd, int op, q_time until)
{
	q_time pause = POLL_MIN, now;

	for (;;) {
		if (q->stop != NULL && q->stop(q->arg))
			return (fail(Q_EBUSY, "interrupted; nothing done"));
		if (flock(fd, op | (q->alarm == NULL ? LOCK_NB : 0)) == 0)
			return (0);
		if (errno != EWOULDBLOCK && errno != EINTR)
			return (fail_sys("flock"));
		if ((now = clock_monotonic()) >= until)
			return (Q_ETIMEDOUT);
		if (errno == EINTR)
			continue;
		clock_sleep(until - now < pause ? until - now : pause);
		if ((pause += pause / 2) > POLL_MAX)
			pause = POLL_MAX;
	}
}

static int
keep_first(void *arg, pid_t pid, bool waits)
{
	pid_t *first = arg;

	if (*first == 0 && !waits)
		*first = pid;
	return (0);
}

/* The process that holds a flock on fd's file; 0: none does, or it is not to be seen.
 */
static pid_t
holder(int fd)
{
	struct stat st;
	pid_t pid = 0;

	if (fstat(fd, &st) == 0)
		(void)proc_flocks(&st, keep_first, &pid);
	return (pid);
}

static bool
stopped(pid_t pid)
{
	struct proc p;

	return (proc_read(pid, &p) == 0 && proc_is_stopped(&p));
}

int
lock_busy(const struct q *q)
{
	q_time waited = clock_monotonic() - q->busy_since;
	bool brief = waited < Q_SECOND;
	q_time unit = brief ? Q_SECOND / 1000 : Q_SECOND;
	unsigned long long n = (unsigned long long)((waited + unit / 2) / unit);
	const char *name = brief ? "ms" : "s";
	pid_t pid = holder(q->dir.data);

	if (pid == 0)
		pid = holder(q->dir.fd);
	if (pid == 0)
		return (fail(Q_EBUSY,
		    "other processes have held the queue for %llu %s; "
		    "nothing done",
		    n, name));
	return (fail(Q_EBUSY,
	    "another process (pid %d%s) has held the queue for %llu %s; "
	    "nothing done",
	    (int)pid, stopped(pid) ? ", stopped" : "", n, name));
}

int
lock_stand(struct q *q, int op, q_time most)
{
	q_time until = time_add(clock_monotonic(), most);
	int rc;

	if (q->alarm != NULL)
		q->alarm(most);
	if ((rc = flock_until(q, q->dir.fd, LOCK_EX, until)) == 0) {
		rc = flock_until(q, q->dir.data, op, until);
		(void)flock(q->dir.fd, LOCK_UN);
	}
	if (q->alarm != NULL)
		q->alarm(0);
	if (rc != Q_ETIMEDOUT)
		q->busy_since = 0;
	return (rc);
}

static int
wait_for(struct q *q, int op)
{
	int rc = lock_stand(q, op, q->lock_wait);

	return (rc == Q_ETIMEDOUT ? lock_busy(q) : rc);
}

bool
lock_try(struct q *q, int op)
{
	bool gate = flock(q->dir.fd, LOCK_EX | LOCK_NB) == 0;
	bool taken = gate && flock(q->dir.data, op | LOCK_NB) == 0;

	if (gate)
		(void)flock(q->dir.fd, LOCK_UN);
	if (taken)
		q->busy_since = 0;
	else if (q->busy_since == 0)
		q->busy_since = clock_monotonic();
	return (taken);
}

int
lock_take(struct q *q, int op)
{
	return (lock_try(q, op) ? 0 : wait_for(q, op)); /* mostly, nobody is there */
}

void
lock_drop(int data)
{
	(void)flock(data, LOCK_UN);
}
