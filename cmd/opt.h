/* SPDX-License-Identifier: ISC */
#ifndef OPT_H
#define OPT_H

/*
 * The command line. One table describes a command: opt_next() parses from it, --help
 * prints it, and --options dumps it for the completions and the tests.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum opt_value {  /* what an option's argument is, for completion */
	OPT_NONE, /* takes no argument */
	OPT_TEXT,
	OPT_FILE,
	OPT_DIR,
	OPT_TIME, /* a duration or a time of day */
	OPT_COUNT,
	OPT_SIZE,
	OPT_QUEUE,
	OPT_STATE,
	OPT_RECEIPT,
	OPT_CONDITION,
	OPT_VALUES,
	/* may be added to one of the above */
	OPT_OPTIONAL = 0x100, /* only attached: -w5s, --wait=5s; else opt_arg is NULL */
	OPT_REPEAT = 0x200,   /* may be given more than once */
};

/* The first key for options without a letter. */
enum { OPT_LONG = UCHAR_MAX + 1 };

struct opt {
	int key;          /* its letter, or a value from OPT_LONG on */
	const char *name; /* long name, without dashes */
	unsigned value;   /* of enum opt_value */
	const char *arg;  /* placeholder, e.g. "DURATION"; NULL if it takes none */
	const char *help; /* one line, no full stop */
};

struct command {
	const char *name;
	const char *synopsis;   /* what follows the name in the usage line */
	const char *purpose;    /* a sentence without full stop */
	const struct opt *opts; /* its own; ends with { 0 } */
	bool runs;         /* a COMMAND to run follows '--', else more operands do */
	const char *force; /* help of --force; NULL: it is for file systems alone */
};

/* What every command's -q, -v, --force and --lock-wait say; opt_next() fills it. */
struct opt_common {
	bool quiet, verbose, force;
	int64_t lock_wait; /* nanoseconds; 0 if not given, else at least 1 */
};
extern struct opt_common opt_common;

extern const char *opt_arg; /* of the last option; NULL if it has none */

/* After opt_next() has returned -1: */
extern char **opt_operands; /* opt_noperands of them, then NULL */
extern int opt_noperands;
extern char **opt_command; /* what follows '--', NULL-terminated; NULL without '--' */

/*
 * The next option's key, with its argument in opt_arg; -1 when there are no more.
 * Handles the options every command has, and ends the process for --help, --version and
 * usage errors. Operands are gathered at the front of argv, in order.
 */
int opt_next(const struct command *cmd, int argc, char **argv);

/* What follows '--' are no command, but more operands. */
void opt_join(void);

/* Before the command line of another command in the same process. */
void opt_reset(void);

/* A usage error about the last option, "--delay: why", unless why is NULL. */
void opt_check(const char *why);

#endif
