/* SPDX-License-Identifier: ISC */
/* What a worker knows of commands that have ended, and what it says of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "now.h"
#include "output.h"
#include "text.h"

#include "ended.h"

/* In place of a code, until libq has written one. */
enum { UNSETTLED = 1, ROOM_MIN = 16 };

struct end {
	const struct q_msg *msg;
	struct share *share; /* to be dropped */
	struct verdict verdict;
	struct q_report report;
	char *tail; /* report.output, ours */
	int fd;     /* of what it has printed, or -1 */
	bool read;  /* output is set */
	struct output output;
};

/* What 'qctl rerun' needs to run it for another message. */
static void
keep_command(struct ended *e, const struct job_plan *plan)
{
	const char *word = plan->mark;
	size_t n = 0, size;

	if (plan->batch > 0)
		return;
	for (size_t i = 0; word != NULL; word = plan->command[i++]) {
		size = strlen(word) + 1;
		if (size > sizeof(e->command) - n)
			return;
		memcpy(e->command + n, word, size);
		n += size;
	}
	e->command_size = n;
}

void
ended_init(struct ended *e, const struct job_plan *plan)
{
	*e = (struct ended){ 0 };
	keep_command(e, plan);
	(void)gethostname(e->host, sizeof(e->host) - 1);
}

void
ended_free(struct ended *e)
{
	free(e->list);
	free(e->finish);
}

static q_time
time_of(struct timeval tv)
{
	return ((q_time)tv.tv_sec * Q_SECOND + (q_time)tv.tv_usec * 1000);
}

/* For the failure record. The job's place is used again: its words are copied. */
static void
describe(const struct ended *e, struct end *end, const struct job *j)
{
	struct q_report *r = &end->report;
	bool killed = WIFSIGNALED(j->status);

	r->how = j->timed_out ? Q_HOW_TIMEOUT : killed ? Q_HOW_KILLED : Q_HOW_EXITED;
	r->status = killed ? WTERMSIG(j->status) : WEXITSTATUS(j->status);
	if (end->verdict.said) {
		r->how = Q_HOW_SAID;
		r->status = 0;
	}
	r->cpu = time_of(j->usage.ru_utime) + time_of(j->usage.ru_stime);
	r->memory = (uint64_t)j->usage.ru_maxrss * 1024;
	r->host = e->host;
	r->command = e->command;
	r->command_size = e->command_size;
	if (j->tail_size == 0 || (end->tail = malloc(j->tail_size + 1)) == NULL)
		return;
	memcpy(end->tail, j->tail, j->tail_size);
	end->tail[j->tail_size] = '\0';
	r->output = end->tail;
	r->output_size = j->tail_size;
}

static struct end *
another(struct ended *e)
{
	size_t room = e->room == 0 ? (size_t)ROOM_MIN : 2 * e->room;

	if (e->count == e->room) {
		e->list = reallocarray(e->list, room, sizeof(*e->list));
		e->finish = reallocarray(e->finish, room, sizeof(*e->finish));
		if (e->list == NULL || e->finish == NULL)
			diag_die(DIAG_FAILED, NULL, "out of memory");
		e->room = room;
	}
	e->list[e->count] = (struct end){ .fd = -1 };
	return (&e->list[e->count++]);
}

void
ended_add(
    struct ended *e, const struct item *item, const struct verdict *v, struct job *job)
{
	struct end *end = another(e);

	end->msg = item->msg;
	end->share = item->share;
	end->verdict = *v;
	end->report.how = Q_HOW_SAID;
	if (job != NULL)
		end->report.took = now_monotonic() - job->started;
	if (job != NULL) {
		end->fd = job->output;
		job->output = -1;
	}
	if (job != NULL && (v->verb != Q_ACK || end->fd != -1)) /* it may not stay so */
		describe(e, end, job);
}

void
ended_begin(struct ended *e, const struct q_msg *msg)
{
	struct end *end = another(e);

	end->msg = msg;
	end->verdict.verb = Q_BEGIN;
}

int
ended_output(const struct ended *e, size_t i, const struct q_msg **msg)
{
	*msg = e->list[i].msg;
	return (e->list[i].fd);
}

