/* SPDX-License-Identifier: ISC */
/* Running a command each time a queue comes to meet a condition. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "diag.h"
#include "launch.h"
#include "now.h"
#include "queue.h"
#include "stop.h"
#include "text.h"
#include "watched.h"

#include "alert.h"

/* Between looks: at one queue, which wakes us, and at several. */
#define ONE_STEP  (20 * Q_SECOND / 1000)
#define MANY_STEP (Q_SECOND / 4)

struct place {
	const char *name;
	struct q *q; /* NULL: there is none */
	bool raised; /* met, and not cleared since */
	bool closed; /* a new one, that cannot be read: that was said */
};

struct run {
	const struct alert *how;
	struct place *places;
	size_t n;
	struct watched_root root;
	char **argv; /* with room for a shell in front */
	char *path;  /* of the command */
	int nothing; /* /dev/null */
	uint64_t count;
	int status; /* DIAG_COMMAND after one that failed */
};

static void
set_environment(const char *queue, const char *text, double value, bool raised)
{
	char number[64];

	(void)snprintf(number, sizeof(number), "%.15g", value);
	if (setenv("Q_QUEUE", queue, 1) != 0 || setenv("Q_CONDITION", text, 1) != 0 ||
	    setenv("Q_VALUE", number, 1) != 0 ||
	    setenv("Q_ALERT", raised ? "raised" : "cleared", 1) != 0)
		diag_die(DIAG_FAILED, NULL, "out of memory");
}

/* A signal that is to end us ends the command first: we have no other to wait for. */
static int
wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return (0);
		if (stop_signal() != 0)
			(void)kill(-pid, stop_signal());
	}
	return (status);
}

static void
judge(struct run *r, const char *queue, int status)
{
	char name[TEXT_SIGNAL];

	if (status == 0)
		return;
	r->status = DIAG_COMMAND;
	if (WIFSIGNALED(status))
		diag_warn(queue, "'%s' killed by %s", r->how->command[0],
		    text_signal(name, WTERMSIG(status)));
	else
		diag_warn(
		    queue, "'%s' exited %d", r->how->command[0], WEXITSTATUS(status));
}

static void
run_command(struct run *r, const char *queue)
{
	const struct launch_fds fds = { r->nothing, -1, -1, -1, -1 };
	pid_t pid;
	int error;

	r->count++;
	watched_many(false);
	error = launch_command(r->path, r->argv, environ, &fds, &pid);
	watched_many(true);
	if (error == 0) {
		judge(r, queue, wait_for(pid));
		return;
	}
	r->status = DIAG_COMMAND;
	diag_warn(queue, "'%s': %s", r->how->command[0], strerror(error));
}

/* Which crossing the numbers tell of: the condition of it, or NULL. */
static const struct cond *
crossing(
    const struct alert *how, bool raised, const struct q_stat *st, const char **text)
{
	q_time now = now_wall();

	if (!raised) {
		*text = how->text;
		return (cond_met(&how->cond, st, now) ? &how->cond : NULL);
	}
	*text = how->clear_text;
	if (how->clear_text != NULL)
		return (cond_met(&how->clear, st, now) ? &how->clear : NULL);
	/* What is not known is no reason to take it back. */
	return (
	    !cond_met(&how->cond, st, now) && !isnan(cond_value(&how->cond, st, now))
		? &how->cond
		: NULL);
}

static int
look_at(struct run *r, struct place *p)
{
	const struct cond *c;
	const char *text;
	struct q_stat st;
	int status = 0, rc;

	if (p->closed)
		return (0);
	if (p->q == NULL && (p->q = watched_again(p->name, &status)) == NULL)
		return (status);
	if ((rc = q_stat(p->q, &st)) == Q_ENOQUEUE) {
		watched_lost(p->name, p->q);
		p->q = NULL;
		return (0);
	}
	if (rc != 0)
		return (queue_fail(p->name, rc));
	if ((c = crossing(r->how, p->raised, &st, &text)) == NULL)
		return (0);
	p->raised = !p->raised;
	diag_note(p->name, "%s: %s", text != NULL ? text : r->how->text,
	    p->raised ? "raised" : "cleared");
	if (text == NULL) /* it can be raised again, and that is all */
		return (0);
	set_environment(p->name, text, cond_value(c, &st, now_wall()), p->raised);
	run_command(r, p->name);
	return (0);
}

