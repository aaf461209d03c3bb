/* SPDX-License-Identifier: ISC */
/*
 * The worker. It takes as many messages as it has places, starts a COMMAND for each,
 * and settles what has ended in the same commit as the next take. A message stays held,
 * by a byte lock that its COMMAND inherits, until it is settled or both processes have
 * ended.
 *
 * Signals are blocked except while it waits, so that none is missed between a look and
 * a wait: the first stops taking, the second ends the commands and gives their messages
 * back.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "diag.h"
#include "ended.h"
#include "now.h"
#include "queue.h"
#include "stop.h"

#include "worker.h"

/* Looks for a message while none is there; tries to settle while the queue is busy. */
#define LOOK_STEP  (20 * Q_SECOND / 1000)
#define RETRY_STEP Q_SECOND
enum { RETRY_MOST = 60 };

struct worker {
	const struct worker_plan *plan;
	struct q *q;
	const char *name;
	struct job *jobs;     /* plan->parallel places */
	struct share **share; /* of the job in each place */
	struct pollfd *poll;
	size_t running;
	struct ended ended; /* but not settled */
	uint64_t taken;
	q_time look_at, idle_since; /* monotonic */
	sigset_t waiting;           /* signal mask while it waits */
	unsigned retries;
	bool closed; /* takes no more */
	int status;  /* the worst so far */
};

static void
worse(struct worker *w, int status)
{
	if (status == DIAG_COMMAND && w->status != 0)
		return;
	w->status = status;
}

static void
finish(struct worker *w, const struct q_msg *m, struct share *s,
    const struct verdict *v, const struct job *job)
{
	ended_add(&w->ended, m, s, v, job);
	if (v->failed)
		worse(w, v->unable ? DIAG_FAILED : DIAG_COMMAND);
	if (v->unable || (v->failed && w->plan->stop_on_failure))
		w->closed = true;
}

static size_t
free_place(const struct worker *w)
{
	size_t i = 0;

	while (w->jobs[i].pid != 0)
		i++;
	return (i);
}

static void
start(struct worker *w, const struct q_msg *m, struct share *s)
{
	struct verdict v = { .failed = true };
	size_t place = free_place(w);
	const char *why;
	int rc;

	rc = w->closed ? JOB_UNABLE
	               : job_start(&w->jobs[place], &w->plan->job, w->q, m,
			     now_monotonic(), &why);
	if (rc == 0) {
		w->share[place] = s;
		w->running++;
		return;
	}
	v.verb = rc == JOB_UNABLE ? Q_RELEASE : Q_KILL;
	v.unable = rc == JOB_UNABLE;
	if (w->closed) /* one before it could not be started; that is said */
		v.failed = false;
	else
		(void)snprintf(v.reason, sizeof(v.reason), "%s", why);
	finish(w, m, s, &v, NULL);
	if (rc == JOB_DAMAGED)
		worse(w, DIAG_CORRUPT);
}

static void
start_all(struct worker *w, struct q_batch *b)
{
	struct share *s = share_new(b);
	size_t n = q_batch_count(b);

	w->taken += n;
	w->idle_since = now_monotonic();
	for (size_t i = 0; i < n; i++)
		start(w, q_batch_get(b, i), s);
}

/* Nothing was taken. */
static void
none_taken(struct worker *w, int rc, uint64_t damaged, q_time later)
{
	q_time now = now_monotonic();

	if (rc == Q_EMPTY && later > 0) { /* there may be some; it is not their time */
		w->look_at = now + later;
		return;
	}
	if (rc == Q_EMPTY) {
		/* Without --wait, the end of a command is the time to look again. */
		w->look_at = w->plan->wait > 0 ? now + LOOK_STEP : Q_FOREVER;
		if (w->running == 0 && now - w->idle_since >= w->plan->wait)
			w->closed = true;
		return;
	}
	worse(w, queue_fail(w->name, rc));
	if (damaged == 0)
		w->closed = true;
}

static bool
can_take(const struct worker *w)
{
	return (!w->closed && w->taken < w->plan->count &&
		w->running < w->plan->parallel && now_monotonic() >= w->look_at);
}

/* The work is done: a busy or full machine is no reason to forget that. */
static void
settle_later(struct worker *w, int rc)
{
	if (!q_temporary(rc) || ++w->retries == RETRY_MOST) {
		worse(w, queue_fail(w->name, rc));
		exit(w->status);
	}
	w->look_at = now_monotonic() + RETRY_STEP;
}

