/* SPDX-License-Identifier: ISC */
/* qctl: administer queues. A subcommand is a row of a table. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "admin.h"
#include "diag.h"
#include "near.h"
#include "opt.h"
#include "parse.h"

/* The key of an option without a letter. */
#define KEY(option) (OPT_LONG + (option))

static const struct opt opts[] = {
	[CTL_MODE] = { KEY(CTL_MODE), "mode", OPT_TEXT, "MODE",
	    "create, load: mode of the queue, in octal (0700)" },
	[CTL_GROUP] = { KEY(CTL_GROUP), "group", OPT_TEXT, "NAME",
	    "create, load: group of the queue, by name or number" },
	[CTL_REPAIR] = { KEY(CTL_REPAIR), "repair", OPT_NONE, NULL,
	    "check: build the queue again of what is readable" },
	[CTL_ALL] = { KEY(CTL_ALL), "all", OPT_NONE, NULL,
	    "all messages it can be done to" },
	[CTL_STATE] = { KEY(CTL_STATE), "state", OPT_STATE, "STATE",
	    "messages in this state" },
	[CTL_OLDER] = { KEY(CTL_OLDER), "older-than", OPT_TIME, "DURATION",
	    "messages pushed so long ago" },
	[CTL_REASON] = { KEY(CTL_REASON), "reason", OPT_TEXT, "TEXT",
	    "messages whose last failure is like it; dead: why" },
	[CTL_TO] = { KEY(CTL_TO), "to", OPT_QUEUE, "QUEUE",
	    "redrive: into this queue" },
	[CTL_LIMIT] = { 'n', "limit", OPT_COUNT, "N", "move, copy: the first so many" },
	[CTL_TIMEOUT] = { KEY(CTL_TIMEOUT), "timeout", OPT_TIME, "DURATION",
	    "drain: wait no longer" },
	[CTL_JSON] = { 'j', "json", OPT_NONE, NULL, "print JSON objects" },
	[CTL_YES] = { 'y', "yes", OPT_NONE, NULL, "do it, not only say it" },
	{ 0 },
};
_Static_assert(sizeof(opts) / sizeof(opts[0]) == CTL_OPTIONS + 1, "an option lacks");

static const struct command cmd = {
	.name = "qctl",
	.synopsis = "[OPTION...] "
		    "backup|cancel|check|compact|copy|create|dead|drain|dump|edit|get|"
		    "load|move|"
		    "pause|purge|redrive|rerun|"
		    "release|"
		    "resume|rm|set"
		    " QUEUE [ARGUMENT...] | ls",
	.purpose = "Administer queues",
	.opts = opts,
	.force = "a network file system; what is in use or damaged",
};

/* What a subcommand takes. */
struct sub {
	const char *name;
	int (*run)(const struct ctl *);
	size_t least, most; /* operands beside the queue */
	const char *what;   /* they are */
	unsigned options;   /* bit set of enum ctl_option */
	bool no_queue;      /* else its first operand is one */
};

#define HAS(option) (1U << (option))

/* Many messages, by what they have in common. */
#define SELECTING (HAS(CTL_STATE) | HAS(CTL_OLDER) | HAS(CTL_REASON))
#define TRANSFER  (SELECTING | HAS(CTL_LIMIT))
#define MANY      (SIZE_MAX / 2)

static const struct sub subs[] = {
	{ "backup", ctl_backup, 1, 1, "DIRECTORY", 0 },
	{ "cancel", ctl_cancel, 1, MANY, "ID", HAS(CTL_YES) },
	{ "check", ctl_check, 0, 0, NULL,
	    HAS(CTL_REPAIR) | HAS(CTL_JSON) | HAS(CTL_YES) },
	{ "compact", ctl_compact, 0, 0, NULL, 0 },
	{ "copy", ctl_copy, 1, MANY, "second QUEUE", TRANSFER },
	{ "create", ctl_create, 0, Q_OPTIONS, NULL, HAS(CTL_MODE) | HAS(CTL_GROUP) },
	{ "dead", ctl_dead, 0, MANY, NULL, HAS(CTL_ALL) | SELECTING },
	{ "drain", ctl_drain, 0, 0, NULL, HAS(CTL_TIMEOUT) },
	{ "dump", ctl_dump, 0, 0, NULL, 0 },
	{ "edit", ctl_edit, 1, 1, "ID", 0 },
	{ "get", ctl_get, 0, Q_OPTIONS, NULL, HAS(CTL_JSON) },
	{ "load", ctl_load, 0, 1, NULL, HAS(CTL_MODE) | HAS(CTL_GROUP) },
	{ "ls", ctl_ls, 0, 0, NULL, 0, .no_queue = true },
	{ "move", ctl_move, 1, MANY, "second QUEUE", TRANSFER },
	{ "pause", ctl_pause, 0, 1, NULL, 0 },
	{ "purge", ctl_purge, 0, 0, NULL, SELECTING | HAS(CTL_YES) },
	{ "redrive", ctl_redrive, 0, MANY, NULL,
	    HAS(CTL_ALL) | HAS(CTL_OLDER) | HAS(CTL_REASON) | HAS(CTL_TO) },
	{ "release", ctl_release, 0, MANY, NULL,
	    HAS(CTL_ALL) | HAS(CTL_STATE) | HAS(CTL_OLDER) },
	{ "rerun", ctl_rerun, 1, MANY, "ID", 0 },
	{ "resume", ctl_resume, 0, 1, NULL, 0 },
	{ "rm", ctl_rm, 0, 0, NULL, HAS(CTL_YES) },
	{ "set", ctl_set, 1, Q_OPTIONS, "OPTION=VALUE", 0 },
};

