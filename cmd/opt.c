/* SPDX-License-Identifier: ISC */
/*
 * The command line, parsed from a command's table. Not by getopt_long(), which accepts
 * abbreviations that break scripts when options are added, cannot tell operands from
 * the command after '--', and suggests nothing.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "near.h"
#include "parse.h"

#include "opt.h"

enum { KEY_LOCK_WAIT = 0x1000, KEY_FORCE, KEY_OPTIONS };
enum { COLUMNS = 80 }; /* of --help */

/* What every command has. --options has no help: it is for our own scripts. */
static const struct opt common[] = {
	{ KEY_LOCK_WAIT, "lock-wait", OPT_TIME, "DURATION",
	    "wait so long for another process (30s)" },
	{ KEY_FORCE, "force", OPT_NONE, NULL, "accept a network file system" },
	{ 'q', "quiet", OPT_NONE, NULL, "print nothing but errors" },
	{ 'v', "verbose", OPT_NONE, NULL, "say what happens" },
	{ 'h', "help", OPT_NONE, NULL, "print this help" },
	{ 'V', "version", OPT_NONE, NULL, "print the version" },
	{ KEY_OPTIONS, "options", OPT_NONE, NULL, NULL },
};

static const char *const values[] = {
	[OPT_NONE] = "none",
	[OPT_TEXT] = "text",
	[OPT_FILE] = "file",
	[OPT_DIR] = "dir",
	[OPT_TIME] = "time",
	[OPT_COUNT] = "count",
	[OPT_SIZE] = "size",
	[OPT_QUEUE] = "queue",
	[OPT_STATE] = "state",
	[OPT_RECEIPT] = "receipt",
	[OPT_CONDITION] = "condition",
};
_Static_assert(sizeof(values) / sizeof(values[0]) == OPT_VALUES, "a kind has no name");

struct opt_common opt_common;
const char *opt_arg;
char **opt_operands;
int opt_noperands;
char **opt_command;

static const struct opt *last; /* the option opt_check() speaks of */

/* How far the command line is read. */
static struct {
	int next;          /* the next word */
	const char *group; /* letters left of the last: "j" of "-lj" */
	uint64_t seen;     /* a bit an option */
} at = { .next = 1, .group = "" };

void
opt_reset(void)
{
	opt_common = (struct opt_common){ 0 };
	opt_noperands = 0;
	opt_command = NULL;
	at.next = 1;
	at.group = "";
	at.seen = 0;
}

/* Option i: the command's own come first, then the common; NULL past the end. */
static const struct opt *
option(const struct command *cmd, size_t i)
{
	size_t own = 0;

	while (cmd->opts[own].key != 0)
		own++;
	if (i < own)
		return (&cmd->opts[i]);
	i -= own;
	return (i < sizeof(common) / sizeof(common[0]) ? &common[i] : NULL);
}

static const char *
help_of(const struct command *cmd, const struct opt *o)
{
	return (o->key == KEY_FORCE && cmd->force != NULL ? cmd->force : o->help);
}

/* Broken between words, and between alternatives. */
static void
print_usage(const struct command *cmd)
{
	int indent = fprintf(stdout, "Usage: %s", cmd->name), column = indent;
	const char *p = cmd->synopsis;
	size_t n;

	for (bool apart = true; *p != '\0'; p += n) {
		n = strcspn(p, " |");
		n += p[n] == '|';
		if (column + apart + (int)n > COLUMNS) {
			fprintf(stdout, "\n%*s", indent, "");
			column = indent;
			apart = true;
		}
		column += fprintf(stdout, "%s%.*s", apart ? " " : "", (int)n, p);
		apart = p[n] == ' ';
		n += apart;
	}
}

static void
print_help(const struct command *cmd)
{
	const struct opt *o;

	print_usage(cmd);
	fprintf(stdout, "\n%s; see %s(1).\n\n", cmd->purpose, cmd->name);
	for (size_t i = 0; (o = option(cmd, i)) != NULL; i++) {
		bool optional = o->value & OPT_OPTIONAL;
		char letter[] = "   ", left[80];

		if (o->help == NULL)
			continue;
		if (o->key < OPT_LONG)
			snprintf(letter, sizeof(letter), "-%c,", o->key);
		snprintf(left, sizeof(left), "%s --%s%s%s%s%s", letter, o->name,
		    optional ? "[" : "", o->arg != NULL ? "=" : "",
		    o->arg != NULL ? o->arg : "", optional ? "]" : "");
		fprintf(stdout, "  %-26s %s\n", left, help_of(cmd, o));
	}
}

/*
 * A line an option, tab-separated: command, letter, name, kind of value, placeholder,
 * help. The kind has a '?' if the argument is optional, and a '*' if it may be
 * repeated.
 */
static void
print_options(const struct command *cmd)
{
	const struct opt *o;

	for (size_t i = 0; (o = option(cmd, i)) != NULL; i++) {
		if (o->help == NULL)
			continue;
		fprintf(stdout, "%s\t%c\t%s\t%s%s%s\t%s\t%s\n", cmd->name,
		    o->key < OPT_LONG ? o->key : '-', o->name, values[o->value & 0xff],
		    o->value & OPT_OPTIONAL ? "?" : "",
		    o->value & OPT_REPEAT ? "*" : "", o->arg != NULL ? o->arg : "-",
		    help_of(cmd, o));
	}
}

