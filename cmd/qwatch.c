/* SPDX-License-Identifier: ISC */
/* qwatch: see what happens to queues, and wait for it. */
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "alert.h"
#include "diag.h"
#include "events.h"
#include "live.h"
#include "now.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "root.h"
#include "stop.h"
#include "until.h"

enum { O_EVENTS = OPT_LONG, O_SINCE, O_UNTIL, O_ALERT, O_CLEAR, O_INTERVAL };

static const struct opt opts[] = {
	{ O_EVENTS, "events", OPT_NONE, NULL, "print a line for each event" },
	{ O_SINCE, "since", OPT_TIME, "TIME",
	    "print the log from TIME on; --events: and go on" },
	{ 'j', "json", OPT_NONE, NULL,
	    "a JSON object for each event, or for the end of ID" },
	{ 'n', "count", OPT_COUNT, "N", "end after N events, or runs of COMMAND" },
	{ O_UNTIL, "until", OPT_CONDITION, "CONDITION",
	    "wait until the queue meets CONDITION" },
	{ O_ALERT, "alert", OPT_CONDITION, "CONDITION",
	    "run COMMAND when a queue comes to meet CONDITION" },
	{ O_CLEAR, "clear", OPT_CONDITION, "CONDITION",
	    "not again before CONDITION is met; then, too" },
	{ 'T', "timeout", OPT_TIME, "DURATION", "wait no longer than that" },
	{ O_INTERVAL, "interval", OPT_TIME, "DURATION",
	    "on a terminal: look so often (1s)" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qwatch",
	.synopsis = "[OPTION...] [QUEUE... | --until CONDITION QUEUE | QUEUE ID | "
		    "--alert CONDITION [QUEUE...] -- COMMAND [ARG...]]",
	.purpose = "See what happens to queues, and wait for it",
	.opts = opts,
	.runs = true,
};

#define DAY (86400 * Q_SECOND)

struct options {
	struct until until; /* text is NULL without it */
	struct events events;
	struct alert alert;
	q_time interval; /* of the board; 0: not given */
	bool asked;      /* for events */
	uint64_t id;     /* of a message; 0: none */
};

/* A time of day that was, or how long ago. */
static const char *
since_parse(const char *text, q_time now, q_time *since)
{
	q_time ago;
	const char *why;

	if (parse_duration(text, &ago) == NULL) {
		*since = ago < now ? now - ago : 0;
		return (NULL);
	}
	if ((why = parse_time(text, now, since)) == NULL && *since > now)
		*since -= strchr(text, '-') == NULL ? DAY : 0; /* "18:00" is to come */
	return (why);
}

static const char *
interval_parse(const char *text, q_time *interval)
{
	const char *why = parse_duration(text, interval);

	if (why == NULL &&
	    (*interval < Q_SECOND / 10 || *interval > LIVE_INTERVAL_MOST * Q_SECOND))
		return ("not between 100ms and 1h");
	return (why);
}

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case O_EVENTS:
		o->asked = true;
		break;
	case O_SINCE:
		opt_check(since_parse(opt_arg, now_wall(), &o->events.since));
		break;
	case 'j':
		o->events.json = true;
		break;
	case 'n':
		opt_check(parse_count(opt_arg, 1, UINT64_MAX, &o->events.count));
		break;
	case O_UNTIL:
		opt_check(until_parse(opt_arg, &o->until));
		break;
	case O_ALERT:
		opt_check(cond_parse(o->alert.text = opt_arg, &o->alert.cond));
		break;
	case O_CLEAR:
		opt_check(cond_parse(o->alert.clear_text = opt_arg, &o->alert.clear));
		break;
	case 'T':
		opt_check(parse_duration(opt_arg, &o->events.timeout));
		break;
	case O_INTERVAL:
		opt_check(interval_parse(opt_arg, &o->interval));
		break;
	}
}

/* Digits alone are never the name of a queue. */
static bool
is_id(const char *operand)
{
	return (*operand != '\0' && operand[strspn(operand, "0123456789")] == '\0');
}

