/* SPDX-License-Identifier: ISC */
/* qack: say what became of messages taken under a lease. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "json.h"
#include "lines.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "settled.h"

enum { O_RELEASE = OPT_LONG, O_EXTEND, O_FAIL, O_DEAD, O_REASON, O_STRICT };

#define MALFORMED "'%.64s' is not a receipt (like 42.1.k3jx9)"

enum { BATCH = 1000 }; /* receipts of stdin in a transaction, at most */

static const struct opt opts[] = {
	{ O_RELEASE, "release", OPT_NONE, NULL,
	    "give back, without counting the attempt" },
	{ O_FAIL, "fail", OPT_NONE, NULL, "failed: again after the back-off, or dead" },
	{ O_DEAD, "dead", OPT_NONE, NULL, "failed for good: no more attempts" },
	{ O_EXTEND, "extend", OPT_TIME, "DURATION", "keep it, for DURATION from now" },
	{ 'd', "delay", OPT_TIME, "DURATION",
	    "not again before, with --release, --fail" },
	{ O_REASON, "reason", OPT_TEXT, "TEXT",
	    "why, with --release, --extend, --fail, --dead" },
	{ O_STRICT, "strict", OPT_NONE, NULL,
	    "refuse leases that are over, taken or not" },
	{ 'j', "json", OPT_NONE, NULL, "print a JSON object per receipt" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qack",
	.synopsis = "[OPTION...] QUEUE RECEIPT... | -",
	.purpose = "Acknowledge messages taken with qpop --lease, or give them back",
	.opts = opts,
};

struct options {
	struct q_settle how;
	bool json;
	const char *name; /* of the queue */
};

static void
set_verb(struct options *o, enum q_verb verb)
{
	if (o->how.verb != 0)
		diag_usage("--release, --fail, --dead and --extend exclude each other");
	o->how.verb = verb;
}

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case O_RELEASE:
		set_verb(o, Q_RELEASE);
		break;
	case O_FAIL:
		set_verb(o, Q_FAIL);
		break;
	case O_DEAD:
		set_verb(o, Q_KILL);
		break;
	case O_EXTEND:
		set_verb(o, Q_EXTEND);
		opt_check(parse_duration(opt_arg, &o->how.lease));
		if (o->how.lease == 0)
			opt_check("a lease must last for some time");
		break;
	case 'd':
		opt_check(parse_duration(opt_arg, &o->how.delay));
		o->how.has_delay = true;
		break;
	case O_REASON:
		o->how.reason = opt_arg;
		break;
	case O_STRICT:
		o->how.strict = true;
		break;
	case 'j':
		o->json = true;
		break;
	}
}

static void
check_usage(struct options *o)
{
	enum q_verb verb = o->how.verb;

	if (o->how.has_delay && verb != Q_RELEASE && verb != Q_FAIL)
		diag_usage("--delay needs --release or --fail");
	if (o->how.reason != NULL && verb == 0)
		diag_usage("--reason needs --release, --extend, --fail or --dead");
	if (verb == 0)
		o->how.verb = Q_ACK;
	if (opt_noperands == 0)
		diag_usage("no queue given");
	if (opt_noperands == 1)
		diag_usage("no receipt given; '-' reads them from stdin");
	o->name = opt_operands[0];
}

/* What has been done so far. */
struct tally {
	uint64_t good; /* receipts accepted */
	int status;    /* of the worst of the others */
};

/* Settle n receipts and report each. A code means that nothing has changed. */
static int
settle(const struct options *o, struct q *q, const struct q_receipt *receipts, size_t n,
    struct tally *tally)
{
	struct q_settled *results = calloc(n + 1, sizeof(*results));
	int rc, status;