enum { SUBS = sizeof(subs) / sizeof(subs[0]) };

static size_t
index_of(int key)
{
	size_t i = 0;

	while (opts[i].key != key)
		i++;
	return (i);
}

static void
set_option(struct ctl *c, int key)
{
	size_t i = index_of(key);

	c->given |= 1U << i;
	switch ((enum ctl_option)i) {
	case CTL_MODE:
		opt_check(access_mode(opt_arg, &c->create.mode));
		break;
	case CTL_GROUP:
		opt_check(access_group(opt_arg, &c->create.group));
		c->create.has_group = true;
		break;
	case CTL_STATE:
		if ((c->state = q_state_of(opt_arg)) == 0)
			opt_check("not one of ready, delayed, blocked, leased, dead");
		break;
	case CTL_OLDER:
		opt_check(parse_duration(opt_arg, &c->older));
		break;
	case CTL_REASON:
		c->reason = opt_arg;
		break;
	case CTL_TO:
		c->to = opt_arg;
		break;
	case CTL_TIMEOUT:
		opt_check(parse_duration(opt_arg, &c->timeout));
		break;
	case CTL_LIMIT:
		opt_check(parse_count(opt_arg, 1, UINT64_MAX, &c->limit));
		break;
	default:
		break;
	}
}

/* "check, create, get, ls and set" */
static const char *
names(void)
{
	static char text[512];
	size_t n = 0;

	for (size_t i = 0; i < SUBS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		    i == 0         ? ""
		    : i + 1 < SUBS ? ", "
				   : " and ",
		    subs[i].name);
	return (text);
}

static const struct sub *
find(const char *name)
{
	struct near near = { .word = name };

	if (name == NULL)
		diag_usage("no subcommand given; there are %s", names());
	near.n = strlen(name);
	for (size_t i = 0; i < SUBS; i++) {
		if (strcmp(subs[i].name, name) == 0)
			return (&subs[i]);
		near_try(&near, subs[i].name);
	}
	if (near.found != NULL)
		diag_usage(
		    "unknown subcommand '%.64s'; did you mean '%s'?", name, near.found);
	diag_usage("unknown subcommand '%.64s'; there are %s", name, names());
}

static void
check_usage(const struct sub *sub, const struct ctl *c)
{
	for (size_t i = 0; i < CTL_OPTIONS; i++)
		if (c->given & ~sub->options & 1U << i)
			diag_usage("--%s is not for %s", opts[i].name, sub->name);
	if (!sub->no_queue && c->queue == NULL)
		diag_usage("no queue given");
	if (c->n < sub->least)
		diag_usage("no %s given", sub->what);
	if (c->n > sub->most)
		diag_usage("too many operands for %s", sub->name);
}

void
ctl_would(const struct ctl *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(c->queue, "%s; repeat with --yes", text);
}

int
main(int argc, char **argv)
{
	struct ctl c = { 0 };
	const struct sub *sub;
	int key, closed, status;

	diag_start("qctl");
	while ((key = opt_next(&cmd, argc, argv)) != -1)
		set_option(&c, key);
	sub = find(opt_operands[0]);
	c.rest = opt_operands + 1;
	c.n = (size_t)opt_noperands - 1;
	if (!sub->no_queue && c.n > 0) {
		c.queue = *c.rest++;
		c.n--;
	}
	check_usage(sub, &c);
	status = sub->run(&c);
	closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