/* No option has the n letters at name as its name: say which one may be meant. */
static _Noreturn void
unknown_long(const struct command *cmd, const char *name, size_t n)
{
	const struct opt *o, *begins = NULL;
	struct near near = { .word = name, .n = n };
	size_t matches = 0;

	for (size_t i = 0; (o = option(cmd, i)) != NULL; i++) {
		if (o->help == NULL)
			continue;
		if (strncmp(o->name, name, n) == 0) {
			begins = o;
			matches++;
		}
		near_try(&near, o->name);
	}
	if (n > 0 && matches == 1)
		diag_usage(
		    "'--%.*s' is not an option; options are not abbreviated ('--%s')",
		    (int)n, name, begins->name);
	if (near.found != NULL)
		diag_usage("unknown option '--%.*s'; did you mean '--%s'?", (int)n,
		    name, near.found);
	diag_usage("unknown option '--%.*s'", (int)n, name);
}

/* Repeating one of the others would hide which argument counts. */
static void
refuse_repeated(size_t i)
{
	assert(i < 64);
	if (last->value & OPT_REPEAT)
		return;
	if (at.seen >> i & 1)
		diag_usage("option '--%s' is given twice", last->name);
	at.seen |= (uint64_t)1 << i;
}

/* The argument of o: attached to it if not NULL, else the next word if it needs one. */
static void
set_argument(const struct opt *o, const char *attached, char **argv, int *next)
{
	unsigned kind = o->value & 0xff;
	const char *word = argv[*next];
	int64_t duration;

	if (kind == OPT_NONE && attached != NULL)
		diag_usage("option '--%s' takes no argument", o->name);
	opt_arg = attached;
	if (kind != OPT_NONE && attached == NULL && !(o->value & OPT_OPTIONAL)) {
		if (word == NULL || strcmp(word, "--") == 0)
			diag_usage(
			    "option '--%s' needs an argument (%s)", o->name, o->arg);
		opt_arg = word;
		(*next)++;
	}
	/* Nobody means the queue 5s, or the message 10. */
	if (kind == OPT_TIME && opt_arg == NULL && word != NULL &&
	    parse_duration(word, &duration) == NULL)
		diag_usage("the argument of '--%s' is attached to it: --%s=%s", o->name,
		    o->name, word);
}

/* Whether o is a common option; it has been dealt with then. */
static bool
common_option(const struct command *cmd, const struct opt *o)
{
	switch (o->key) {
	case KEY_LOCK_WAIT:
		opt_check(parse_duration(opt_arg, &opt_common.lock_wait));
		if (opt_common.lock_wait == 0)
			opt_common.lock_wait = 1; /* 0 stands for the default */
		return (true);
	case KEY_FORCE:
		opt_common.force = true;
		return (true);
	case 'q':
		opt_common.quiet = true;
		return (true);
	case 'v':
		opt_common.verbose = true;
		return (true);
	case 'h':
		print_help(cmd);
		exit(diag_close_stdout());
	case 'V':
		fprintf(stdout, "%s (qutils) %s\n", cmd->name, VERSION);
		exit(diag_close_stdout());
	case KEY_OPTIONS:
		print_options(cmd);
		exit(diag_close_stdout());
	}
	return (false);
}

/* The option at word, "--count=5", whose argument may be argv[*next]. */
static const struct opt *
long_option(const struct command *cmd, const char *word, char **argv, int *next)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name);

	for (size_t i = 0; (last = option(cmd, i)) != NULL; i++) {
		if (strlen(last->name) != n || strncmp(last->name, name, n) != 0)
			continue;
		refuse_repeated(i);
		set_argument(last, equals != NULL ? equals + 1 : NULL, argv, next);
		return (last);
	}
	unknown_long(cmd, name, n);
}

/* The option at *group, "lj" of "-lj" or "n5" of "-n5", and past it. */
static const struct opt *
short_option(const struct command *cmd, const char **group, char **argv, int *next)
{
	int letter = (unsigned char)*(*group)++;

	for (size_t i = 0; (last = option(cmd, i)) != NULL; i++) {
		const char *attached = **group != '\0' ? *group : NULL;

		if (last->key != letter)
			continue;
		refuse_repeated(i);
		if ((last->value & 0xff) == OPT_NONE)
			attached = NULL;
		else
			*group = "";
		set_argument(last, attached, argv, next);
		return (last);
	}
	/* A COMMAND's own, perhaps, or a message. */
	if (cmd->runs && opt_noperands > 1)
		diag_usage("unknown option '-%c'; what is not %s's comes after '--'",
		    letter, cmd->name);
	diag_usage("unknown option '-%c'", letter);
}

/* The next option; NULL at '--' and at the end. Operands on the way are gathered. */
static const struct opt *
next_option(const struct command *cmd, int argc, char **argv)
{
	while (*at.group == '\0') {
		char *word;

		if (at.next >= argc)
			return (NULL);
		word = argv[at.next++];
		if (word[0] != '-' || word[1] == '\0') {
			opt_operands[opt_noperands++] = word;
		} else if (word[1] != '-') {
			at.group = word + 1;
		} else if (word[2] != '\0') {
			return (long_option(cmd, word, argv, &at.next));
		} else {
			opt_command = argv + at.next;
			at.next = argc;
		}
	}
	return (short_option(cmd, &at.group, argv, &at.next));
}

void
opt_join(void)
{
	while (*opt_command != NULL)
		opt_operands[opt_noperands++] = *opt_command++;
	opt_command = NULL;
	opt_operands[opt_noperands] = NULL;
}

int
opt_next(const struct command *cmd, int argc, char **argv)
{
	const struct opt *o;

	opt_operands = argv + (argc > 0);
	while ((o = next_option(cmd, argc, argv)) != NULL)
		if (!common_option(cmd, o))
			return (o->key);
	if (opt_command != NULL && !cmd->runs)
		opt_join();
	/* There is room: an operand never moves to behind where it was. */
	opt_operands[opt_noperands] = NULL;
	return (-1);
}

void
opt_check(const char *why)
{
	if (why != NULL)
		diag_usage("--%s: %s", last->name, why);
}
