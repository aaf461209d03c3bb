/* SPDX-License-Identifier: ISC */
/* Signals that ask a command to end. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t caught, count;
static int spared; /* of count, that end no wait */

/* What timeout(1) and others send to a process and to its group at a time is one. */
enum { AT_A_TIME = 10000000 }; /* nanoseconds */

static bool
is_the_last_again(int sig)
{
	static int64_t last;
	struct timespec ts;
	int64_t now, since;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	since = now - last;
	last = now;
	return (sig == caught && since < AT_A_TIME);
}

/*
 * A signal may come just before a system call that waits: the alarms that follow
 * interrupt that, too. One that follows none was set by who started us, and asks as
 * well.
 */
static void
note(int sig)
{
	if ((sig != SIGALRM || caught == 0) && !is_the_last_again(sig)) {
		caught = sig;
		count++;
	}
	(void)alarm(1);
}

void
stop_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = note }, old;

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(SIGALRM, &act, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		/* One that was ignored at the start (nohup, a background job) stays so.
		 */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &act, NULL);
}

void
stop_reset(void)
{
	caught = count = spared = 0;
}

int
stop_signal(void)
{
	return (caught);
}

int
stop_count(void)
{
	return (count);
}

void
stop_spare(void)
{
	spared = count;
}

void
stop_exit(void)
{
	int sig = caught;

	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	_exit(128 + sig);
}

bool
stop_wanted(void *unused)
{
	(void)unused;
	return (count > spared);
}
