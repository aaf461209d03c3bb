/* SPDX-License-Identifier: ISC */
/* qpop: take messages from a queue, to an output or to a command. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deliver.h"
#include "diag.h"
#include "jobenv.h"
#include "launch.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "rate.h"
#include "stop.h"
#include "worker.h"

enum {
	O_ID = OPT_LONG,
	O_OWNER,
	O_DEAD_ON,
	O_IDLE_EXIT,
	O_KILL_AFTER,
	O_STOP,
	O_EACH_STATUS,
	O_BACKOFF,
	O_BACKOFF_MAX,
	O_TO,
	O_TO_LINES,
};

enum { PARALLEL_MOST = 1000, BATCH_MOST = 1000 };

#define LOCK_WAIT (30 * Q_SECOND)

static const struct opt opts[] = {
	{ 'L', "lease", OPT_TIME, "DURATION", "take under a lease; qack finishes it" },
	{ 'n', "count", OPT_COUNT, "N|all", "at most so many (1, or that of -B)" },
	{ 'w', "wait", OPT_TIME | OPT_OPTIONAL, "DURATION", "wait for a message" },
	{ 'g', "group", OPT_TEXT, "GROUP", "of this group only" },
	{ O_ID, "id", OPT_COUNT, "ID", "take this message only" },
	{ 'l', "lines", OPT_NONE, NULL, "end each body with a newline" },
	{ '0', "null", OPT_NONE, NULL, "end each body with a NUL" },
	{ 'j', "json", OPT_NONE, NULL, "a JSON object per message" },
	{ 'o', "output", OPT_FILE, "FILE",
	    "write to FILE, which appears when complete" },
	{ 'r', "receipt", OPT_FILE, "FILE", "write the receipt to FILE, with -L" },
	{ O_OWNER, "owner", OPT_COUNT, "PID", "the lease ends with that process, too" },
	{ 'P', "parallel", OPT_COUNT, "N", "so many COMMANDs at once (1)" },
	{ 'B', "batch", OPT_COUNT, "N",
	    "give a COMMAND up to N messages, a line each" },
	{ O_EACH_STATUS, "each-status", OPT_NONE, NULL,
	    "with -B, read a status for each from descriptor 3" },
	{ 'I', "replace", OPT_TEXT, "MARK",
	    "what an argument shows for the body ({})" },
	{ 'T', "timeout", OPT_TIME, "DURATION", "end a COMMAND that takes longer" },
	{ O_KILL_AFTER, "kill-after", OPT_TIME, "DURATION",
	    "KILL so long after TERM (10s)" },
	{ 'R', "rate", OPT_TEXT, "N/s", "no more COMMANDs a second (or /m, /h, /d)" },
	{ O_DEAD_ON, "dead-on", OPT_TEXT, "LIST",
	    "exits that mean never again (65,100)" },
	{ O_BACKOFF, "backoff", OPT_TIME, "DURATION",
	    "wait after the first failure; doubles (the queue's)" },
	{ O_BACKOFF_MAX, "backoff-max", OPT_TIME, "DURATION",
	    "longest wait after a failure (the queue's)" },
	{ O_TO, "to", OPT_QUEUE, "QUEUE2", "push what COMMAND prints to QUEUE2" },
	{ O_TO_LINES, "to-lines", OPT_NONE, NULL, "a message a line of it" },
	{ O_STOP, "stop-on-failure", OPT_NONE, NULL, "take no more when one failed" },
	{ O_IDLE_EXIT, "idle-exit", OPT_TIME, "DURATION",
	    "end after so long without work" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qpop",
	.synopsis = "[OPTION...] QUEUE [-- COMMAND [ARGUMENT...]]",
	.purpose = "Take messages; each is done once it is written, or COMMAND exits 0",
	.opts = opts,
	.runs = true,
};

struct options {
	struct delivery delivery;
	struct worker_plan worker;
	const char *output;
	const char *of_delivery, *of_worker; /* an option given that is only for one */
};

static void
set_count(struct delivery *d)
{
	d->count = UINT64_MAX;
	if (strcmp(opt_arg, "all") != 0)
		opt_check(parse_count(opt_arg, 1, UINT64_MAX - 1, &d->count));
}

