/* SPDX-License-Identifier: ISC */
/* qstat: show what queues hold. Opens them for reading and changes nothing. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "diag.h"
#include "json.h"
#include "listing.h"
#include "now.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "root.h"

enum { O_LIST = OPT_LONG, O_STATE, O_BODY };

enum { PAGE = 1000 }; /* messages of a list in memory */

static const struct opt opts[] = {
	{ O_LIST, "list", OPT_NONE, NULL, "list the messages of a queue" },
	{ O_STATE, "state", OPT_STATE, "STATE", "list those in STATE only" },
	{ 'n', "limit", OPT_COUNT, "N", "list at most so many" },
	{ O_BODY, "body", OPT_NONE, NULL, "list with bodies, with --json" },
	{ 'j', "json", OPT_NONE, NULL, "a JSON object per queue or message" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qstat",
	.synopsis = "[OPTION...] [QUEUE... | --list QUEUE | QUEUE ID...]",
	.purpose = "Show what queues hold, and change nothing",
	.opts = opts,
};

struct options {
	bool list, body, json;
	enum q_state state; /* to list; 0: all */
	uint64_t limit;     /* of a list */
	int ids; /* operands that are messages; the first is the queue then */
};

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case O_LIST:
		o->list = true;
		break;
	case O_STATE:
		if ((o->state = q_state_of(opt_arg)) == 0)
			opt_check("not one of ready, delayed, blocked, leased, dead");
		break;
	case 'n':
		opt_check(parse_count(opt_arg, 1, UINT64_MAX - 1, &o->limit));
		break;
	case O_BODY:
		o->body = true;
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

static void
check_usage(struct options *o)
{
	for (int i = 1; i < opt_noperands; i++)
		o->ids += is_id(opt_operands[i]);
	if (o->ids > 0 && o->ids + 1 < opt_noperands)
		diag_usage("give either queues or messages of one queue");
	if (!o->list && (o->state != 0 || o->limit != 0 || o->body))
		diag_usage("--state, --limit and --body need --list");
	if (o->body && !o->json)
		diag_usage("--body needs --json");
	if (o->list && o->ids > 0)
		diag_usage("--list and ID exclude each other");
	if (o->list && opt_noperands != 1)
		diag_usage(
		    opt_noperands == 0 ? "no queue given" : "--list is for one queue");
}

static int
worse(int a, int b)
{
	return (a > b ? a : b);
}

static struct q *
look(const char *name, int *status)
{
	static const struct q_open args = { .flags = Q_RDONLY };

	return (queue_try(name, &args, status));
}

/* 0, or the exit status after saying why. */
static int
read_row(const char *name, struct board_row *row)
{
	int status = 0, rc;
	struct q *q = look(name, &status);

	if (q == NULL)
		return (status);
	row->queue = name;
	if ((rc = q_stat(q, &row->stat)) != 0)
		status = queue_fail(name, rc);
	q_close(q);
	return (status);
}

static int
show_queues(const struct options *o, char **names, size_t n)
{
	struct board_row *rows = calloc(n + 1, sizeof(*rows));
	size_t got = 0;
	int status = 0;

	if (rows == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int failed = read_row(names[i], &rows[got]);

		status = worse(status, failed);
		got += failed == 0;
	}
	for (size_t i = 0; i < got && o->json; i++)
		board_json(&rows[i], now_wall(), stdout);
	if (got > 0 && !o->json)
		board_print(rows, got, now_wall(), stdout);
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
	else
		status = show_queues(o, names, n);
	free(root);
	root_free(names);
	return (status);
}

/* What is damaged is shown as far as it can be, and is an error all the same. */
static int
check_damage(const char *name, const struct q_msg *m)
{
	if (!m->damaged)
		return (0);
	diag_error(name, "message %llu is damaged", (unsigned long long)m->id);
	return (DIAG_CORRUPT);
}

static int
show_message(const struct options *o, const char *name, struct q *q, uint64_t id)
{
	struct q_batch *b = NULL;
	const struct q_msg *m;
	int rc, status = 0;

	if ((rc = q_get(q, id, &b)) != 0) {
		diag_error(name, "%llu: %s", (unsigned long long)id, q_errmsg());
		return (diag_status(rc));
	}
	m = q_batch_get(b, 0);
	if (!o->json)
		listing_detail(m, now_wall(), stdout);
	else if ((rc = json_message(
		      q, m, JSON_BODY | JSON_RECEIPT | JSON_FAILURES, stdout)) != 0)
		status = queue_fail(name, rc);
	status = worse(status, check_damage(name, m));
	q_batch_free(b);
	return (status);
}

static int
show_messages(const struct options *o, const char *name, char **ids)
{
	int status = 0;
	struct q *q = look(name, &status);

	for (char **id = ids; q != NULL && *id != NULL; id++) {
		uint64_t n;
		const char *why = parse_count(*id, 1, UINT64_MAX, &n);

		if (why != NULL) {
			diag_error(name, "%s", why);
			status = worse(status, DIAG_USAGE);
			continue;
		}
		if (id != ids && !o->json)
			(void)putchar('\n');
		status = worse(status, show_message(o, name, q, n));
	}
	q_close(q);
	return (status);
}

/* With its body, which a list has no room for; it may be gone since it was listed. */
static int
list_whole(const char *name, struct q *q, uint64_t id)
{
	struct q_batch *b = NULL;
	int rc = q_get(q, id, &b);

	if (rc == 0)
		rc = json_message(q, q_batch_get(b, 0), JSON_BODY, stdout);
	q_batch_free(b);
	return (rc == 0 || rc == Q_ENOENT ? 0 : queue_fail(name, rc));
}

static int
list_page(const struct options *o, const char *name, struct q *q, struct q_batch *b)
{
	q_time now = now_wall();
	int status = 0;

	for (size_t i = 0; i < q_batch_count(b) && !ferror(stdout); i++) {
		const struct q_msg *m = q_batch_get(b, i);

		if (!o->json)
			listing_line(m, now, stdout);
		else if (o->body)
			status = worse(status, list_whole(name, q, m->id));
		else
			(void)json_message(q, m, 0, stdout); /* 0 without the body */
		status = worse(status, check_damage(name, m));
	}
	return (status);
}

static int
list(const struct options *o, const char *name)
{
	struct q_list args = { .state = o->state,
		.preview = o->json ? 0 : LISTING_PREVIEW };
	uint64_t left = o->limit != 0 ? o->limit : UINT64_MAX;
	struct q_batch *b = NULL;
	int status = 0, rc = 0;
	struct q *q = look(name, &status);

	if (q == NULL)
		return (status);
	if (!o->json)
		listing_head(stdout);
	while (left > 0 && !ferror(stdout)) {
		args.n = left < PAGE ? (size_t)left : PAGE;
		if ((rc = q_list(q, &args, &b)) != 0)
			break;
		status = worse(status, list_page(o, name, q, b));
		left -= q_batch_count(b);
		q_batch_free(b);
	}
	if (rc != 0 && rc != Q_EMPTY)
		status = worse(status, queue_fail(name, rc));
	q_close(q);
	return (status);
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	int c, closed, status;

	diag_start("qstat");
	(void)setlocale(LC_CTYPE, ""); /* in which the table measures its cells */
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	if (o.list)
		status = list(&o, opt_operands[0]);
	else if (o.ids > 0)
		status = show_messages(&o, opt_operands[0], opt_operands + 1);
	else if (opt_noperands > 0)
		status = show_queues(&o, opt_operands, (size_t)opt_noperands);
	else
		status = show_all(&o);
	closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