	if (results == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if ((rc = q_settle(q, &o->how, receipts, n, results)) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct settled s = { o->name, &o->how, &receipts[i],
			&results[i] };

		if ((status = settled_report(&s)) == 0)
			tally->good++;
		else if (status > tally->status)
			tally->status = status;
		if (o->json)
			settled_json(&s, stdout);
	}
	free(results);
	if (o->json)
		diag_flush_stdout();
	return (rc);
}

/* A text of n bytes, for it may have NULs in it. */
static bool
parse(const char *text, size_t n, struct q_receipt *receipt)
{
	return (strlen(text) == n && q_receipt_parse(text, receipt) == 0);
}

/* A line of stdin: a receipt, or an object that has one, as qpop and qack print it. */
static bool
parse_line(const char *line, size_t n, struct q_receipt *receipt)
{
	char *text;
	bool good;

	if (*line != '{')
		return (parse(line, n, receipt));
	text = json_receipt(line, n);
	good = text != NULL && q_receipt_parse(text, receipt) == 0;
	free(text);
	return (good);
}

static int
settle_operands(const struct options *o, char **texts, size_t n)
{
	struct q_receipt *receipts = calloc(n, sizeof(*receipts));
	struct tally tally = { 0 };
	struct q *q;
	int rc;

	if (receipts == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(texts[i], "-") == 0)
			diag_usage("'-' excludes other receipts");
		if (!parse(texts[i], strlen(texts[i]), &receipts[i]))
			diag_die(DIAG_USAGE, NULL, MALFORMED, texts[i]);
	}
	q = queue_open(o->name, NULL);
	if ((rc = settle(o, q, receipts, n, &tally)) != 0)
		tally.status = queue_fail(o->name, rc);
	queue_leave(q);
	free(receipts);
	return (tally.status);
}

/* Read up to BATCH receipts, fewer if the input pauses. 1 if there may be more, 0, -1.
 */
static int
read_batch(struct lines *l, struct q_receipt *receipts, size_t *n, char **bad)
{
	size_t size;
	char *line;
	int more = 1;

	for (*n = 0; *n < BATCH && (*n == 0 || !lines_paused(l)); ++*n) {
		if ((more = lines_next(l, &line, &size)) != 1)
			break;
		if (!parse_line(line, size, &receipts[*n])) {
			*bad = line;
			break;
		}
	}
	return (more);
}

/* Each complaint says how much is done: the rest of the input is to be given again. */
static int
settle_stdin(const struct options *o)
{
	struct lines lines;
	struct q_receipt receipts[BATCH];
	struct q *q = queue_open(o->name, NULL);
	struct tally tally = { 0 };
	char *bad = NULL, where[64];
	int more, error, rc;
	size_t n;

	lines_open(&lines, STDIN_FILENO);
	do {
		more = read_batch(&lines, receipts, &n, &bad);
		error = errno;
		if (n > 0 && (rc = settle(o, q, receipts, n, &tally)) != 0) {
			const char *why = q_errmsg();

			diag_error(o->name,
			    "%.*s; %" PRIu64 " settled, the rest was not",
			    diag_reason(why), why, tally.good);
			tally.status = diag_status(rc);
			goto out;
		}
	} while (more == 1 && bad == NULL);
	snprintf(where, sizeof(where), "stdin line %" PRIu64, lines.number);
	if (bad != NULL) {
		diag_error(where, MALFORMED "; %" PRIu64 " settled", bad, tally.good);
		tally.status = DIAG_USAGE;
	} else if (more == -1) {
		diag_error(
		    "stdin", "%s; %" PRIu64 " settled", strerror(error), tally.good);
		tally.status = DIAG_FAILED;
	}
out:
	lines_close(&lines);
	queue_leave(q);
	return (tally.status);
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	int c, closed, status;

	diag_start("qack");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	if (opt_noperands == 2 && strcmp(opt_operands[1], "-") == 0)
		status = settle_stdin(&o);
	else
		status =
		    settle_operands(&o, opt_operands + 1, (size_t)opt_noperands - 1);
	closed = o.json ? diag_close_stdout() : DIAG_DONE;
	return (status != 0 ? status : closed);
}
