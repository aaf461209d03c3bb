/* SPDX-License-Identifier: ISC */
/* Messages to JSON and back, without a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/json_result.h"
#include "parses.h"

/* What json_message() prints of m; the caller frees it. */
static char *
print(const struct q_msg *m, unsigned what)
{
	char *line = NULL;
	size_t n;
	FILE *out = open_memstream(&line, &n);

	assert_non_null(out);
	assert_int_equal(json_message(NULL, m, what, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_true(n > 0 && strchr(line, '\n') == line + n - 1);
	return (line);
}

static struct q_msg
message(const void *body, size_t n)
{
	return ((struct q_msg){
	    .id = 42,
	    .state = Q_DELAYED,
	    .priority = -7,
	    .attempt = 2,
	    .delivery = 3,
	    .max_attempts = 9,
	    .pushed = NOW - 5,
	    .due = NOW + 123456789,
	    .expires = NOW + 3600 * Q_SECOND + 1,
	    .changed = NOW - 1,
	    .headers = "",
	    .size = n,
	    .body = body,
	    .body_size = n,
	});
}

static void
what_is_printed_is_read_again(void **state)
{
	static const char headers[] = "a=b\0empty=\0x.y-z_1=\xc3\xa9 = 1\0raw=\xff\xfe";
	static const char *const bodies[] = { "", "text", "\xc3\xa9 \"q\" \\ \n\t\x01",
		"\xff\xfe not text", "{\"body\":\"x\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct q_msg m = message(bodies[i], strlen(bodies[i]));
		struct json_push j = { 0 };
		char *line;

		m.headers = headers;
		m.headers_size = sizeof(headers);
		line = print(&m, JSON_BODY | JSON_RECEIPT | JSON_FAILURES);
		assert_parses(line, &j);
		assert_bytes(j.push.body, j.push.size, bodies[i], strlen(bodies[i]));
		assert_bytes(
		    j.push.headers, j.push.headers_size, headers, sizeof(headers));
		assert_int_equal(j.push.priority, -7);
		assert_int_equal(j.push.max_attempts, 9);
		assert_true(j.push.due == m.due && j.push.delay == 0);
		assert_true(j.push.ttl == m.expires - NOW);
		json_push_free(&j);
		free(line);
	}
}

static void
a_nul_in_a_body_survives(void **state)
{
	const struct q_msg m = message("a\0b\0", 4);
	struct json_push j = { 0 };
	char *line = print(&m, JSON_BODY);

	(void)state;
	assert_non_null(strstr(line, "\"body\":\"a\\u0000b\\u0000\""));
	assert_parses(line, &j);
	assert_bytes(j.push.body, j.push.size, "a\0b\0", 4);
	json_push_free(&j);
	free(line);
}

static void
parts_are_printed_when_asked_for_only(void **state)
{
	const struct q_failure f = { 1, NOW, 77, "lost \xff" };
	struct q_msg m = message("x", 1);
	char *line;

	(void)state;
	m.state = Q_LEASED;
	m.pid = 99;
	m.receipt = (struct q_receipt){ 42, 3, 1 };
	m.failures = &f;
	m.failure_count = 1;
	line = print(&m, 0);
	assert_null(strstr(line, "body"));
	assert_null(strstr(line, "receipt"));
	assert_null(strstr(line, "failures"));
	assert_non_null(strstr(line, "\"pid\":99"));
	free(line);
	line = print(&m, JSON_BODY | JSON_RECEIPT | JSON_FAILURES);
	assert_non_null(strstr(line, "\"receipt\":\"42.3.00001\""));
	assert_non_null(strstr(line, "\"reason\":\"lost \\\\xff\",\"pid\":77"));
	free(line);
}

static void
a_held_lease_has_no_due_time(void **state)
{
	struct q_msg m = message("x", 1);
	char *line;

	(void)state;
	m.state = Q_LEASED;
	m.due = Q_FOREVER;
	line = print(&m, JSON_BODY);
	assert_null(strstr(line, "\"due\""));
	free(line);
}

static void
a_damaged_message_is_said_to_be(void **state)
{
	struct q_msg m = message(NULL, 0);
	char *line;

	(void)state;
	m.state = Q_DEAD;
	m.damaged = true;
	line = print(&m, JSON_BODY | JSON_FAILURES);
	assert_string_equal(line, "{\"id\":42,\"state\":\"dead\",\"damaged\":true}\n");
	free(line);
}

static void
a_result_is_what_was_printed_or_how_it_ended(void **state)
{
	static const struct {
		struct q_result result;
		const char *text;
	} rows[] = {
		{ { .output = "out", .size = 3 },
		    "\"state\":\"done\",\"ended\":null,\"size\":3,\"output\":\"out\"" },
		{ { .output = "\xff", .size = 1 },
		    "\"state\":\"done\",\"ended\":null,\"size\":1,"
		    "\"output_base64\":\"/w==\"" },
		{ { .lost = true },
		    "\"state\":\"done\",\"ended\":null,\"lost\":true,\"output\":null" },
		{ { .state = Q_DEAD,
		      .how = Q_HOW_EXITED,
		      .status = 3,
		      .reason = "why",
		      .output = "" },
		    "\"state\":\"dead\",\"ended\":null,\"how\":\"exited\",\"reason\":"
		    "\"why\",\"exit_status\":3,\"size\":0,\"output\":\"\"" },
		{ { .state = Q_DEAD,
		      .how = Q_HOW_KILLED,
		      .status = 9,
		      .reason = "",
		      .output = "" },
		    "\"state\":\"dead\",\"ended\":null,\"how\":\"killed\",\"reason\":"
		    "\"\","
		    "\"signal\":9,\"size\":0,\"output\":\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *line = NULL, want[512];
		size_t n;
		FILE *out = open_memstream(&line, &n);

		assert_int_equal(json_result(NULL, "q", &rows[i].result, out), 0);
		assert_int_equal(fclose(out), 0);
		(void)snprintf(want, sizeof(want), "{\"queue\":\"q\",\"id\":0,%s}\n",
		    rows[i].text);
		assert_string_equal(line, want);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read_again),
		cmocka_unit_test(a_nul_in_a_body_survives),
		cmocka_unit_test(parts_are_printed_when_asked_for_only),
		cmocka_unit_test(a_held_lease_has_no_due_time),
		cmocka_unit_test(a_damaged_message_is_said_to_be),
		cmocka_unit_test(a_result_is_what_was_printed_or_how_it_ended),
	};

	return (cmocka_run_group_tests_name("json", tests, NULL, NULL));
}
