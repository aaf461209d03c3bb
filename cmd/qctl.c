/* SPDX-License-Identifier: ISC */
/* qctl: administer queues. A subcommand is a row of a table. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "diag.h"
#include "json.h"
#include "opt.h"
#include "queue.h"
#include "root.h"
#include "value.h"

enum { O_MODE = OPT_LONG, O_GROUP };

static const struct opt opts[] = {
	{ O_MODE, "mode", OPT_TEXT, "MODE", "of a new queue, in octal (0700)" },
	{ O_GROUP, "group", OPT_TEXT, "NAME", "of a new queue, by name or number" },
	{ 'j', "json", OPT_NONE, NULL, "get: print a JSON object" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qctl",
	.synopsis = "[OPTION...] create|set|get QUEUE [NAME[=VALUE]...] | ls",
	.purpose = "Create queues, and set or show their options",
	.opts = opts,
};

struct options {
	struct q_open create;
	bool json;
};

/* The operands of a subcommand: the queue, if it has one, and n others. */
struct operands {
	const char *queue;
	char **rest;
	size_t n;
};

struct sub {
	const char *name;
	int (*run)(const struct options *, const struct operands *);
	size_t least, most;   /* operands, beside the queue */
	bool queue;           /* its first operand is a queue */
	bool creates, prints; /* has --mode and --group; --json */
};

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case O_MODE:
		opt_check(access_mode(opt_arg, &o->create.mode));
		break;
	case O_GROUP:
		opt_check(access_group(opt_arg, &o->create.group));
		o->create.has_group = true;
		break;
	case 'j':
		o->json = true;
		break;
	}
}

/* Before anything is opened, so that a mistake changes nothing. */
static void
parse_values(const struct operands *operands, struct value values[Q_OPTIONS])
{
	for (size_t i = 0; i < operands->n; i++) {
		const char *why = value_parse(operands->rest[i], &values[i]);

		if (why != NULL)
			diag_usage("%s", why);
		for (size_t j = 0; j < i; j++)
			if (values[j].option == values[i].option)
				diag_usage("%s is given twice",
				    q_option_info(values[i].option)->name);
	}
}

static int
set_values(const struct operands *operands, struct q *q, const struct value values[])
{
	int rc;

	for (size_t i = 0; i < operands->n; i++)
		if ((rc = q_option_set(q, values[i].option, values[i].value)) != 0)
			return (queue_fail(operands->queue, rc));
	return (0);
}

/* Not by queue_open(): that a queue exists is what is wrong here. */
static int
create(const struct options *o, const struct operands *operands)
{
	struct q_open open = o->create;
	struct value values[Q_OPTIONS];
	char *path = NULL;
	struct q *q = NULL;
	int rc, status;

	parse_values(operands, values);
	if ((rc = q_path(operands->queue, &path)) != 0)
		return (queue_fail(operands->queue, rc));
	open.flags = Q_CREATE | Q_EXCL | (opt_common.force ? Q_FORCE : 0) |
	             (strchr(operands->queue, '/') == NULL ? Q_PARENTS : 0);
	open.lock_wait = opt_common.lock_wait;
	rc = q_open(path, &open, &q);
	free(path);
	if (rc != 0) {
		status = queue_fail(operands->queue, rc);
		return (rc == Q_EINVAL ? DIAG_FAILED : status);
	}
	diag_queue(operands->queue);
	status = set_values(operands, q, values);
	q_close(q);
	return (status);
}

static int
set(const struct options *o, const struct operands *operands)
{
	struct value values[Q_OPTIONS];
	struct q *q;
	int status;

	(void)o;
	parse_values(operands, values);
	q = queue_open(operands->queue, NULL);
	status = set_values(operands, q, values);
	q_close(q);
	return (status);
}

