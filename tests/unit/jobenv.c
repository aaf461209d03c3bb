/* SPDX-License-Identifier: ISC */
/* Marks in arguments, and the variables of a COMMAND. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/jobenv.h"

extern char **environ;

/* One argument behind a command, with its marks replaced. */
static void
replaces(const char *argument, const char *mark, const char *text, const char *want)
{
	char name[] = "name", copy[256];
	char *command[] = { name, copy, NULL }, **list;

	snprintf(copy, sizeof(copy), "%s", argument);
	list = jobenv_arguments(command, mark, text);
	assert_non_null(list);
	assert_string_equal(list[0], "sh");
	assert_string_equal(list[1], name);
	assert_string_equal(list[2], want);
	assert_null(list[3]);
	jobenv_free(list);
}

static void
a_mark_is_replaced_wherever_it_is(void **state)
{
	(void)state;
	replaces("{}", "{}", "abc", "abc");
	replaces("<{}>", "{}", "abc", "<abc>");
	replaces("{}{}", "{}", "abc", "abcabc");
	replaces("{} {}", "{}", "", " ");
	replaces("-{}-{}-{}-", "{}", "x", "-x-x-x-");
	replaces("{", "{}", "abc", "{");
	replaces("}{", "{}", "abc", "}{");
	replaces("{{}}", "{}", "abc", "{abc}");
	replaces("", "{}", "abc", "");
	replaces("plain", "{}", "abc", "plain");
}

static void
a_mark_may_be_any_text(void **state)
{
	(void)state;
	replaces("a%b%", "%", "xyz", "axyzbxyz");
	replaces("{} BODY", "BODY", "x", "{} x");
	replaces("aaa", "aa", "b", "ba"); /* from the left, not overlapping */
	replaces("longmark", "longmarkandmore", "x", "longmark");
}

static void
what_was_put_in_is_not_read_again(void **state)
{
	(void)state;
	replaces("{}", "{}", "{}", "{}");
	replaces("<{}{}>", "{}", "{}{}", "<{}{}{}{}>");
	replaces("{}}", "{}", "{", "{}");
	replaces("{}", "{}", "$(x) `y` %s \\ \"' \n\t", "$(x) `y` %s \\ \"' \n\t");
}

static void
a_long_body_is_put_in_whole(void **state)
{
	enum { SIZE = 131071 };
	char *body = malloc(SIZE + 1), name[] = "name", argument[] = "<{}|{}>";
	char *command[] = { name, argument, NULL }, **list;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', SIZE);
	body[SIZE] = '\0';
	list = jobenv_arguments(command, "{}", body);
	assert_non_null(list);
	assert_int_equal(strlen(list[2]), 2 * SIZE + 3);
	assert_int_equal(list[2][SIZE + 1], '|');
	jobenv_free(list);
	free(body);
}

static void
the_command_itself_has_no_mark(void **state)
{
	char name[] = "{}", plain[] = "x", mark[] = "a{}b";
	char *alone[] = { name, NULL }, *none[] = { name, plain, NULL };
	char *some[] = { name, plain, mark, NULL }, *nothing[] = { NULL }, **list;

	(void)state;
	assert_false(jobenv_has_mark(nothing, "{}"));
	assert_false(jobenv_has_mark(alone, "{}"));
	assert_false(jobenv_has_mark(none, "{}"));
	assert_true(jobenv_has_mark(some, "{}"));
	assert_false(jobenv_has_mark(some, "%"));
	list = jobenv_arguments(some, "{}", "body");
	assert_non_null(list);
	assert_string_equal(list[1], "{}");
	assert_string_equal(list[3], "abodyb");
	jobenv_free(list);
}

static void
without_a_mark_no_text_is_needed(void **state)
{
	char name[] = "name", plain[] = "x";
	char *command[] = { name, plain, NULL }, **list;

	(void)state;
	list = jobenv_arguments(command, "{}", NULL);
	assert_non_null(list);
	assert_string_equal(list[2], "x");
	jobenv_free(list);
	jobenv_free(NULL);
}

/* How often a variable is in a list; *value is that of the last. */
static int
look_up(char **list, const char *name, const char **value)
{
	size_t n = strlen(name);
	int found = 0;

	*value = NULL;
	for (; *list != NULL; list++)
		if (strncmp(*list, name, n) == 0 && (*list)[n] == '=') {
			*value = *list + n + 1;
			found++;
		}
	return (found);
}

static void
is_once(char **list, const char *name, const char *want)
{
	const char *value;

	assert_int_equal(look_up(list, name, &value), 1);
	assert_string_equal(value, want);
}

static size_t
length(char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return (n);
}

/* The environment for a message when ours is ours. */
static char **
environment(char **ours, const struct q_msg *m)
{
	char **saved = environ, **list;

	environ = ours;
	list = jobenv_environment("jobs", m);
	environ = saved;
	assert_non_null(list);
	return (list);
}