static void
check_alert(const struct options *o)
{
	bool alert = o->alert.text != NULL;

	if (alert && (o->id != 0 || o->until.text != NULL))
		diag_usage("--alert, --until and ID exclude each other");
	if (alert && (o->asked || o->events.json))
		diag_usage("--events and --json are not for --alert");
	if (alert && (opt_command == NULL || opt_command[0] == NULL))
		diag_usage("--alert needs a COMMAND: put '--' before it");
	if (!alert && opt_command != NULL)
		diag_usage("a COMMAND is for --alert");
	if (!alert && o->alert.clear_text != NULL)
		diag_usage("--clear is for --alert");
}

static void
check_usage(struct options *o)
{
	const struct events *e = &o->events;
	const char *why = NULL;

	if (opt_noperands == 2 && is_id(opt_operands[1]) &&
	    (why = parse_count(opt_operands[1], 1, UINT64_MAX, &o->id)) != NULL)
		diag_usage("%s", why);
	if (o->id != 0 && o->until.text != NULL)
		diag_usage("--until and ID exclude each other; see --until 'done ID'");
	if (o->events.since >= 0 &&
	    (o->id != 0 || o->until.text != NULL || o->alert.text != NULL))
		diag_usage("--since is for events");
	if (o->id != 0 && (o->asked || e->count != 0))
		diag_usage("--events and --count are not for an ID");
	if (o->until.text != NULL && (o->asked || e->json || e->count != 0))
		diag_usage("--events, --json and --count are not for --until");
	check_alert(o);
	if (o->until.text != NULL && opt_noperands != 1)
		diag_usage(
		    opt_noperands == 0 ? "no queue given" : "--until is for one queue");
}

/* The board, where somebody sees it, unless what is asked for is of events alone. */
static bool
wants_board(const struct options *o)
{
	return (o->id == 0 && o->until.text == NULL && o->alert.text == NULL &&
		!o->asked && !o->events.json && o->events.count == 0 &&
		o->events.timeout == Q_FOREVER && isatty(STDIN_FILENO) &&
		isatty(STDOUT_FILENO));
}

static int
wait_for(const struct options *o)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	const char *name = opt_operands[0];
	struct q *q = queue_open(name, &look);
	int status =
	    o->id != 0 ? until_ended(q, name, o->id, o->events.timeout, o->events.json)
		       : until_wait(q, name, &o->until, o->events.timeout);

	q_close(q);
	return (status);
}

static int
watch(struct options *o)
{
	char **all = NULL;
	int status = 0;

	o->events.names = opt_operands;
	o->events.n = (size_t)opt_noperands;
	o->events.once = o->events.since >= 0 && !o->asked;
	if (opt_noperands == 0) {
		if ((all = root_names(&o->events.n, &status)) == NULL)
			return (status);
		if (o->events.n == 0) {
			root_free(all);
			diag_usage("no queue given, and there is none");
		}
		o->events.names = all;
		o->events.all = true;
	}
	o->alert.names = o->events.names;
	o->alert.n = o->events.n;
	o->alert.all = o->events.all;
	o->alert.count = o->events.count;
	o->alert.timeout = o->events.timeout;
	o->alert.command = opt_command;
	status =
	    o->alert.text != NULL ? alert_run(&o->alert) : events_print(&o->events);
	if (all != NULL)
		root_free(all);
	return (status);
}

int
main(int argc, char **argv)
{
	struct options o = { .events = { .timeout = Q_FOREVER, .since = -1 } };
	int c, closed, status;

	diag_start("qwatch");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	if (wants_board(&o)) {
		(void)setlocale(LC_CTYPE, ""); /* in which it measures its cells */
		return (live_run(opt_operands, (size_t)opt_noperands,
		    o.interval != 0 ? o.interval : Q_SECOND));
	}
	if (o.interval != 0)
		diag_usage("--interval is for the board, on a terminal");
	stop_catch();
	status = o.id != 0 || o.until.text != NULL ? wait_for(&o) : watch(&o);
	/* What could not be written was said. */
	closed = status == DIAG_FAILED ? 0 : diag_close_stdout();
	return (closed != 0 ? closed : status);
}