/* The options asked for, or all; returns how many. */
static size_t
parse_names(const struct operands *operands, struct value values[Q_OPTIONS])
{
	for (size_t i = 0; i < operands->n; i++) {
		const char *why = value_option(operands->rest[i], &values[i].option);

		if (why != NULL)
			diag_usage("%s", why);
	}
	if (operands->n > 0)
		return (operands->n);
	for (size_t i = 0; i < Q_OPTIONS; i++)
		values[i].option = (enum q_option)i;
	return (Q_OPTIONS);
}

static void
print_values(const struct value values[], size_t n)
{
	char text[VALUE_TEXT];

	for (size_t i = 0; i < n; i++)
		printf("%s %s\n", q_option_info(values[i].option)->name,
		    value_format(text, &values[i]));
}

static json_t *
json_of(const struct q_option_info *info, uint64_t value)
{
	switch (info->kind) {
	case Q_DURATION:
		return (json_real((double)value / (double)Q_SECOND));
	case Q_CHOICE:
		return (json_string(info->choices[value]));
	default:
		return (json_integer((json_int_t)value));
	}
}

/* Names as in other JSON of ours, numbers as there: bytes, and seconds. */
static void
print_json(const char *queue, const struct value values[], size_t n)
{
	json_t *object = json_object();

	json_set(object, "queue", json_text(queue));
	for (size_t i = 0; i < n; i++) {
		const struct q_option_info *info = q_option_info(values[i].option);
		char name[64], *dash;

		snprintf(name, sizeof(name), "%s", info->name);
		while ((dash = strchr(name, '-')) != NULL)
			*dash = '_';
		json_set(object, name, json_of(info, values[i].value));
	}
	json_line(object, stdout);
}

static int
get(const struct options *o, const struct operands *operands)
{
	static const struct q_open args = { .flags = Q_RDONLY };
	struct value values[Q_OPTIONS];
	size_t n = parse_names(operands, values);
	struct q *q = queue_open(operands->queue, &args);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = q_option_get(q, values[i].option, &values[i].value);
	q_close(q);
	if (rc != 0)
		return (queue_fail(operands->queue, rc));
	if (o->json)
		print_json(operands->queue, values, n);
	else
		print_values(values, n);
	return (0);
}

static int
ls(const struct options *o, const struct operands *operands)
{
	int status = 0;
	size_t n;
	char **names = root_names(&n, &status);

	(void)o;
	(void)operands;
	for (char **name = names; name != NULL && *name != NULL; name++)
		printf("%s\n", *name);
	root_free(names);
	return (status);
}

static const struct sub subs[] = {
	{ "create", create, 0, Q_OPTIONS, .queue = true, .creates = true },
	{ "set", set, 1, Q_OPTIONS, .queue = true },
	{ "get", get, 0, Q_OPTIONS, .queue = true, .prints = true },
	{ "ls", ls, 0, 0 },
};

static const struct sub *
find(const char *name)
{
	static const char known[] = "create, set, get and ls";

	if (name == NULL)
		diag_usage("no subcommand given; there are %s", known);
	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (strcmp(subs[i].name, name) == 0)
			return (&subs[i]);
	diag_usage("unknown subcommand '%.64s'; there are %s", name, known);
}

static void
check_usage(
    const struct sub *sub, const struct options *o, const struct operands *operands)
{
	if (sub->queue && operands->queue == NULL)
		diag_usage("no queue given");
	if (operands->n < sub->least)
		diag_usage("no OPTION=VALUE given");
	if (operands->n > sub->most)
		diag_usage("too many operands for %s", sub->name);
	if (!sub->creates && (o->create.mode != 0 || o->create.has_group))
		diag_usage("--mode and --group need create");
	if (!sub->prints && o->json)
		diag_usage("--json needs get");
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	struct operands operands = { 0 };
	const struct sub *sub;
	int c, closed, status;

	diag_start("qctl");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	sub = find(opt_operands[0]);
	operands.rest = opt_operands + 1;
	operands.n = (size_t)opt_noperands - 1;
	if (sub->queue && operands.n > 0) {
		operands.queue = *operands.rest++;
		operands.n--;
	}
	check_usage(sub, &o, &operands);
	status = sub->run(&o, &operands);
	closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
