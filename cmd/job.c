/* SPDX-License-Identifier: ISC */
/* Running a COMMAND: its descriptors, time limit and end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "body.h"
#include "diag.h"
#include "jobenv.h"
#include "launch.h"
#include "output.h"
#include "text.h"

#include "job.h"

/* One that left its group may keep a stderr open for as long as it likes. */
#define GROUP_WAIT (2 * Q_SECOND)

static q_time
later(q_time now, q_time d)
{
	return (now > Q_FOREVER - d ? Q_FOREVER : now + d);
}

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
}

/* A pipe of which our end, the first, alone does not block. */
static int
open_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) != 0)
		return (-1);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return (0);
}

static int
hold(struct job *j, struct q *q, const char **why)
{
	uint64_t few[16], *ids = few;
	int rc = -1;

	if (j->count > sizeof(few) / sizeof(few[0]) &&
	    (ids = calloc(j->count, sizeof(*ids))) == NULL) {
		*why = strerror(ENOMEM);
		return (-1);
	}
	for (size_t i = 0; i < j->count; i++)
		ids[i] = j->items[i].msg->id;
	if ((rc = q_hold(q, ids, j->count, &j->hold)) != 0)
		*why = q_errmsg();
	if (ids != few)
		free(ids);
	return (rc);
}

static void
begin(struct job *j, const struct job_plan *plan, q_time now)
{
	j->pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	j->started = now;
	j->ask_at = plan->timeout > 0 ? later(now, plan->timeout) : 0;
	j->kill_at = j->dying = 0;
	j->timed_out = j->told = j->ahead = j->stalled = false;
	j->tail_size = j->said.used = 0;
	for (size_t i = 0; i < j->count; i++) {
		j->items[i].said = -1;
		j->ahead = j->ahead || j->items[i].msg->ahead;
	}
}

/* Everything the process needs, but the process. fds: what is its own of it. */
static int
prepare(struct job *j, const struct job_plan *plan, struct q *q, struct launch_fds *fds,
    const char **why)
{
	int errors[2], reports[2], rc;

	if (plan->batch > 0)
		rc = body_open_lines(j->items, j->count, &fds->in, why);
	else
		rc = body_open(q, j->items[0].msg, &fds->in, why);
	if (rc != 0)
		return (rc == BODY_DAMAGED ? JOB_DAMAGED : JOB_UNABLE);
	if (hold(j, q, why) != 0)
		return (JOB_UNABLE);
	fds->hold = j->hold;
	*why = NULL;
	/* Of several messages there is no one output. */
	if (plan->batch == 0 && (plan->capture || j->items[0].msg->result) &&
	    (fds->out = j->output = output_open()) == -1)
		return (JOB_UNABLE);
	if (open_pipe(errors) != 0)
		return (JOB_UNABLE);
	j->errors = errors[0];
	fds->errors = errors[1];
	if (!plan->each_status)
		return (0);
	if (open_pipe(reports) != 0)
		return (JOB_UNABLE);
	j->reports = reports[0];
	fds->said = reports[1];
	return (0);
}

int
job_start(struct job *j, const struct job_plan *plan, struct q *q, q_time now,
    const char **why)
{
	struct launch_fds fds = { -1, -1, -1, -1, -1 };
	char *body = NULL, **argv = NULL, **env = NULL;
	int rc = JOB_UNFIT, error;

	j->output = j->errors = j->reports = j->hold = -1;
	if (jobenv_has_mark(plan->command, plan->mark) &&
	    (body = body_argument(j->items[0].msg)) == NULL) {
		*why = "the body cannot be an argument (it is too long, or has a NUL)";
		goto out;
	}
	if ((rc = prepare(j, plan, q, &fds, why)) != 0) {
		*why = *why != NULL ? *why : strerror(errno);
		goto out;
	}
	rc = JOB_UNABLE;
	argv = jobenv_arguments(plan->command, plan->mark, body);
	env = plan->batch > 0 ? jobenv_of_batch(plan->queue, j->items, j->count)
	                      : jobenv_environment(plan->queue, j->items[0].msg);
	if (argv == NULL || env == NULL) {
		*why = strerror(errno);
		goto out;
	}
	if ((error = launch_command(plan->path, argv, env, &fds, &j->pid)) != 0) {
		j->pid = 0;
		*why = strerror(error);
		rc = error == E2BIG && body != NULL ? JOB_UNFIT : JOB_UNABLE;
		goto out;
	}
	begin(j, plan, now);
	rc = 0;
out:
	close_all((int[]){ fds.in, fds.errors, fds.said }, 3);
	if (rc != 0) {
		close_all((int[]){ j->output, j->errors, j->reports }, 3);
		q_unhold(j->hold);
	}
	jobenv_free(argv);
	jobenv_free(env);
	free(body);
	return (rc);
}

static void
keep_tail(struct job *j, const char *p, size_t n)
{
	size_t keep;

	if (n > JOB_TAIL) {
		p += n - JOB_TAIL;
		n = JOB_TAIL;
	}
	keep = j->tail_size + n > JOB_TAIL ? JOB_TAIL - n : j->tail_size;
	memmove(j->tail, j->tail + j->tail_size - keep, keep);
	memcpy(j->tail + keep, p, n);
	j->tail_size = keep + n;
}

