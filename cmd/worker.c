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
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "now.h"
#include "queue.h"
#include "stop.h"
#include "text.h"

#include "worker.h"

/* Looks for a message while none is there; tries to settle while the queue is busy. */
#define LOOK_STEP  (20 * Q_SECOND / 1000)
#define RETRY_STEP Q_SECOND
enum { RETRY_MOST = 60 };

/* A batch is freed when the last of its messages is settled. */
struct share {
	struct q_batch *batch;
	size_t users;
};

struct worker {
	const struct worker_plan *plan;
	struct q *q;
	const char *name;
	struct job *jobs;     /* plan->parallel places */
	struct share **share; /* of the job in each place */
	struct pollfd *poll;
	size_t running;
	struct q_finish *finish; /* ended, not settled yet: one a place at most */
	struct verdict *verdict;
	struct q_report *report;
	char (*tail)[JOB_TAIL + 1];
	struct share **finish_share;
	size_t finished;
	uint64_t taken;
	q_time look_at, idle_since; /* monotonic */
	sigset_t waiting;           /* signal mask while it waits */
	unsigned retries;
	bool closed; /* takes no more */
	int status;  /* the worst so far */
	char host[HOST_NAME_MAX + 1];
};

static void
worse(struct worker *w, int status)
{
	if (status == DIAG_COMMAND && w->status != 0)
		return;
	w->status = status;
}

static void
release_share(struct share *s)
{
	if (--s->users > 0)
		return;
	q_batch_free(s->batch);
	free(s);
}

static void
finish(
    struct worker *w, const struct q_msg *m, struct share *s, const struct verdict *v)
{
	size_t i = w->finished++;

	w->verdict[i] = *v;
	w->report[i] = (struct q_report){ .how = Q_HOW_SAID };
	w->finish_share[i] = s;
	w->finish[i] = (struct q_finish){
		.msg = m,
		.how = {
			.verb = v->verb,
			.reason = w->verdict[i].reason,
			.report = &w->report[i],
			.backoff = v->later,
		},
		.result = { .code = 1 }, /* until libq says otherwise */
	};
	if (v->failed && !v->unable)
		worse(w, DIAG_COMMAND);
	if (v->unable || (v->failed && w->plan->stop_on_failure))
		w->closed = true;
}

/* What became of a message that its command did not finish. */
static void
report(const struct worker *w, size_t i)
{
	const struct q_settled *r = &w->finish[i].result;
	const char *command = w->plan->job.command[0], *reason = w->verdict[i].reason;
	unsigned long long id = (unsigned long long)w->finish[i].msg->id;
	char in[TEXT_DURATION];

	/* The command may have settled its message itself; somebody else should not
	 * have. */
	if (r->code == Q_ESTALE && r->holder != 0)
		diag_warn(w->name,
		    "%llu: lease lost: delivered again (attempt %u) to pid %d", id,
		    (unsigned)r->attempt, (int)r->pid);
	if (r->code != 0 || !w->verdict[i].failed)
		return;
	if (w->verdict[i].unable)
		diag_error(w->name,
		    "%llu: '%s' %s: it cannot be run; put back, stopping", id, command,
		    reason);
	else if (r->state == Q_DEAD && w->verdict[i].verb == Q_KILL)
		diag_error(w->name, "%llu: '%s' %s; dead; see 'qstat %s %llu'", id,
		    command, reason, w->name, id);
	else if (r->state == Q_DEAD)
		diag_error(w->name,
		    "%llu: dead after %u attempts: %s; see 'qstat %s %llu'", id,
		    (unsigned)r->attempt, reason, w->name, id);
	else if (r->state == Q_DELAYED)
		diag_error(w->name, "%llu: '%s' %s (attempt %u of %u); next try in %s",
		    id, command, reason, (unsigned)r->attempt,
		    (unsigned)r->max_attempts, text_duration(in, r->due - now_wall()));
	else
		diag_error(w->name, "%llu: '%s' %s (attempt %u of %u)", id, command,
		    reason, (unsigned)r->attempt, (unsigned)r->max_attempts);
}

static void
settled(struct worker *w)
{
	for (size_t i = 0; i < w->finished; i++) {
		report(w, i);
		release_share(w->finish_share[i]);
	}
	if (w->finished > 0)
		w->idle_since = now_monotonic();
	w->finished = 0;
	w->retries = 0;
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
	v.verb = rc == JOB_UNFIT ? Q_KILL : Q_RELEASE;
	v.unable = rc == JOB_UNABLE;
	if (w->closed) /* one before it could not be started; that is said */
		v.failed = false;
	else
		(void)snprintf(v.reason, sizeof(v.reason), "%s", why);
	if (v.unable && v.failed)
		worse(w, DIAG_FAILED);
	finish(w, m, s, &v);
}