/* Settle what has ended and take for the free places, in one commit. */
static void
turn(struct worker *w)
{
	uint64_t damaged = 0, left = w->plan->count - w->taken;
	q_time later = 0;
	struct q_take take = {
		.each = true,
		.damaged = &damaged,
		.id = w->plan->id,
		.group = w->plan->group,
		.every = w->plan->every,
		.later = &later,
	};
	size_t places = w->plan->parallel - w->running;
	bool taking = can_take(w);
	struct q_batch *b = NULL;
	int rc;

	if (!taking && w->ended.count == 0)
		return;
	take.n = left < places ? (size_t)left : places;
	rc = q_exchange(
	    w->q, w->ended.finish, w->ended.count, taking ? &take : NULL, &b);
	if (!ended_settled(&w->ended)) {
		/* It may be the take that failed: then settle without. */
		int alone =
		    taking && !q_temporary(rc)
			? q_exchange(w->q, w->ended.finish, w->ended.count, NULL, NULL)
			: rc;

		if (!ended_settled(&w->ended)) {
			settle_later(w, alone);
			return;
		}
	}
	if (w->ended.count > 0)
		w->idle_since = now_monotonic();
	ended_clear(&w->ended, w->name, w->plan->job.command[0]);
	w->retries = 0;
	if (!taking)
		return;
	if (rc == 0)
		start_all(w, b);
	else
		none_taken(w, rc, damaged, later);
}

static void
reap(struct worker *w)
{
	for (size_t i = 0; i < w->plan->parallel; i++) {
		struct job *j = &w->jobs[i];
		struct verdict v;

		if (j->pid == 0)
			continue;
		job_read_errors(j);
		if (!job_ended(j))
			continue;
		w->running--;
		w->look_at = 0;
		v = verdict_of(
		    j->status, &w->plan->dead, j->timed_out ? w->plan->job.timeout : 0);
		if (j->told && v.verb != Q_ACK) /* we ended it: that is no attempt */
			v = (struct verdict){ .verb = Q_RELEASE };
		finish(w, j->msg, w->share[i], &v, j);
	}
}

static void
obey_signals(struct worker *w)
{
	if (stop_count() > 0)
		w->closed = true;
	if (stop_count() > 1)
		for (size_t i = 0; i < w->plan->parallel; i++)
			if (w->jobs[i].pid != 0)
				job_tell(&w->jobs[i], &w->plan->job, now_monotonic());
}

static void
add_poll(struct worker *w, nfds_t *n, int fd)
{
	if (fd != -1)
		w->poll[(*n)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Until a command ends or complains, a signal comes, or it is time for something. */
static void
wait_for_something(struct worker *w)
{
	q_time now = now_monotonic(), until = Q_FOREVER, next;
	struct timespec ts;
	nfds_t n = 0;

	for (size_t i = 0; i < w->plan->parallel; i++) {
		struct job *j = &w->jobs[i];

		if (j->pid == 0)
			continue;
		next = job_keep_time(j, &w->plan->job, now);
		until = next < until ? next : until;
		add_poll(w, &n, j->errors);
		add_poll(w, &n, j->pidfd);
		if (j->pidfd == -1 &&
		    until > now + LOOK_STEP) /* nothing wakes us then */
			until = now + LOOK_STEP;
	}
	if (w->ended.count > 0 ||
	    (!w->closed && w->taken < w->plan->count && w->running < w->plan->parallel))
		until = w->look_at < until ? w->look_at : until;
	if (until <= now)
		return;
	ts.tv_sec = (until - now) / Q_SECOND;
	ts.tv_nsec = (until - now) % Q_SECOND;
	(void)ppoll(w->poll, n, until == Q_FOREVER ? NULL : &ts, &w->waiting);
}

static void
block_signals(struct worker *w)
{
	sigset_t block;

	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigaddset(&block, SIGTERM);
	(void)sigaddset(&block, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &block, &w->waiting);
	(void)sigdelset(&w->waiting, SIGINT);
	(void)sigdelset(&w->waiting, SIGTERM);
	(void)sigdelset(&w->waiting, SIGHUP);
	/* Ignored, the ends of commands would go unseen. */
	(void)signal(SIGCHLD, SIG_DFL);
}

/* Each command needs its lease's descriptor, its stderr and its end. */
static void
allow_descriptors(size_t parallel)
{
	struct rlimit limit;
	rlim_t need = 3 * parallel + 64;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else a take fails, and says so */
}

static void
allocate(struct worker *w)
{
	size_t n = w->plan->parallel;

	w->jobs = calloc(n, sizeof(*w->jobs));
	w->share = calloc(n, sizeof(struct share *));
	w->poll = calloc(2 * n, sizeof(*w->poll));
	/* A place may end a job and be given a message that cannot be started. */
	ended_init(&w->ended, 2 * n);
	if (w->jobs == NULL || w->share == NULL || w->poll == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
}

int
worker_run(const struct worker_plan *plan, struct q *q, const char *name)
{
	struct worker w = { .plan = plan, .q = q, .name = name };

	allocate(&w);
	allow_descriptors(plan->parallel);
	block_signals(&w);
	w.idle_since = now_monotonic();
	for (;;) {
		obey_signals(&w);
		reap(&w);
		turn(&w);
		if (w.running == 0 && w.ended.count == 0 &&
		    (w.closed || w.taken >= plan->count))
			break;
		wait_for_something(&w);
	}
	if (w.taken == 0 && w.status == 0)
		w.status = DIAG_NO;
	free(w.jobs);
	free(w.share);
	free(w.poll);
	ended_free(&w.ended);
	return (w.status);
}
