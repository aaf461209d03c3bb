/* SPDX-License-Identifier: ISC */
/* qpop: take messages from a queue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "emit.h"
#include "opt.h"
#include "out.h"
#include "parse.h"
#include "queue.h"
#include "stop.h"

enum { O_ID = OPT_LONG, O_OWNER };

/* Messages a transaction: enough that its flush weighs little beside them. */
enum { BATCH_COUNT = 1 << 14, BATCH_BYTES = 4 << 20 };

static const struct opt opts[] = {
	{ 'L', "lease", OPT_TIME, "DURATION", "take under a lease; qack finishes it" },
	{ 'n', "count", OPT_COUNT, "N|all", "at most so many (1)" },
	{ 'w', "wait", OPT_TIME | OPT_OPTIONAL, "DURATION", "wait for a message" },
	{ 'l', "lines", OPT_NONE, NULL, "end each body with a newline" },
	{ '0', "null", OPT_NONE, NULL, "end each body with a NUL" },
	{ 'j', "json", OPT_NONE, NULL, "a JSON object per message" },
	{ 'o', "output", OPT_FILE, "FILE",
	    "write to FILE, which appears when complete" },
	{ 'r', "receipt", OPT_FILE, "FILE", "write the receipt to FILE, with -L" },
	{ O_OWNER, "owner", OPT_COUNT, "PID", "the lease ends with that process, too" },
	{ O_ID, "id", OPT_COUNT, "ID", "take this message only" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qpop",
	.synopsis = "[OPTION...] QUEUE",
	.purpose =
	    "Take messages from a queue; each is acknowledged once it is written",
	.opts = opts,
	.runs = true,
};

struct options {
	struct q_take take;
	uint64_t count; /* UINT64_MAX: all */
	int form;       /* 'l', '0', 'j' or 0 */
	const char *output, *receipt;
	const char *name; /* of the queue */
};

static void
set_form(struct options *o, int form)
{
	if (o->form != 0 && o->form != form)
		diag_usage("-l, -0 and -j exclude each other");
	o->form = form;
}

static void
set_option(struct options *o, int c)
{
	uint64_t n;

	switch (c) {
	case 'L':
		opt_check(parse_duration(opt_arg, &o->take.lease));
		if (o->take.lease == 0)
			opt_check("a lease must last for some time");
		break;
	case 'n':
		o->count = UINT64_MAX;
		if (strcmp(opt_arg, "all") != 0)
			opt_check(parse_count(opt_arg, 1, UINT64_MAX - 1, &o->count));
		break;
	case 'w':
		o->take.wait = Q_FOREVER;
		if (opt_arg != NULL)
			opt_check(parse_duration(opt_arg, &o->take.wait));
		break;
	case 'l':
	case '0':
	case 'j':
		set_form(o, c);
		break;
	case 'o':
		o->output = opt_arg;
		break;
	case 'r':
		o->receipt = opt_arg;
		break;
	case O_OWNER:
		opt_check(parse_count(opt_arg, 1, INT32_MAX, &n));
		o->take.owner = (pid_t)n;
		break;
	case O_ID:
		opt_check(parse_count(opt_arg, 1, UINT64_MAX, &o->take.id));
		break;
	}
}

static void
check_usage(struct options *o)
{
	bool leased = o->take.lease != 0;

	if (opt_noperands == 0)
		diag_usage("no queue given");
	if (opt_noperands > 1)
		diag_usage("put '--' before the command: qpop %s -- %s",
		    opt_operands[0], opt_operands[1]);
	if (opt_command != NULL)
		diag_usage("running a COMMAND is not supported by this version");
	if (!leased && o->receipt != NULL)
		diag_usage("--receipt needs --lease");
	if (!leased && o->take.owner != 0)
		diag_usage("--owner needs --lease");
	if (o->take.id != 0 && o->count != 1)
		diag_usage("--id and --count exclude each other");
	if (leased && o->count != 1 && o->form == 0)
		diag_usage("more than one leased message needs -l, -0 or --json");
	if (o->receipt != NULL && o->count != 1)
		diag_usage("--receipt is for one message");
	o->name = opt_operands[0];
}

/*
 * Write a batch: 0, or the exit status. *read_rc is why a message could not be read,
 * and *written the number of those before it.
 */
static int
write_batch(const struct options *o, struct q *q, struct q_batch *b, struct out *out,
    size_t *written, int *read_rc)
{
	struct emit e = { o->form, o->take.lease != 0 && o->receipt == NULL, out };
	size_t i = 0;

	*read_rc = 0;
	*written = 0;
	/* The receipt's file is complete before the body shows that there is one. */
	if (o->receipt != NULL &&
	    emit_receipt(o->receipt, &q_batch_get(b, 0)->receipt) != 0)
		return (DIAG_FAILED);
	for (; i < q_batch_count(b) && out->error == 0 && stop_signal() == 0; i++)
		if ((*read_rc = emit_message(&e, q, q_batch_get(b, i))) != 0)
			break;
	if (stop_signal() != 0 || out_flush(out) != 0)
		return (DIAG_FAILED);
	*written = i;
	return (*read_rc == 0 ? 0 : queue_fail(o->name, *read_rc));
}

static int
settle(const struct options *o, struct q *q, const struct q_settle *how,
    struct q_batch *b, size_t first, size_t n)
{
	int rc = n > 0 ? q_batch_settle(q, how, b, first, n) : 0;

	return (rc == 0 ? 0 : queue_fail(o->name, rc));
}

/* Written and handed over: acknowledged, unless qack is to do that. */
static int
acknowledge(const struct options *o, struct q *q, struct q_batch *b, size_t n)
{
	static const struct q_settle ack = { .verb = Q_ACK };

	return (o->take.lease == 0 ? settle(o, q, &ack, b, 0, n) : 0);
}

/*
 * A batch that was not written whole. Nobody can tell how much of a broken pipe was
 * read: all goes back, uncounted. A message that cannot be read is dead.
 */
static void
give_back(
    const struct options *o, struct q *q, struct q_batch *b, size_t written, int rc)
{
	static const struct q_settle release = { .verb = Q_RELEASE };
	static const struct q_settle kill = { .verb = Q_KILL,
		.reason = "body is damaged" };
	size_t first = written;

	(void)acknowledge(o, q, b, written);
	if (rc == Q_ECORRUPT)
		(void)settle(o, q, &kill, b, first++, 1);
	(void)settle(o, q, &release, b, first, q_batch_count(b) - first);
}

static struct q_take
next_take(const struct options *o, uint64_t taken, struct q_batch *ack)
{
	struct q_take take = o->take;
	uint64_t left = o->count - taken;

	take.n = left < BATCH_COUNT ? (size_t)left : BATCH_COUNT;
	take.bytes = BATCH_BYTES;
	take.stop = stop_wanted;
	take.ack = o->take.lease == 0 ? ack : NULL;
	return (take);
}

/* Take, write, and acknowledge together with the next take, until there are no more. */
static int
pop(const struct options *o, struct q *q, struct out *out)
{
	struct q_batch *last = NULL, *b;
	uint64_t taken = 0;
	size_t written;
	int rc, read_rc, status = 0;

	while (taken < o->count && status == 0 && stop_signal() == 0) {
		struct q_take take = next_take(o, taken, last);

		if ((rc = q_take(q, &take, &b)) != 0) {
			if ((rc != Q_EMPTY && rc != Q_ETIMEDOUT) || taken == 0)
				status = queue_fail(o->name, rc);
			break;
		}
		q_batch_free(last);
		last = b;
		taken += q_batch_count(b);
		if ((status = write_batch(o, q, b, out, &written, &read_rc)) != 0) {
			give_back(o, q, b, written, read_rc);
			q_batch_free(b);
			return (status);
		}
	}
	/* Where the last take failed, it may have acknowledged or not: again is
	 * harmless. */
	if (last != NULL && (rc = acknowledge(o, q, last, q_batch_count(last))) != 0)
		status = rc;
	q_batch_free(last);
	return (status);
}

int
main(int argc, char **argv)
{
	struct options o = { .count = 1 };
	struct out out;
	struct q *q;
	int c, status;

	diag_start("qpop");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	stop_catch();
	q = queue_open(o.name, NULL);
	out_open(&out, o.output, o.count == 1);
	status = pop(&o, q, &out);
	out_close(&out);
	q_close(q);
	if (stop_signal() != 0)
		stop_exit();
	return (status != 0 ? status : diag_close_stdout());
}
