/* SPDX-License-Identifier: ISC */
/* qwatch: see what happens to queues, and wait for it. */
#include <string.h>

#include "diag.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "stop.h"
#include "until.h"

enum { O_UNTIL = OPT_LONG };

static const struct opt opts[] = {
	{ O_UNTIL, "until", OPT_TEXT, "CONDITION",
	    "wait until the queue meets CONDITION" },
	{ 'T', "timeout", OPT_TIME, "DURATION", "wait no longer than that" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qwatch",
	.synopsis = "[OPTION...] --until CONDITION QUEUE | QUEUE ID",
	.purpose = "See what happens to queues, and wait for it",
	.opts = opts,
};

struct options {
	struct until until; /* text is NULL without it */
	q_time timeout;
	uint64_t id; /* of a message; 0: none */
};

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case O_UNTIL:
		opt_check(until_parse(opt_arg, &o->until));
		break;
	case 'T':
		opt_check(parse_duration(opt_arg, &o->timeout));
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
	const char *why = NULL;

	if (opt_noperands == 0)
		diag_usage("no queue given");
	if (opt_noperands == 2 && is_id(opt_operands[1])) {
		if ((why = parse_count(opt_operands[1], 1, UINT64_MAX, &o->id)) != NULL)
			diag_usage("%s", why);
		if (o->until.text != NULL)
			diag_usage("--until and ID exclude each other; "
				   "see --until 'done ID'");
	}
	if (o->id == 0 && opt_noperands > 1)
		diag_usage("--until is for one queue");
	if (o->id == 0 && o->until.text == NULL)
		diag_usage("give --until or an ID");
}

int
main(int argc, char **argv)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	struct options o = { .timeout = Q_FOREVER };
	int c, closed, status;
	struct q *q;

	diag_start("qwatch");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	stop_catch();
	q = queue_open(opt_operands[0], &look);
	status = o.id != 0 ? until_ended(q, opt_operands[0], o.id, o.timeout)
	                   : until_wait(q, opt_operands[0], &o.until, o.timeout);
	q_close(q);
	closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