static void
set_positive(q_time *duration)
{
	opt_check(parse_duration(opt_arg, duration));
	if (*duration == 0)
		opt_check("must be longer than that");
}

/* Options of both, and of the form without COMMAND. */
static bool
set_delivery(struct options *o, int c)
{
	struct delivery *d = &o->delivery;
	uint64_t n;

	switch (c) {
	case 'n':
		set_count(d);
		return (true);
	case 'w':
		d->take.wait = Q_FOREVER;
		if (opt_arg != NULL)
			opt_check(parse_duration(opt_arg, &d->take.wait));
		return (true);
	case O_ID:
		opt_check(parse_count(opt_arg, 1, UINT64_MAX, &d->take.id));
		return (true);
	case 'g':
		if (*opt_arg == '\0' || strlen(opt_arg) > Q_MAX_KEY)
			opt_check("must have 1 to 1024 bytes");
		d->take.group = opt_arg;
		return (true);
	case 'L':
		set_positive(&d->take.lease);
		break;
	case 'l':
	case '0':
	case 'j':
		if (d->form != 0 && d->form != c)
			diag_usage("-l, -0 and -j exclude each other");
		d->form = c;
		break;
	case 'o':
		o->output = opt_arg;
		break;
	case 'r':
		d->receipt = opt_arg;
		break;
	case O_OWNER:
		opt_check(parse_count(opt_arg, 1, INT32_MAX, &n));
		d->take.owner = (pid_t)n;
		break;
	default:
		return (false);
	}
	o->of_delivery = "-L, -l, -0, -j, -o, -r and --owner";
	return (true);
}

static void
set_worker(struct options *o, int c)
{
	struct worker_plan *w = &o->worker;
	uint64_t n;

	switch (c) {
	case 'P':
		opt_check(parse_count(opt_arg, 1, PARALLEL_MOST, &n));
		w->parallel = (size_t)n;
		break;
	case 'B':
		opt_check(parse_count(opt_arg, 1, BATCH_MOST, &n));
		w->job.batch = (size_t)n;
		break;
	case O_EACH_STATUS:
		w->job.each_status = true;
		break;
	case 'I':
		if (*opt_arg == '\0')
			opt_check("the mark is empty");
		w->job.mark = opt_arg;
		break;
	case 'T':
		set_positive(&w->job.timeout);
		break;
	case O_KILL_AFTER:
		opt_check(parse_duration(opt_arg, &w->job.kill_after));
		break;
	case 'R':
		opt_check(rate_parse(opt_arg, &w->every));
		break;
	case O_DEAD_ON:
		opt_check(verdict_dead_parse(opt_arg, &w->dead));
		break;
	case O_BACKOFF:
		set_positive(&w->backoff);
		break;
	case O_BACKOFF_MAX:
		set_positive(&w->backoff_max);
		break;
	case O_TO:
		w->to = opt_arg;
		w->job.capture = true;
		break;
	case O_TO_LINES:
		w->to_lines = true;
		break;
	case O_STOP:
		w->stop_on_failure = true;
		break;
	case O_IDLE_EXIT:
		set_positive(&w->wait);
		break;
	}
	o->of_worker = "-P, -B, --each-status, -I, -T, -R, --kill-after, --dead-on, "
		       "--backoff, --backoff-max, --to, --to-lines, --stop-on-failure "
		       "and --idle-exit";
}

static void
check_delivery(const struct options *o)
{
	const struct delivery *d = &o->delivery;
	bool leased = d->take.lease != 0;

	if (o->of_worker != NULL)
		diag_usage("%s are for a COMMAND after '--'", o->of_worker);
	if (!leased && d->receipt != NULL)
		diag_usage("--receipt needs --lease");
	if (!leased && d->take.owner != 0)
		diag_usage("--owner needs --lease");
	if (leased && d->count != 1 && d->form == 0)
		diag_usage("more than one leased message needs -l, -0 or --json");
	if (d->receipt != NULL && d->count != 1)
		diag_usage("--receipt is for one message");
	if (d->receipt != NULL && o->output != NULL &&
	    strcmp(d->receipt, o->output) == 0)
		diag_usage("--receipt and --output name the same file");
}

