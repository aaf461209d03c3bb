/* SPDX-License-Identifier: ISC */
/* What a worker knows of commands that have ended, and what it says of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "now.h"
#include "text.h"

#include "ended.h"

/* In place of a code, until libq has written one. */
enum { UNSETTLED = 1 };

struct share {
	struct q_batch *batch;
	size_t users;
};

struct share *
share_new(struct q_batch *batch)
{
	struct share *s = malloc(sizeof(*s));

	if (s == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	*s = (struct share){ batch, q_batch_count(batch) };
	return (s);
}

static void
release(struct share *s)
{
	if (--s->users > 0)
		return;
	q_batch_free(s->batch);
	free(s);
}

void
ended_init(struct ended *e, size_t most)
{
	*e = (struct ended){ 0 };
	e->finish = calloc(most, sizeof(*e->finish));
	e->verdict = calloc(most, sizeof(*e->verdict));
	e->report = calloc(most, sizeof(*e->report));
	e->tail = calloc(most, sizeof(*e->tail));
	e->share = calloc(most, sizeof(struct share *));
	if (e->finish == NULL || e->verdict == NULL || e->report == NULL ||
	    e->tail == NULL || e->share == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	(void)gethostname(e->host, sizeof(e->host) - 1);
}

void
ended_free(struct ended *e)
{
	free(e->finish);
	free(e->verdict);
	free(e->report);
	free(e->tail);
	free(e->share);
}

static q_time
time_of(struct timeval tv)
{
	return ((q_time)tv.tv_sec * Q_SECOND + (q_time)tv.tv_usec * 1000);
}

/* For the failure record. The job's place is used again: its words are copied. */
static void
describe(struct ended *e, size_t i, const struct job *j)
{
	struct q_report *r = &e->report[i];
	bool killed = WIFSIGNALED(j->status);

	r->how = j->timed_out ? Q_HOW_TIMEOUT : killed ? Q_HOW_KILLED : Q_HOW_EXITED;
	r->status = killed ? WTERMSIG(j->status) : WEXITSTATUS(j->status);
	r->took = now_monotonic() - j->started;
	r->cpu = time_of(j->usage.ru_utime) + time_of(j->usage.ru_stime);
	r->memory = (uint64_t)j->usage.ru_maxrss * 1024;
	r->host = e->host;
	memcpy(e->tail[i], j->tail, j->tail_size);
	r->output = e->tail[i];
	r->output_size = j->tail_size;
}

void
ended_add(struct ended *e, const struct q_msg *m, struct share *s,
    const struct verdict *v, const struct job *job)
{
	size_t i = e->count++;

	e->verdict[i] = *v;
	e->share[i] = s;
	e->report[i] = (struct q_report){ .how = Q_HOW_SAID };
	if (job != NULL)
		describe(e, i, job);
	e->finish[i] = (struct q_finish){
		.msg = m,
		.how = {
			.verb = v->verb,
			.reason = e->verdict[i].reason,
			.report = &e->report[i],
			.backoff = v->later,
		},
		.result = { .code = UNSETTLED },
	};
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
	const struct verdict *v = &e->verdict[i];
	unsigned long long id = (unsigned long long)e->finish[i].msg->id;
	unsigned attempt = r->attempt, most = r->max_attempts;
	char in[TEXT_DURATION];

	/* The command may have settled its message itself; nobody else should have. */
	if (r->code == Q_ESTALE && r->holder != 0)
		diag_warn(queue,
		    "%llu: lease lost: delivered again (attempt %u) to pid %d", id,
		    attempt, (int)r->pid);
	if (r->code != 0 || !v->failed)
		return;
	if (v->unable)
		diag_error(queue, "%llu: '%s' %s: it cannot be run; put back, stopping",
		    id, command, v->reason);
	else if (r->state == Q_DEAD && v->verb == Q_KILL)
		diag_error(queue, "%llu: '%s' %s; dead; see 'qstat %s %llu'", id,
		    command, v->reason, queue, id);
	else if (r->state == Q_DEAD)
		diag_error(queue,
		    "%llu: dead after %u attempts: %s; see 'qstat %s %llu'", id,
		    attempt, v->reason, queue, id);
	else if (r->state == Q_DELAYED)
		diag_error(queue, "%llu: '%s' %s (attempt %u of %u); next try in %s",
		    id, command, v->reason, attempt, most,
		    text_duration(in, r->due - now_wall()));
	else
		diag_error(queue, "%llu: '%s' %s (attempt %u of %u)", id, command,
		    v->reason, attempt, most);
}

void
ended_clear(struct ended *e, const char *queue, const char *command)
{
	for (size_t i = 0; i < e->count; i++) {
		say(e, i, queue, command);
		release(e->share[i]);
	}
	e->count = 0;
}
