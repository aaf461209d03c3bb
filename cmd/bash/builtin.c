/* SPDX-License-Identifier: ISC */
/*
 * qpush, qpop and qack as builtins of bash: a call costs no process. Each call opens
 * the queue and closes it, so nothing is shared with subshells, which are forks, and a
 * queue that is removed or replaced between two calls is no special case.
 *
 * What runs a COMMAND is handed to the program of the same name. It forks anyway, and a
 * worker waits for children in its own ways, which are not those of a shell.
 */
/* Of bash: what configured it comes first. */
#include <config.h>

#include <bashtypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <shell.h>

#include <builtins.h>
#include <execute_cmd.h>

#include "frame.h"

/* Of bash, but in none of the headers it installs. */
extern char *find_user_command(const char *name);
extern int sync_buffered_stream(int fd);
extern int default_buffered_input;

/* What the commands' main() are called here. */
int qpush_main(int argc, char **argv);
int qpop_main(int argc, char **argv);
int qack_main(int argc, char **argv);

enum { NOT_FOUND = 127 };

/* Whether a COMMAND follows '--', after an option that says so, if it is not NULL. */
static bool
runs_command(const WORD_LIST *words, const char *option)
{
	bool said = option == NULL;

	for (; words != NULL; words = words->next) {
		if (strcmp(words->word->word, "--") == 0)
			return (said);
		said = said || strcmp(words->word->word, option) == 0;
	}
	return (false);
}

static void
dispose(void *command)
{
	dispose_command(command);
}

/*
 * As if the user had written the program's path: jobs, traps and redirections are
 * bash's affair. Errors are left to whoever called us, who knows whether set -e
 * applies.
 */
static int
run_program(char *name, WORD_LIST *words)
{
	char *path = find_user_command(name);
	COMMAND *command;
	int status;

	if (path == NULL) {
		fprintf(stderr,
		    "%s: a command after '--' needs the program %s in PATH\n", name,
		    name);
		return (NOT_FOUND);
	}
	begin_unwind_frame("qutils");
	command = make_bare_simple_command();
	command->value.Simple->words =
	    make_word_list(make_word(path), copy_word_list(words));
	xfree(path); /* what bash has allocated is not for our free() */
	command->flags |= CMD_NO_FUNCTIONS | CMD_INHIBIT_EXPANSION | CMD_IGNORE_RETURN;
	command->value.Simple->flags |= command->flags;
	add_unwind_protect(dispose, command);
	status = execute_command(command);
	run_unwind_frame("qutils");
	return (status);
}

static int
run_here(frame_main *command, char *name, WORD_LIST *words)
{
	char **argv;
	int argc, status;

	/* A script that comes on stdin: what bash has read ahead is ours to read. */
	if (default_buffered_input == STDIN_FILENO)
		(void)sync_buffered_stream(STDIN_FILENO);
	argv = strvec_from_word_list(words, 0, 1, &argc);
	argv[0] = name;
	status = frame_run(command, argc, argv);
	xfree(argv);
	return (status);
}

static int
qpush_builtin(WORD_LIST *words)
{
	return (runs_command(words, "--from-command")
		    ? run_program("qpush", words)
		    : run_here(qpush_main, "qpush", words));
}

static int
qpop_builtin(WORD_LIST *words)
{
	return (runs_command(words, NULL) ? run_program("qpop", words)
					  : run_here(qpop_main, "qpop", words));
}

/* To it, what follows '--' are operands. */
static int
qack_builtin(WORD_LIST *words)
{
	return (run_here(qack_main, "qack", words));
}

static char *const qpush_doc[] = {
	"Put messages into a queue.",
	"",
	"They are on disk when the exit status is 0. See qpush --help, qpush(1).",
	NULL,
};
static char *const qpop_doc[] = {
	"Take messages from a queue.",
	"",
	"Each is acknowledged once it is written. See qpop --help, qpop(1).",
	NULL,
};
static char *const qack_doc[] = {
	"Settle messages taken with qpop --lease.",
	"",
	"Acknowledge them, give them back or extend the lease. See qack --help, "
	"qack(1).",
	NULL,
};

struct builtin qpush_struct = {
	.name = "qpush",
	.function = qpush_builtin,
	.flags = BUILTIN_ENABLED,
	.long_doc = qpush_doc,
	.short_doc = "qpush [OPTION...] QUEUE [MESSAGE...]",
};
struct builtin qpop_struct = {
	.name = "qpop",
	.function = qpop_builtin,
	.flags = BUILTIN_ENABLED,
	.long_doc = qpop_doc,
	.short_doc = "qpop [OPTION...] QUEUE [-- COMMAND [ARGUMENT...]]",
};
struct builtin qack_struct = {
	.name = "qack",
	.function = qack_builtin,
	.flags = BUILTIN_ENABLED,
	.long_doc = qack_doc,
	.short_doc = "qack [OPTION...] QUEUE RECEIPT... | -",
};
