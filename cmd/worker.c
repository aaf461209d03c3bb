/* SPDX-License-Identifier: ISC */
/*
 * The worker. It takes messages, starts COMMANDs for them, and settles what has ended
 * in the same commit as the next take. While commands are short it has some messages in
 * stock, taken ahead, so that a place that is free is filled first and the commit runs
 * beside its command, for all that have ended meanwhile. A message stays held, by a
 * byte lock that its COMMAND shares, until it is settled or both processes have ended.
 *
 * Signals are blocked except just before it looks for them, and while it waits, so that
 * none is missed in between: the first stops taking, the second ends the commands and
 * gives their messages back.
 */
#include <signal.h>
#include <sys/resource.h>

#include "diag.h"
#include "now.h"
#include "stop.h"
#include "turn.h"

#include "worker.h"

#define KEEP_STEP Q_SECOND /* looks at the file that shows our leases */

/* A wait that finds a command ended lets no signal in, and each may. */
static void
let_signals_in(const struct worker *w)
{
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, &w->waiting, &blocked);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void
obey_signals(struct worker *w)
{
	let_signals_in(w);
	if (stop_count() == 0)
		return;
	stop_spare(); /* what has ended is settled all the same */
	if (!w->stopping)
		notify_stopping(&w->notify);
	w->closed = w->stopping = true;
	if (stop_count() > 1)
		crew_tell(&w->crew, w->now);
}

/* What is to be done with time alone; until when there is no more of it. */
static q_time
keep_time(struct worker *w)
{
	notify_count(&w->notify, w->crew.running, w->ended.done, w->ended.failed);
	w->serve_at = work_sooner(
	    crew_keep_time(&w->crew, w->now), notify_keep(&w->notify, w->now));
	if (w->crew.running == 0)
		return (w->serve_at);
	if (w->now >= w->keep_at) {
		(void)q_keep(w->q); /* it is tried again */
		w->keep_at = w->now + KEEP_STEP;
	}
	return (work_sooner(w->serve_at, w->keep_at));
}

/* Nothing runs: until a message may be there, or until. */
static void
wait_for_message(struct worker *w, q_time until)
{
	q_time idle = w->plan->wait < Q_FOREVER - w->idle_since
	                  ? w->idle_since + w->plan->wait
	                  : Q_FOREVER;
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, &w->waiting, &blocked);
	q_wait(w->q, work_sooner(until, idle));
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	w->look_at = 0;
}

/* Until a command ends or complains, a signal comes, or it is time for something. */
static void
wait_for_something(struct worker *w)
{
	q_time until, turn_at = w->tell_at;
	bool idle = w->crew.running == 0 && w->ended.count == 0 && w->done.count == 0 &&
	            w->ahead.count == 0;

	w->now = now_monotonic();
	until = work_sooner(keep_time(w), ahead_until(&w->ahead));
	if (idle && w->empty && !w->closed) {
		wait_for_message(w, until);
		return;
	}
	if (w->done.count > 0)
		until = work_sooner(until, w->hand_at);
	if (!w->closed && w->taken < w->plan->count &&
	    w->crew.running < w->plan->parallel)
		turn_at = work_sooner(turn_at, w->look_at);
	if (turn_due(w))
		turn_at = w->now;
	if (turn_at < w->again_at)
		turn_at = w->again_at;
	crew_wait(&w->crew, w->now, work_sooner(until, turn_at), &w->waiting);
}

static bool
is_over(const struct worker *w)
{
	return (w->crew.running == 0 && w->ended.count == 0 && w->done.count == 0 &&
		w->ahead.count == 0 && (w->closed || w->taken >= w->plan->count));
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

/* Each command needs its lease's descriptor, its stderr, its reports and its end. */
static void
allow_descriptors(size_t parallel)
{
	struct rlimit limit;
	rlim_t need = 6 * parallel + 64;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else a start fails, and says so */
}

int
worker_run(const struct worker_plan *plan, struct q *q, const char *name)
{
	struct worker w = { .plan = plan,
		.q = q,
		.name = name,
		.tell_at = Q_FOREVER,
		.serve_at = Q_FOREVER };

	w.idle_since = w.now = now_monotonic();
	crew_init(&w.crew, &plan->job, plan->parallel);
	ended_init(&w.ended, &plan->job);
	ended_init(&w.done, &plan->job);
	w.ended.backoff = plan->backoff;
	w.ended.backoff_max = plan->backoff_max;
	if (plan->to != NULL)
		handover_open(&w.handover, plan->to, plan->to_lines, q);
	notify_open(&w.notify, w.now);
	allow_descriptors(plan->parallel);
	block_signals(&w);
	notify_ready(&w.notify);
	for (;;) {
		w.now = now_monotonic();
		obey_signals(&w);
		work_reap(&w);
		work_hand_over(&w);
		work_start(&w);
		turn(&w);
		if (is_over(&w))
			break;
		wait_for_something(&w);
	}
	/* A service that had nothing to do and is stopped has not failed. */
	if (!w.any && w.status == 0 && !(w.stopping && plan->wait > 0))
		w.status = DIAG_NO;
	crew_free(&w.crew);
	ahead_free(&w.ahead);
	ended_free(&w.ended);
	ended_free(&w.done);
	if (plan->to != NULL)
		handover_close(&w.handover);
	notify_close(&w.notify);
	return (w.status);
}