static void
the_variables_of_several_tell_how_many_and_which(void **state)
{
	char path[] = "PATH=/bin", id[] = "Q_ID=7", ids[] = "Q_IDS=7",
	     header[] = "Q_H_A=b", count[] = "Q_COUNT=9";
	char *ours[] = { id, path, ids, header, count, NULL };
	struct q_msg msg[3] = { { .id = 5 }, { .id = UINT64_MAX }, { .id = 6 } };
	struct item items[3] = { { &msg[0], NULL, -1 }, { &msg[1], NULL, -1 },
		{ &msg[2], NULL, -1 } };
	char **saved = environ, **list;

	(void)state;
	environ = ours;
	list = jobenv_of_batch("jobs", items, 3);
	environ = saved;
	assert_non_null(list);
	assert_int_equal(length(list), 4);
	is_once(list, "PATH", "/bin");
	is_once(list, "Q_QUEUE", "jobs");
	is_once(list, "Q_COUNT", "3");
	is_once(list, "Q_IDS", "5 18446744073709551615 6");
	jobenv_free(list);
}

static void
the_variables_tell_of_the_delivery(void **state)
{
	char path[] = "PATH=/bin";
	char *ours[] = { path, NULL };
	const struct q_msg m = { .id = UINT64_MAX,
		.attempt = 2,
		.delivery = 7,
		.headers = "",
		.receipt = { UINT64_MAX, 7, 1 } };
	char receipt[Q_MAX_RECEIPT], **list;

	(void)state;
	q_receipt_format(&m.receipt, receipt);
	list = environment(ours, &m);
	is_once(list, "PATH", "/bin");
	is_once(list, "Q_QUEUE", "jobs");
	is_once(list, "Q_ID", "18446744073709551615");
	is_once(list, "Q_RECEIPT", receipt);
	is_once(list, "Q_ATTEMPT", "7"); /* the fencing number: it only grows */
	assert_int_equal(length(list), 5);
	jobenv_free(list);
}

static void
headers_are_upper_cased_up_to_their_value(void **state)
{
	static const char headers[] = "content-type=text/plain; a.b-c\0a.b_C9=x = y\0"
				      "n=\0z=\xc3\xa9\n";
	char *ours[] = { NULL };
	const struct q_msg m = {
		.id = 1, .headers = headers, .headers_size = sizeof(headers)
	};
	char **list;

	(void)state;
	list = environment(ours, &m);
	is_once(list, "Q_H_CONTENT_TYPE", "text/plain; a.b-c");
	is_once(list, "Q_H_A_B_C9", "x = y");
	is_once(list, "Q_H_N", "");
	is_once(list, "Q_H_Z", "\xc3\xa9\n");
	assert_int_equal(length(list), 8);
	jobenv_free(list);
}

static void
variables_of_an_outer_message_are_left_out(void **state)
{
	char texts[][24] = { "Q_QUEUE=outer", "Q_ID=1", "Q_RECEIPT=1.1.aaaaa",
		"Q_ATTEMPT=9", "Q_H_X=outer", "Q_H_=", "Q_ROOT=/q", "Q_IDX=mine",
		"Q_H=mine", "XQ_ID=mine", "Q_QUEUE2=mine" };
	enum { N = sizeof(texts) / sizeof(texts[0]), KEPT = 5 };
	char *ours[N + 1] = { NULL }, **list;
	const struct q_msg m = { .id = 5, .delivery = 1, .headers = "" };
	const char *value;

	(void)state;
	for (size_t i = 0; i < N; i++)
		ours[i] = texts[i];
	list = environment(ours, &m);
	is_once(list, "Q_QUEUE", "jobs");
	is_once(list, "Q_ID", "5");
	is_once(list, "Q_ATTEMPT", "1");
	assert_int_equal(look_up(list, "Q_H_X", &value), 0);
	is_once(list, "Q_ROOT", "/q");
	is_once(list, "Q_IDX", "mine");
	is_once(list, "Q_H", "mine");
	is_once(list, "XQ_ID", "mine");
	is_once(list, "Q_QUEUE2", "mine");
	assert_int_equal(length(list), KEPT + 4);
	jobenv_free(list);
}

static void
as_many_headers_as_there_may_be(void **state)
{
	char *headers = calloc(1, Q_MAX_HEADERS), *ours[] = { NULL }, **list;
	struct q_msg m = { .id = 1 };
	size_t n = 0;

	(void)state;
	assert_non_null(headers);
	for (; m.headers_size + 3 <= Q_MAX_HEADERS; m.headers_size += 3, n++) {
		headers[m.headers_size] = (char)('a' + n % 26);
		headers[m.headers_size + 1] = '=';
	}
	m.headers = headers;
	list = environment(ours, &m);
	assert_int_equal(length(list), n + 4);
	jobenv_free(list);
	free(headers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_replaced_wherever_it_is),
		cmocka_unit_test(a_mark_may_be_any_text),
		cmocka_unit_test(what_was_put_in_is_not_read_again),
		cmocka_unit_test(a_long_body_is_put_in_whole),
		cmocka_unit_test(the_command_itself_has_no_mark),
		cmocka_unit_test(without_a_mark_no_text_is_needed),
		cmocka_unit_test(the_variables_of_several_tell_how_many_and_which),
		cmocka_unit_test(the_variables_tell_of_the_delivery),
		cmocka_unit_test(headers_are_upper_cased_up_to_their_value),
		cmocka_unit_test(variables_of_an_outer_message_are_left_out),
		cmocka_unit_test(as_many_headers_as_there_may_be),
	};

	return (cmocka_run_group_tests_name("jobenv", tests, NULL, NULL));
}
