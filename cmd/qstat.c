/* SPDX-License-Identifier: ISC */
/* qstat: show what queues hold. Opens them for reading and changes nothing. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "check.h"
#include "cond.h"
#include "diag.h"
#include "forecast.h"
#include "holders.h"
#include "json_stat.h"
#include "metrics.h"
#include "monitoring.h"
#include "now.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "report.h"
#include "root.h"
#include "show.h"
#include "text.h"

enum {
	O_LIST = OPT_LONG,
	O_STATE,
	O_BODY,
	O_FORECAST,
	O_WORKERS,
	O_TARGET_WAIT,
	O_CHECK,
	O_WARNING,
	O_OPENMETRICS,
	O_ALERT_RULES,
	O_DASHBOARD,
	O_SIZES,
	O_OLDER,
	O_HOLDERS,
};

static const struct opt opts[] = {
	{ O_LIST, "list", OPT_NONE, NULL, "list the messages of a queue" },
	{ O_STATE, "state", OPT_STATE, "STATE", "list those in STATE only" },
	{ 'n', "limit", OPT_COUNT, "N", "list at most so many" },
	{ O_OLDER, "older-than", OPT_TIME, "DURATION",
	    "list those pushed longer ago than that" },
	{ 'g', "group", OPT_TEXT, "GROUP", "list those of GROUP only" },
	{ 'H', "header", OPT_TEXT, "NAME[=VALUE]", "list those with that header" },
	{ O_BODY, "body", OPT_NONE, NULL, "list with bodies, with --json" },
	{ O_SIZES, "sizes", OPT_NONE, NULL, "show what queues take on the disk" },
	{ O_HOLDERS, "holders", OPT_NONE, NULL,
	    "show who has messages, the lock, or the queue open" },
	{ O_FORECAST, "forecast", OPT_NONE, NULL, "say what to expect of a queue" },
	{ O_WORKERS, "workers", OPT_COUNT, "N", "forecast for so many workers" },
	{ O_TARGET_WAIT, "target-wait", OPT_TIME, "DURATION",
	    "forecast workers that keep 95 of 100 waits below" },
	{ O_CHECK, "check", OPT_NONE, NULL,
	    "answer as a Nagios plugin: critical if one is met" },
	{ O_WARNING, "warning", OPT_CONDITION | OPT_REPEAT, "CONDITION",
	    "with --check: only a warning" },
	{ O_OPENMETRICS, "openmetrics", OPT_NONE, NULL,
	    "print numbers for Prometheus" },
	{ 'o', "output", OPT_FILE, "FILE", "with --openmetrics: into FILE, at once" },
	{ O_ALERT_RULES, "alert-rules", OPT_NONE, NULL,
	    "print rules of alerts for Prometheus" },
	{ O_DASHBOARD, "grafana-dashboard", OPT_NONE, NULL,
	    "print a dashboard for Grafana" },
	{ 'j', "json", OPT_NONE, NULL, "a JSON object per queue or message" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qstat",
	.synopsis =
	    "[OPTION...] [QUEUE... | --list QUEUE | --check CONDITION... [QUEUE...] | "
	    "QUEUE ID...]",
	.purpose = "Show what queues hold, and change nothing",
	.opts = opts,
};

struct options {
	bool list, json;
	bool sizes, holders, forecast, check, metrics, rules, dashboard;
	struct report report;
	struct check conditions;
	const char *output;
	struct show show;
	int ids; /* operands that are messages; the first is the queue then */
};