static void
start_all(struct worker *w, struct q_batch *b)
{
	struct share *s = malloc(sizeof(*s));
	size_t n = q_batch_count(b);

	if (s == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	*s = (struct share){ b, n };
	w->taken += n;
	w->idle_since = now_monotonic();
	for (size_t i = 0; i < n; i++)
		start(w, q_batch_get(b, i), s);
}

/* Nothing was taken. */
static void
none_taken(struct worker *w, int rc, uint64_t damaged)
{
	q_time now = now_monotonic();

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

/* Settle what has ended and take for the free places, in one commit. */
static void
turn(struct worker *w)
{
	uint64_t damaged = 0, left = w->plan->count - w->taken;
	struct q_take take = { .each = true, .damaged = &damaged, .id = w->plan->id };
	size_t places = w->plan->parallel - w->running;
	bool taking = can_take(w);
	struct q_batch *b = NULL;
	int rc;

	if (!taking && w->finished == 0)
		return;
	take.n = left < places ? (size_t)left : places;
	rc = q_exchange(w->q, w->finish, w->finished, taking ? &take : NULL, &b);
	if (w->finished > 0 && w->finish[0].result.code == 1) {
		/* Not settled: the work is done, so it is worth trying again. */
		if (!q_temporary(rc) || ++w->retries == RETRY_MOST) {
			worse(w, queue_fail(w->name, rc));
			exit(w->status);
		}
		w->look_at = now_monotonic() + RETRY_STEP;
		return;
	}
	settled(w);
	if (!taking)
		return;
	if (rc == 0)
		start_all(w, b);
	else
		none_taken(w, rc, damaged);
}

static q_time
time_of(struct timeval tv)
{
	return ((q_time)tv.tv_sec * Q_SECOND + (q_time)tv.tv_usec * 1000);
}

/* For the failure record of what was finished last. */
static void
describe(struct worker *w, const struct job *j)
{
	size_t i = w->finished - 1;
	struct q_report *r = &w->report[i];

	r->how = j->timed_out             ? Q_HOW_TIMEOUT
	         : WIFSIGNALED(j->status) ? Q_HOW_KILLED
	                                  : Q_HOW_EXITED;
	r->status =
	    WIFSIGNALED(j->status) ? WTERMSIG(j->status) : WEXITSTATUS(j->status);
	r->took = now_monotonic() - j->started;
	r->cpu = time_of(j->usage.ru_utime) + time_of(j->usage.ru_stime);
	r->memory = (uint64_t)j->usage.ru_maxrss * 1024;
	r->host = w->host;
	memcpy(w->tail[i], j->tail, j->tail_size);
	r->output = w->tail[i];
	r->output_size = j->tail_size;
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
		if (v.unable)
			worse(w, DIAG_FAILED);
		finish(w, j->msg, w->share[i], &v);
		describe(w, j);
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
	}
	if (w->finished > 0 ||
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

static void
allocate(struct worker *w)
{
	size_t n = w->plan->parallel;

	w->jobs = calloc(n, sizeof(*w->jobs));
	w->share = calloc(n, sizeof(struct share *));
	w->poll = calloc(2 * n, sizeof(*w->poll));
	/* A place may end a job and be given a message that cannot be started. */
	w->finish = calloc(2 * n, sizeof(*w->finish));
	w->verdict = calloc(2 * n, sizeof(*w->verdict));
	w->report = calloc(2 * n, sizeof(*w->report));
	w->tail = calloc(2 * n, sizeof(*w->tail));
	w->finish_share = calloc(2 * n, sizeof(struct share *));
	if (w->jobs == NULL || w->share == NULL || w->poll == NULL ||
	    w->finish == NULL || w->verdict == NULL || w->report == NULL ||
	    w->tail == NULL || w->finish_share == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
}

int
worker_run(const struct worker_plan *plan, struct q *q, const char *name)
{
	struct worker w = { .plan = plan, .q = q, .name = name };

	allocate(&w);
	(void)gethostname(w.host, sizeof(w.host) - 1);
	block_signals(&w);
	w.idle_since = now_monotonic();
	for (;;) {
		obey_signals(&w);
		reap(&w);
		turn(&w);
		if (w.running == 0 && w.finished == 0 &&
		    (w.closed || w.taken >= plan->count))
			break;
		wait_for_something(&w);
	}
	if (w.taken == 0 && w.status == 0)
		w.status = DIAG_NO;
	free(w.jobs);
	free(w.share);
	free(w.poll);
	free(w.finish);
	free(w.verdict);
	free(w.report);
	free(w.tail);
	free(w.finish_share);
	return (w.status);
}