/* ---- which there are ---- */

static struct place *
add_place(struct run *r, const char *name)
{
	struct place *p;

	r->places = reallocarray(r->places, r->n + 1, sizeof(*r->places));
	if (r->places == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	p = &r->places[r->n++];
	*p = (struct place){ .name = name };
	return (p);
}

/* It ends nothing if it cannot be read. */
static void
add_new(void *arg, const char *name)
{
	struct run *r = arg;
	struct place *p = add_place(r, name);
	int status;

	p->q = watched_open(p->name, &status);
	p->closed = p->q == NULL;
	if (!p->closed)
		diag_warn(p->name, "is new");
}

/* ---- the loop ---- */

static bool
is_over(const struct run *r)
{
	return (
	    stop_signal() != 0 || (r->how->count != 0 && r->count >= r->how->count));
}

static void
rest(const struct run *r, q_time until)
{
	bool one = r->n == 1 && r->places[0].q != NULL;
	q_time left = until - now_monotonic(), step = one ? ONE_STEP : MANY_STEP;
	struct timespec ts = { 0 };

	if (r->root.used && r->root.next < until)
		until = r->root.next;
	if (one)
		q_wait_change(r->places[0].q, until);
	if (left > step)
		left = step;
	ts.tv_nsec = (long)left;
	if (left > 0 && stop_signal() == 0)
		(void)nanosleep(&ts, NULL);
}

static int
watch(struct run *r)
{
	q_time until = now_after(r->how->timeout);
	int status = 0;

	for (;;) {
		for (size_t i = 0; i < r->n && status == 0 && !is_over(r); i++)
			status = look_at(r, &r->places[i]);
		watched_more(&r->root, add_new, r);
		if (status != 0 || is_over(r))
			return (status);
		if (now_monotonic() >= until)
			return (r->how->count != 0 && r->status == 0 ? DIAG_NO : 0);
		rest(r, until);
	}
}

static int
begin(struct run *r)
{
	const struct alert *how = r->how;
	size_t argc = 0;
	int status = 0, error;

	while (how->command[argc] != NULL)
		argc++;
	if ((r->argv = calloc(argc + 2, sizeof(*r->argv))) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	memcpy(r->argv + 1, how->command, argc * sizeof(*r->argv));
	r->argv[0] = (char *)(uintptr_t) "sh";
	if ((error = launch_lookup(how->command[0], &r->path)) != 0)
		diag_die(DIAG_FAILED, how->command[0], "%s",
		    error == ENOENT ? "no such file" : strerror(error));
	if ((r->nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1)
		diag_die(DIAG_FAILED, "/dev/null", "%s", strerror(errno));
	watched_many(true);
	for (size_t i = 0; i < how->n && status == 0; i++) {
		struct place *p = add_place(r, watched_know(&r->root, how->names[i]));

		p->q = watched_open(p->name, &status);
	}
	return (status);
}

int
alert_run(const struct alert *how)
{
	struct run r = { .how = how, .root.used = how->all };
	int status = begin(&r);

	if (status == 0)
		status = watch(&r);
	for (size_t i = 0; i < r.n; i++)
		q_close(r.places[i].q);
	free(r.places);
	watched_forget(&r.root);
	free(r.argv);
	free(r.path);
	(void)close(r.nothing);
	if (stop_signal() != 0)
		stop_exit();
	return (status != 0 ? status : r.status);
}
