/* SPDX-License-Identifier: ISC */
/* The command line as people write it. Each case runs in a process of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cmd/diag.h"
#include "../../cmd/opt.h"
#include "../../cmd/parse.h"

enum { KEY_SORT = OPT_LONG, MAX_ARGS = 16 };

static const struct opt opts[] = {
	{ 'l', "lines", OPT_NONE, NULL, "end each body with a newline" },
	{ 'j', "json", OPT_NONE, NULL, "print JSON" },
	{ 'n', "count", OPT_COUNT, "N", "at most so many" },
	{ 'p', "priority", OPT_COUNT, "N", "higher goes first" },
	{ 'w', "wait", OPT_TIME | OPT_OPTIONAL, "DURATION", "wait for a message" },
	{ 'f', "file", OPT_FILE | OPT_REPEAT, "FILE", "FILE to read" },
	{ 'd', "delay", OPT_TIME, "DURATION", "not before" },
	{ KEY_SORT, "sort", OPT_TEXT, "asc|desc", "sorted so" },
	{ 'B', "batch", OPT_COUNT, "N", "so many to one command" },
	{ 'P', "parallel", OPT_COUNT, "N", "so many at once" },
	{ 0 },
};
static const struct command pops = { "qpop", "QUEUE [-- COMMAND]", "Take messages",
	opts, true };
static const struct command pushes = { "qpush", "QUEUE [MESSAGE]...", "Put messages",
	opts, false };

struct ran {
	int status;
	char out[4096], err[4096];
};

/* What was parsed, one word an item: "n=5 (q) -- work". */
static void
parse(const struct command *cmd, int argc, char **argv)
{
	int64_t delay;
	int c;

	diag_start(cmd->name);
	while ((c = opt_next(cmd, argc, argv)) != -1) {
		if (c == 'd')
			opt_check(parse_duration(opt_arg, &delay));
		if (c == KEY_SORT)
			printf("sort=%s ", opt_arg);
		else if (opt_arg != NULL)
			printf("%c=%s ", c, opt_arg);
		else
			printf("%c ", c);
	}
	if (opt_common.quiet || opt_common.verbose || opt_common.force)
		printf("common=%d%d%d ", opt_common.quiet, opt_common.verbose,
		    opt_common.force);
	if (opt_common.lock_wait != 0)
		printf("lock_wait=%lld ", (long long)opt_common.lock_wait);
	for (int i = 0; i < opt_noperands; i++)
		printf("(%s) ", opt_operands[i]);
	if (opt_operands[opt_noperands] != NULL || opt_next(cmd, argc, argv) != -1)
		abort();
	if (opt_command != NULL)
		printf("-- ");
	for (char **word = opt_command; word != NULL && *word != NULL; word++)
		printf("%s ", *word);
	exit(diag_close_stdout());
}