static void
set_option(struct options *o, int c)
{
	uint64_t n = 0;
	int64_t wait = 0;

	switch (c) {
	case O_LIST:
		o->list = true;
		break;
	case O_STATE:
		if ((o->show.list.state = q_state_of(opt_arg)) == 0)
			opt_check("not one of ready, delayed, blocked, leased, dead");
		break;
	case 'n':
		opt_check(parse_count(opt_arg, 1, UINT64_MAX - 1, &o->show.limit));
		break;
	case O_BODY:
		o->show.body = true;
		break;
	case O_OLDER:
		opt_check(parse_duration(opt_arg, &wait));
		o->show.list.before = wait < now_wall() ? now_wall() - wait : 1;
		break;
	case 'g':
		o->show.list.group = opt_arg;
		break;
	case 'H':
		o->show.list.header = opt_arg;
		break;
	case O_SIZES:
		o->sizes = true;
		break;
	case O_HOLDERS:
		o->holders = true;
		break;
	case O_WORKERS:
		opt_check(parse_count(opt_arg, 1, FORECAST_MOST_WORKERS, &n));
		o->report.workers = (double)n;
		break;
	case O_TARGET_WAIT:
		opt_check(parse_duration(opt_arg, &wait));
		o->report.target_wait = (double)wait / (double)Q_SECOND;
		break;
	case O_WARNING:
		check_add(&o->conditions, opt_arg, CHECK_WARNING);
		break;
	case 'o':
		o->output = opt_arg;
		break;
	case O_FORECAST:
		o->forecast = true;
		break;
	case O_CHECK:
		o->check = true;
		break;
	case O_OPENMETRICS:
		o->metrics = true;
		break;
	case O_ALERT_RULES:
		o->rules = true;
		break;
	case O_DASHBOARD:
		o->dashboard = true;
		break;
	case 'j':
		o->json = true;
		break;
	}
}

/* Digits alone are never the name of a queue. */
static bool
is_id(const char *operand)
{
	return (*operand != '\0' && operand[strspn(operand, "0123456789")] == '\0');
}

/* Operands that are conditions, and not queues. */
static void
take_conditions(struct options *o)
{
	int kept = 0;

	for (int i = 0; i < opt_noperands; i++) {
		if (cond_looks_like(opt_operands[i]))
			check_add(&o->conditions, opt_operands[i], CHECK_CRITICAL);
		else
			opt_operands[kept++] = opt_operands[i];
	}
	opt_operands[opt_noperands = kept] = NULL;
}

static void
check_usage(struct options *o)
{
	const struct q_list *l = &o->show.list;

	for (int i = 1; i < opt_noperands; i++)
		o->ids += is_id(opt_operands[i]);
	if (o->ids > 0 && o->ids + 1 < opt_noperands)
		diag_usage("give either queues or messages of one queue");
	if (!o->list && (l->state != 0 || l->before != 0 || l->group != NULL ||
			    l->header != NULL || o->show.limit != 0 || o->show.body))
		diag_usage("--state, --limit, --older-than, --group, --header and "
			   "--body need --list");
	if (o->show.body && !o->json)
		diag_usage("--body needs --json");
	if (o->list && o->ids > 0)
		diag_usage("--list and ID exclude each other");
	if (o->list && opt_noperands != 1)
		diag_usage(
		    opt_noperands == 0 ? "no queue given" : "--list is for one queue");
}

static void
check_more_usage(const struct options *o)
{
	if (o->list + o->sizes + o->holders + o->forecast + o->check + o->metrics +
		o->rules + o->dashboard >
	    1)
		diag_usage(
		    "--list, --sizes, --holders, --forecast, --check, --openmetrics, "
		    "--alert-rules "
		    "and --grafana-dashboard exclude each other");
	if (o->check && o->conditions.n == 0)
		diag_usage("--check needs a condition (like 'ready>1000')");
	if (!o->forecast && (o->report.workers > 0 || o->report.target_wait >= 0))
		diag_usage("--workers and --target-wait need --forecast");
	if (o->conditions.n > 0 && !o->check)
		diag_usage("--warning needs --check");
	if (o->output != NULL && !o->metrics)
		diag_usage("--output needs --openmetrics");
	if (o->json && (o->check || o->metrics || o->rules || o->dashboard))
		diag_usage("--json is for tables, lists and messages");
	if (o->ids > 0 &&
	    (o->sizes || o->holders || o->forecast || o->check || o->metrics))
		diag_usage("an ID stands alone");
	if ((o->rules || o->dashboard) && opt_noperands > 0)
		diag_usage("no queue is needed");
}