/*
 * What is in a pipe is all that is read of it at a time: who fills it as fast as that
 * would keep us from time limits and signals.
 */
static ssize_t
in_pipe(int fd)
{
	int n = 0;

	if (fd != -1)
		(void)ioctl(fd, FIONREAD, &n); /* else it is a piece at a time */
	return (n);
}

void
job_read_errors(struct job *j, bool wait)
{
	ssize_t n, left = in_pipe(j->errors);
	char buf[4096];

	j->stalled = j->errors != -1 && !wait && !diag_ready();
	while (j->errors != -1 && !j->stalled &&
	       (n = read(j->errors, buf, sizeof(buf))) != 0) {
		if (n == -1)
			return; /* no more at present */
		diag_pass(buf, (size_t)n);
		keep_tail(j, buf, (size_t)n);
		j->stalled = !wait && !diag_ready();
		if ((left -= n) <= 0)
			return;
	}
	if (j->stalled)
		return;
	if (j->errors != -1)
		(void)close(j->errors);
	j->errors = -1;
}

struct listener {
	struct job *job;
	const struct job_plan *plan;
};

static void
note(void *arg, size_t line, int status)
{
	const struct listener *l = arg;

	l->job->items[line - 1].said = status;
}

static void
complain(void *arg, const char *shown)
{
	const struct listener *l = arg;
	char text[4 * SAID_LINE + 1];

	(void)text_escape(text, sizeof(text), shown, strlen(shown));
	diag_warn(
	    l->plan->queue, "descriptor 3: '%s' is not LINE STATUS; ignored", text);
}

void
job_read_reports(struct job *j, const struct job_plan *plan)
{
	ssize_t n, left = in_pipe(j->reports);
	struct listener l = { j, plan };
	char buf[4096];

	while (j->reports != -1 && (n = read(j->reports, buf, sizeof(buf))) != 0) {
		if (n == -1)
			return; /* no more at present */
		said_feed(&j->said, buf, (size_t)n, j->count, note, complain, &l);
		if ((left -= n) <= 0)
			return;
	}
	if (j->reports != -1)
		(void)close(j->reports);
	j->reports = -1;
}

/* Whether it has, without reaping it: until then its group's number is its own. */
static bool
is_over(const struct job *j)
{
	siginfo_t info = { .si_pid = 0 };

	return (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == j->pid);
}

/* How it ended may not be known: then, not well. */
static void
note_end(struct job *j, pid_t reaped)
{
	if (reaped != j->pid)
		j->status = SIGKILL;
}

/*
 * Reap it, if it has ended. What it left running does not outlive one that we ended: as
 * long as somebody has its stderr, another may not be gone, and its message not be
 * given to the next.
 */
static bool
reap(struct job *j, q_time now)
{
	pid_t reaped;

	if (!j->timed_out && !j->told) {
		if ((reaped = wait4(j->pid, &j->status, WNOHANG, &j->usage)) != 0)
			note_end(j, reaped);
		return (reaped != 0);
	}
	if (!is_over(j))
		return (false);
	(void)kill(-j->pid, SIGKILL);
	job_read_errors(j, false);
	if (j->dying == 0)
		j->dying = later(now, GROUP_WAIT);
	if (j->errors != -1 && now < j->dying)
		return (false);
	note_end(j, wait4(j->pid, &j->status, 0, &j->usage));
	return (true);
}

bool
job_ended(struct job *j, const struct job_plan *plan, q_time now)
{
	struct listener l = { j, plan };

	if (!reap(j, now))
		return (false);
	/* What it left behind may keep its stderr open: not for us to wait for. */
	job_read_errors(j, true);
	job_read_reports(j, plan);
	said_end(&j->said, j->count, note, complain, &l);
	close_all((int[]){ j->errors, j->reports, j->pidfd }, 3);
	q_unhold(j->hold);
	j->errors = j->reports = j->pidfd = j->hold = -1;
	j->pid = 0;
	return (true);
}

/* Its process group; and itself, if it has left that: as long as it is not reaped, its
 * number is its own. */
static void
end(const struct job *j, int sig)
{
	if (getpgid(j->pid) != j->pid)
		(void)kill(j->pid, sig);
	(void)kill(-j->pid, sig);
}

static void
ask(struct job *j, const struct job_plan *plan, q_time now)
{
	end(j, SIGTERM);
	j->ask_at = 0;
	j->kill_at = later(now, plan->kill_after);
}

void
job_tell(struct job *j, const struct job_plan *plan, q_time now)
{
	if (j->told)
		return;
	j->told = true;
	ask(j, plan, now);
}

q_time
job_keep_time(struct job *j, const struct job_plan *plan, q_time now)
{
	if (j->dying != 0)
		return (j->dying);
	/* It may have ended in time, and we be late. */
	if (j->ask_at != 0 && now >= j->ask_at && is_over(j))
		return (now);
	if (j->ask_at != 0 && now >= j->ask_at) {
		j->timed_out = true;
		ask(j, plan, now);
	}
	if (j->kill_at != 0 && now >= j->kill_at) {
		end(j, SIGKILL);
		j->kill_at = 0;
	}
	if (j->ask_at != 0)
		return (j->ask_at);
	return (j->kill_at != 0 ? j->kill_at : Q_FOREVER);
}