static void
slurp(FILE *file, char *buf, size_t size)
{
	rewind(file);
	buf[fread(buf, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* Run the parser on the arguments up to NULL. */
static struct ran
run(const struct command *cmd, ...)
{
	static char name[] = "command", words[512];
	char *argv[MAX_ARGS] = { name }, *end = words;
	FILE *out = tmpfile(), *err = tmpfile();
	struct ran ran;
	int argc = 1, status;
	va_list ap;
	pid_t pid;

	va_start(ap, cmd);
	for (const char *word; (word = va_arg(ap, const char *)) != NULL;) {
		argv[argc++] = end;
		end = stpcpy(end, word) + 1;
	}
	va_end(ap);
	if ((pid = fork()) == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		parse(cmd, argc, argv);
	}
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	ran.status = WEXITSTATUS(status);
	slurp(out, ran.out, sizeof(ran.out));
	slurp(err, ran.err, sizeof(ran.err));
	return (ran);
}

/* parses(cmd, wanted, argument..., NULL) */
#define parses(cmd, wanted, ...) \
	do { \
		struct ran ran_ = run(cmd, __VA_ARGS__, NULL); \
		assert_string_equal(ran_.err, ""); \
		assert_string_equal(ran_.out, wanted); \
		assert_int_equal(ran_.status, 0); \
	} while (0)

#define refuses(wanted, ...) \
	do { \
		struct ran ran_ = run(&pops, __VA_ARGS__, NULL); \
		assert_string_equal( \
		    ran_.err, "qpop: " wanted "\nTry 'qpop --help'.\n"); \
		assert_int_equal(ran_.status, 2); \
	} while (0)

static void
an_argument_is_attached_or_the_next_word(void **state)
{
	(void)state;
	parses(&pops, "n=5 ", "-n5");
	parses(&pops, "n=5 ", "-n", "5");
	parses(&pops, "n=5 ", "--count=5");
	parses(&pops, "n=5 ", "--count", "5");
	parses(&pops, "n= ", "--count=");
	parses(&pops, "n= ", "-n", "");
	parses(&pops, "n=a=b ", "--count=a=b");
}

static void
an_argument_may_begin_with_a_dash(void **state)
{
	(void)state;
	parses(&pops, "p=-5 ", "-p", "-5");
	parses(&pops, "p=-5 ", "-p-5");
	parses(&pops, "p=-5 ", "--priority", "-5");
	parses(&pops, "f=- (q) ", "-f", "-", "q");
	parses(&pops, "f=-- ", "--file=--");
}

static void
letters_can_be_grouped(void **state)
{
	(void)state;
	parses(&pops, "l j ", "-lj");
	parses(&pops, "l j n=5 ", "-ljn5");
	parses(&pops, "l n=j (q) ", "-ln", "j", "q");
	parses(&pops, "l w=j ", "-lwj");
}

static void
an_optional_argument_is_attached_only(void **state)
{
	(void)state;
	parses(&pops, "w (jobs) ", "-w", "jobs");
	refuses("the argument of '--wait' is attached to it: --wait=5s", "-w", "5s");
	refuses("the argument of '--wait' is attached to it: --wait=10", "--wait", "10",
	    "q");
	parses(&pops, "w (q) -- 10 ", "q", "-w", "--", "10");
	parses(&pops, "w=5s ", "-w5s");
	parses(&pops, "w (./5s) ", "--wait", "./5s");
	parses(&pops, "w=5s ", "--wait=5s");
	parses(&pops, "w= ", "--wait=");
	parses(&pops, "l w ", "-lw");
}

static void
options_stand_anywhere_before_the_command(void **state)
{
	(void)state;
	parses(&pops, "n=5 l (q) (r) ", "q", "-n", "5", "r", "-l");
	parses(&pops, "l (q) -- work -l --count=5 ", "q", "-l", "--", "work", "-l",
	    "--count=5");
	parses(&pops, "(q) -- -- x ", "q", "--", "--", "x");
	parses(&pops, "-- work ", "--", "work");
	parses(&pops, "(-) () ", "-", "");
}

static void
an_empty_command_is_not_none(void **state)
{
	(void)state;
	parses(&pops, "(q) -- ", "q", "--");
	parses(&pops, "(q) ", "q");
	parses(&pops, "", NULL);
}

static void
without_a_command_operands_follow_the_dashes(void **state)
{
	(void)state;
	parses(&pushes, "l (q) (-j) (--) (x) ", "q", "-l", "--", "-j", "--", "x");
	parses(&pushes, "(q) ", "q", "--");
}

static void
an_option_may_be_without_a_letter(void **state)
{
	(void)state;
	parses(&pops, "sort=asc ", "--sort=asc");
	parses(&pops, "sort=desc ", "--sort", "desc");
	parses(&pops, "sort= ", "--sort=");
	refuses("option '--sort' needs an argument (asc|desc)", "--sort");
}

static void
every_command_has_the_common_options(void **state)
{
	(void)state;
	parses(&pops, "common=100 ", "-q");
	parses(&pops, "common=011 (q) ", "q", "--verbose", "--force");
	parses(&pops, "lock_wait=1500000000 ", "--lock-wait=1.5s");
	parses(&pops, "lock_wait=1 ", "--lock-wait", "0");
	refuses("--lock-wait: 'x' is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)",
	    "--lock-wait=x");
}

static void
a_misspelt_option_is_met_with_a_suggestion(void **state)
{
	(void)state;
	refuses("unknown option '--bacth'; did you mean '--batch'?", "--bacth");
	refuses("unknown option '--bacth'; did you mean '--batch'?", "--bacth=5");
	refuses("unknown option '--counts'; did you mean '--count'?", "--counts");
	refuses("unknown option '--json-'; did you mean '--json'?", "--json-");
	refuses(
	    "unknown option '--lok-wait'; did you mean '--lock-wait'?", "--lok-wait");
	refuses("unknown option '--colour'", "--colour");
	refuses("unknown option '--xyz'", "--xyz");
	refuses("unknown option '--'", "--=5");
	refuses("unknown option '-Z'", "-lZ");
	refuses("unknown option '-5'", "-5");
}

static void
options_are_not_abbreviated(void **state)
{
	(void)state;
	refuses("'--par' is not an option; options are not abbreviated ('--parallel')",
	    "--par", "3");
	refuses(
	    "'--versio' is not an option; options are not abbreviated ('--version')",
	    "--versio");
	refuses("unknown option '--p'", "--p");           /* of more than one */
	refuses("unknown option '--option'", "--option"); /* of what is hidden */
}

static void
an_argument_that_is_missing_or_too_many_is_named(void **state)
{
	(void)state;
	refuses("option '--count' needs an argument (N)", "--count");
	refuses("option '--count' needs an argument (N)", "q", "-ln");
	refuses("option '--count' needs an argument (N)", "-n", "--", "work");
	refuses("option '--json' takes no argument", "--json=yes");
	refuses("option '--json' takes no argument", "--json=");
	refuses("option '--help' takes no argument", "--help=me");
}

static void
only_some_options_can_be_repeated(void **state)
{
	(void)state;
	parses(&pops, "f=a f=b f=c ", "-fa", "--file=b", "-f", "c");
	refuses("option '--delay' is given twice", "-d5", "--delay=5");
	refuses("option '--lines' is given twice", "-ll");
	refuses("option '--quiet' is given twice", "-q", "-q");
	refuses("option '--wait' is given twice", "-w", "--wait=5");
}

static void
a_wrong_argument_is_told_with_its_option(void **state)
{
	(void)state;
	refuses("--delay: '10 min' is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)",
	    "-d", "10 min");
	refuses("--delay: '-5s' is negative", "-d", "-5s");
}

static void
an_error_cannot_act_on_the_terminal(void **state)
{
	(void)state;
	refuses(
	    "unknown option '--\\x1b[31m\\x0a\\u{202e}'", "--\033[31m\n\xe2\x80\xae");
	refuses("unknown option '-\\xc3'", "-\xc3\xa9");
}

static void
help_and_version_go_to_stdout(void **state)
{
	struct ran ran = run(&pops, "q", "--help", "--nope", NULL);

	(void)state;
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_ptr_equal(strstr(ran.out, "Usage: qpop QUEUE [-- COMMAND]\n"
					 "Take messages; see qpop(1).\n\n"
					 "  -l, --lines                end each body"),
	    ran.out);
	assert_non_null(strstr(ran.out, "\n  -w, --wait[=DURATION]      wait for"));
	assert_non_null(strstr(ran.out, "\n      --sort=asc|desc        sorted so\n"));
	assert_null(strstr(ran.out, "--options"));
	ran = run(&pushes, "-lV", NULL);
	assert_int_equal(ran.status, 0);
	assert_ptr_equal(strstr(ran.out, "l qpush (qutils) "), ran.out);
}

static void
the_table_can_be_read_by_programs(void **state)
{
	struct ran ran = run(&pops, "--options", NULL);

	(void)state;
	assert_int_equal(ran.status, 0);
	assert_ptr_equal(
	    strstr(ran.out, "qpop\tl\tlines\tnone\t-\tend each body with a newline\n"),
	    ran.out);
	assert_non_null(
	    strstr(ran.out, "\nqpop\tw\twait\ttime?\tDURATION\twait for a message\n"));
	assert_non_null(
	    strstr(ran.out, "\nqpop\tf\tfile\tfile*\tFILE\tFILE to read\n"));
	assert_non_null(
	    strstr(ran.out, "\nqpop\t-\tsort\ttext\tasc|desc\tsorted so\n"));
	assert_non_null(strstr(ran.out, "\nqpop\th\thelp\tnone\t-\tprint this help\n"));
}

/* Run "qpop option" with a full disk, or nothing, as its stdout. */
static struct ran
run_unwritable(const char *option, const char *path)
{
	FILE *err = tmpfile();
	struct ran ran = { 0 };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		char name[] = "qpop", word[16], *argv[] = { name, word, NULL };

		strcpy(word, option);
		dup2(fileno(err), STDERR_FILENO);
		close(STDOUT_FILENO);
		if (path != NULL && open(path, O_WRONLY) != STDOUT_FILENO)
			abort();
		parse(&pops, 2, argv);
	}
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	ran.status = WEXITSTATUS(status);
	slurp(err, ran.err, sizeof(ran.err));
	return (ran);
}

static void
help_that_cannot_be_written_is_an_error(void **state)
{
	static const char *const options[] = { "--help", "--version", "--options" };
	struct ran ran;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		ran = run_unwritable(options[i], "/dev/full");
		assert_int_equal(ran.status, 3);
		assert_string_equal(ran.err, "qpop: stdout: No space left on device\n");
		ran = run_unwritable(options[i], NULL);
		assert_int_equal(ran.status, 3);
		assert_string_equal(ran.err, "qpop: stdout: Bad file descriptor\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_argument_is_attached_or_the_next_word),
		cmocka_unit_test(an_argument_may_begin_with_a_dash),
		cmocka_unit_test(letters_can_be_grouped),
		cmocka_unit_test(an_optional_argument_is_attached_only),
		cmocka_unit_test(options_stand_anywhere_before_the_command),
		cmocka_unit_test(an_empty_command_is_not_none),
		cmocka_unit_test(without_a_command_operands_follow_the_dashes),
		cmocka_unit_test(an_option_may_be_without_a_letter),
		cmocka_unit_test(every_command_has_the_common_options),
		cmocka_unit_test(a_misspelt_option_is_met_with_a_suggestion),
		cmocka_unit_test(options_are_not_abbreviated),
		cmocka_unit_test(an_argument_that_is_missing_or_too_many_is_named),
		cmocka_unit_test(only_some_options_can_be_repeated),
		cmocka_unit_test(a_wrong_argument_is_told_with_its_option),
		cmocka_unit_test(an_error_cannot_act_on_the_terminal),
		cmocka_unit_test(help_and_version_go_to_stdout),
		cmocka_unit_test(the_table_can_be_read_by_programs),
		cmocka_unit_test(help_that_cannot_be_written_is_an_error),
	};

	return (cmocka_run_group_tests_name("opt", tests, NULL, NULL));
}
