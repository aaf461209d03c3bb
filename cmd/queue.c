/* SPDX-License-Identifier: ISC */
/* Opening the queue a user names. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "diag.h"
#include "opt.h"
#include "stop.h"

#include "queue.h"

int
queue_fail(const char *name, int code)
{
	if (code == Q_EMPTY || code == Q_ETIMEDOUT)
		diag_note(name, "%s", code == Q_EMPTY ? q_errmsg() : q_strerror(code));
	else
		diag_error(name, "%s", q_errmsg());
	return (diag_status(code));
}

static void
interrupted(int sig)
{
	(void)sig;
}

/* libq's waits for the lock block, and are interrupted by this; also where who started
 * us has alarms blocked. */
static void
interrupt_after(q_time wait)
{
	static const struct timeval again = { .tv_usec = 10000 };
	struct sigaction act = { .sa_handler = interrupted };
	struct itimerval timer = { { 0 }, { 0 } };
	sigset_t alarms;

	if (wait > 0) {
		(void)sigemptyset(&act.sa_mask);
		(void)sigaction(SIGALRM, &act, NULL);
		(void)sigemptyset(&alarms);
		(void)sigaddset(&alarms, SIGALRM);
		(void)sigprocmask(SIG_UNBLOCK, &alarms, NULL);
		timer.it_interval = again;
		timer.it_value.tv_sec =
		    wait / Q_SECOND > INT32_MAX ? INT32_MAX : wait / Q_SECOND;
		timer.it_value.tv_usec = wait % Q_SECOND / 1000 + 1;
	}
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

struct q *
queue_try(const char *name, const struct q_open *args, int *status)
{
	struct q_open open = { 0 };
	struct q *q = NULL;
	char *path = NULL;
	int rc;

	if (args != NULL)
		open = *args;
	open.lock_wait = opt_common.lock_wait;
	open.alarm = interrupt_after;
	open.stop = stop_wanted;
	if (opt_common.force)
		open.flags |= Q_FORCE;
	if (strchr(name, '/') == NULL)
		open.flags |= Q_PARENTS;
	if ((rc = q_path(name, &path)) == 0)
		rc = q_open(path, &open, &q);
	free(path);
	if (rc != 0) {
		*status = queue_fail(name, rc);
		return (NULL);
	}
	diag_queue(name);
	return (q);
}

bool
queue_exists(const char *name)
{
	char *path = NULL;
	bool exists = q_path(name, &path) == 0 && access(path, F_OK) == 0;

	free(path);
	return (exists);
}

/* Whoever looks for leaks finds the handle here. */
static struct q *volatile left;

void
queue_leave(struct q *q)
{
	left = q;
}

struct q *
queue_open(const char *name, const struct q_open *args)
{
	int status = DIAG_FAILED;
	struct q *q = queue_try(name, args, &status);

	if (q == NULL)
		exit(status);
	return (q);
}