static void
check_worker(const struct options *o)
{
	const struct job_plan *j = &o->worker.job;

	if (o->of_delivery != NULL)
		diag_usage("%s are for qpop without a COMMAND", o->of_delivery);
	if (o->worker.to_lines && o->worker.to == NULL)
		diag_usage("--to-lines needs --to");
	if (o->worker.to != NULL && j->batch > 0)
		diag_usage("--to and --batch exclude each other");
	if (j->each_status && j->batch == 0)
		diag_usage("--each-status needs --batch");
	if (j->batch > 0 && o->delivery.take.id != 0)
		diag_usage("--id and --batch exclude each other");
	if (j->batch > 0 && jobenv_has_mark(opt_command, j->mark))
		diag_usage(
		    "with --batch, no argument can show the body ('%s')", j->mark);
}

/* Without -n it is one message, or what one COMMAND is given. */
static void
default_count(struct options *o)
{
	if (o->delivery.count == 0)
		o->delivery.count = o->worker.job.batch > 0 ? o->worker.job.batch : 1;
}

static void
check_usage(struct options *o)
{
	if (opt_noperands == 0)
		diag_usage("no queue given");
	if (opt_noperands > 1)
		diag_usage("put '--' before the command: qpop %s -- %s",
		    opt_operands[0], opt_operands[1]);
	if (opt_command != NULL && opt_command[0] == NULL)
		diag_usage("no command after '--'");
	if (o->delivery.take.id != 0 && o->delivery.count > 1)
		diag_usage("--id and --count exclude each other");
	default_count(o);
	if (o->delivery.take.id != 0 && o->delivery.take.group != NULL)
		diag_usage("--id and --group exclude each other");
	if (opt_command == NULL)
		check_delivery(o);
	else
		check_worker(o);
	o->delivery.name = opt_operands[0];
}

static int
run_delivery(const struct options *o)
{
	struct q *q = queue_open(o->delivery.name, NULL);
	struct out out;
	int status;

	if (out_open(&out, o->output, o->delivery.count == 1) != 0) {
		queue_leave(q);
		if (stop_signal() != 0)
			stop_exit();
		return (DIAG_FAILED);
	}
	/* Who has the receipt decides when it is done, whatever he reads. */
	if (o->delivery.take.lease != 0)
		out.pipe = false;
	status = deliver(&o->delivery, q, &out);
	out_close(&out);
	queue_leave(q);
	if (stop_signal() != 0)
		stop_exit();
	return (status != 0 ? status : diag_close_stdout());
}

static int
run_worker(struct options *o)
{
	struct worker_plan *w = &o->worker;
	char *path = NULL;
	struct q *q;
	int error, status;

	w->job.queue = o->delivery.name;
	w->job.command = opt_command;
	w->count = o->delivery.count;
	w->id = o->delivery.take.id;
	w->group = o->delivery.take.group;
	w->lock_wait = opt_common.lock_wait != 0 ? opt_common.lock_wait : LOCK_WAIT;
	if (w->wait == 0)
		w->wait = o->delivery.take.wait;
	if ((error = launch_lookup(opt_command[0], &path)) != 0)
		diag_die(DIAG_FAILED, opt_command[0], "%s; nothing taken",
		    error == ENOENT ? "no such file" : strerror(error));
	q = queue_open(o->delivery.name, NULL);
	w->job.path = path;
	status = worker_run(w, q, o->delivery.name);
	queue_leave(q);
	free(path);
	return (status);
}

int
main(int argc, char **argv)
{
	struct options o = {
		.worker = { .parallel = 1,
		    .job = { .mark = "{}", .kill_after = 10 * Q_SECOND } },
	};
	int c;

	diag_start("qpop");
	verdict_dead_default(&o.worker.dead);
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		if (!set_delivery(&o, c))
			set_worker(&o, c);
	check_usage(&o);
	stop_catch();
	return (opt_command == NULL ? run_delivery(&o) : run_worker(&o));
}