/* 0, or the exit status after saying why. */
static int
read_row(const char *name, struct board_row *row)
{
	int status = 0, rc;
	struct q *q = show_open(name, &status);

	row->queue = name;
	if (q != NULL &&
	    ((rc = q_stat(q, &row->stat)) != 0 || (rc = q_usage(q, &row->usage)) != 0))
		status = queue_fail(name, rc);
	if (status != 0 && (row->failed = strdup(q_errmsg())) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	q_close(q);
	return (status);
}

/* Of a queue that is shown: what else is to be known of its numbers. */
static int
check_history(const struct board_row *row)
{
	const struct q_stat *st = &row->stat;
	char when[TEXT_TIME];

	if (st->history_damaged) {
		diag_error(row->queue,
		    "its times and rates are damaged, and are counted anew "
		    "from its next change on; messages are not affected");
		return (DIAG_CORRUPT);
	}
	if (st->history_since != 0)
		diag_note(row->queue,
		    "its times or rates were damaged, and are counted since %s",
		    text_time(when, st->history_since));
	return (0);
}

/* Those that could be read, one after the other; then what else is to be said. */
static int
show_rows(const struct options *o, const struct board_row *rows, size_t n)
{
	int status = 0;

	if (n > 0 && o->sizes && !o->json)
		board_sizes(rows, n, now_wall(), stdout);
	else if (n > 0 && !o->json && !o->forecast)
		board_print(rows, n, now_wall(), stdout);
	for (size_t i = 0; i < n && (o->json || o->forecast); i++) {
		if (i > 0 && !o->json)
			(void)putchar('\n');
		if (o->forecast)
			report_print(&o->report, &rows[i], now_wall(), stdout);
		else
			json_stat(&rows[i], now_wall(), stdout);
	}
	for (size_t i = 0; i < n; i++)
		status = show_worse(status, check_history(&rows[i]));
	return (status);
}

/* Who collects metrics refuses all of a text that has one of them twice. */
static size_t
each_once(char **names, size_t n)
{
	size_t kept = 0, k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < kept && strcmp(names[k], names[i]) != 0; k++)
			;
		if (k == kept)
			names[kept++] = names[i];
	}
	return (kept);
}

static int
show_queues(const struct options *o, char **names, size_t n)
{
	struct board_row *rows = calloc(2 * n + 1, sizeof(*rows)), *good;
	size_t got = 0;
	int status = 0;

	if (rows == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if (o->metrics)
		n = each_once(names, n);
	good = rows + n;
	for (size_t i = 0; i < n; i++) {
		int failed = read_row(names[i], &rows[i]);

		status = show_worse(status, failed);
		if (failed == 0)
			good[got++] = rows[i];
	}
	if (o->check)
		status = check_print(&o->conditions, rows, n, now_wall(), stdout);
	else if (o->metrics && o->output == NULL)
		metrics_print(rows, n, now_wall(), stdout);
	else if (o->metrics && metrics_write(rows, n, now_wall(), o->output) != 0)
		status = DIAG_FAILED;
	else if (!o->metrics)
		status = show_worse(status, show_rows(o, good, got));
	for (size_t i = 0; i < n; i++)
		free(rows[i].failed);
	free(rows);
	return (status);
}

static int
show_all(const struct options *o)
{
	char **names, *root;
	int status = 0;
	size_t n;

	if ((names = root_names(&n, &status)) == NULL || q_root(&root) != 0)
		return (status);
	if (n == 0)
		diag_warn(root, "no queues");
	if (n > 0 && o->holders)
		status = holders_show(names, n, o->json);
	else if (n > 0 || o->check || o->metrics)
		status = show_queues(o, names, n);
	free(root);
	root_free(names);
	return (status);
}

int
main(int argc, char **argv)
{
	struct options o = { .report.target_wait = -1 };
	int c, closed, status = 0;

	diag_start("qstat");
	(void)setlocale(LC_CTYPE, ""); /* in which the table measures its cells */
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	o.report.json = o.show.json = o.json;
	if (o.check)
		take_conditions(&o);
	check_usage(&o);
	check_more_usage(&o);
	if (o.rules)
		monitoring_alert_rules(stdout);
	else if (o.dashboard)
		monitoring_dashboard(stdout);
	else if (o.list)
		status = show_list(&o.show, opt_operands[0]);
	else if (o.ids > 0)
		status = show_messages(&o.show, opt_operands[0], opt_operands + 1);
	else if (opt_noperands > 0 && o.holders)
		status = holders_show(opt_operands, (size_t)opt_noperands, o.json);
	else if (opt_noperands > 0)
		status = show_queues(&o, opt_operands, (size_t)opt_noperands);
	else
		status = show_all(&o);
	check_free(&o.conditions);
	closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