void
ended_move(struct ended *from, struct ended *to, const struct verdict *v)
{
	struct end *end = another(to);

	*end = from->list[0];
	if (v != NULL)
		end->verdict = *v;
	memmove(from->list, from->list + 1, --from->count * sizeof(*from->list));
}

void
ended_read_outputs(struct ended *e, struct q *q)
{
	for (size_t i = 0; i < e->count; i++) {
		struct end *end = &e->list[i];

		if (end->fd == -1 || end->read || !end->msg->result)
			continue;
		output_keep(q, end->fd, &end->output);
		end->read = true;
	}
}

struct q_finish *
ended_finish(struct ended *e)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct end *end = &e->list[i];

		e->finish[i] = (struct q_finish){
			.msg = end->msg,
			.how = {
				.verb = end->verdict.verb,
				.reason = end->verdict.reason,
				.report = &end->report,
				.output = end->read ? &end->output.keep : NULL,
				.backoff = end->verdict.later,
				.backoff_base = e->backoff,
				.backoff_max = e->backoff_max,
			},
			.result = { .code = UNSETTLED },
		};
	}
	return (e->finish);
}

bool
ended_settled(const struct ended *e)
{
	return (e->count == 0 || e->finish[0].result.code != UNSETTLED);
}

static void
say(const struct ended *e, size_t i, const char *queue, const char *command)
{
	const struct q_settled *r = &e->finish[i].result;
	const struct verdict *v = &e->list[i].verdict;
	unsigned long long id = (unsigned long long)e->list[i].msg->id;
	unsigned attempt = r->attempt, most = r->max_attempts;
	q_time now = now_wall(), wait = r->due > now ? r->due - now : 0;
	char in[TEXT_DURATION];

	/* The command may have settled its message itself; nobody else should have. */
	if (r->code == Q_ESTALE && r->holder != 0)
		diag_warn(queue,
		    "%llu: lease lost: delivered again (attempt %u) to pid %d", id,
		    attempt, (int)r->pid);
	if (r->code == Q_ECORRUPT)
		diag_error(queue,
		    "%llu: its state is damaged, so how it ended is not stored; "
		    "run 'qctl check %s'",
		    id, queue);
	if (!v->failed || r->code == Q_ECORRUPT || r->holder != 0)
		return;
	if (r->code != 0)
		diag_error(queue, "%llu: '%s' %s; it was settled or removed meanwhile",
		    id, command, v->reason);
	else if (v->unable)
		diag_error(queue, "%llu: '%s' %s: it cannot be run; put back, stopping",
		    id, command, v->reason);
	else if (r->state == Q_DEAD && v->unfit)
		diag_error(queue, "%llu: %s; dead; see 'qstat %s %llu'", id, v->reason,
		    queue, id);
	else if (r->state == Q_DEAD && v->verb == Q_KILL)
		diag_error(queue, "%llu: '%s' %s; dead; see 'qstat %s %llu'", id,
		    command, v->reason, queue, id);
	else if (r->state == Q_DEAD)
		diag_error(queue,
		    "%llu: dead after %u attempt%s: %s; see 'qstat %s %llu'", id,
		    attempt, attempt == 1 ? "" : "s", v->reason, queue, id);
	else if (r->state == Q_DELAYED)
		diag_error(queue, "%llu: '%s' %s (attempt %u of %u); next try in %s",
		    id, command, v->reason, attempt, most, text_duration(in, wait));
	else
		diag_error(queue, "%llu: '%s' %s (attempt %u of %u)", id, command,
		    v->reason, attempt, most);
}

bool
ended_clear(struct ended *e, const char *queue, const char *command,
    void (*acknowledged)(void *, const struct q_msg *), void *arg)
{
	bool stored = true;

	for (size_t i = 0; i < e->count; i++) {
		struct end *end = &e->list[i];

		say(e, i, queue, command);
		if (e->finish[i].result.code == Q_ECORRUPT)
			stored = false;
		else
			e->done += end->verdict.verb == Q_ACK;
		e->failed += end->verdict.failed;
		if (acknowledged != NULL && end->verdict.verb == Q_ACK &&
		    e->finish[i].result.code == 0)
			acknowledged(arg, end->msg);
		if (end->fd != -1)
			(void)close(end->fd);
		output_free(&end->output);
		share_drop(end->share);
		free(end->tail);
	}
	e->count = 0;
	return (stored);
}
