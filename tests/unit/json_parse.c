/* SPDX-License-Identifier: ISC */
/* Messages from JSON: what fields mean, and what is said of mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parses.h"

static void
absent_fields_leave_the_defaults(void **state)
{
	const struct q_push model = { .priority = 4,
		.delay = 5,
		.ttl = 6,
		.max_attempts = 7,
		.headers = "a=1\0b=2",
		.headers_size = 8 };
	struct json_push j = { .push = model };

	(void)state;
	assert_parses("{\"body\":\"x\"}", &j);
	assert_int_equal(j.push.priority, 4);
	assert_true(j.push.delay == 5 && j.push.ttl == 6);
	assert_int_equal(j.push.max_attempts, 7);
	assert_bytes(j.push.headers, j.push.headers_size, "a=1\0b=2", 8);
	j.push = model;
	assert_parses("{\"body\":\"x\",\"headers\":{\"b\":\"3\",\"c\":\"4\"},"
		      "\"state\":\"delayed\",\"due\":\"@9\"}",
	    &j);
	assert_bytes(j.push.headers, j.push.headers_size, "a=1\0b=3\0c=4", 12);
	assert_true(j.push.delay == 0 && j.push.due == 9 * Q_SECOND);
	/* in either form */
	j.push = model;
	assert_parses(
	    "{\"body\":\"x\",\"headers_base64\":{\"b\":\"Mw==\"},\"headers\":{}}", &j);
	assert_bytes(j.push.headers, j.push.headers_size, "a=1\0b=3", 8);
	json_push_free(&j);
	json_push_free(&j);
	json_push_free(NULL);
}

static void
durations_are_numbers_or_texts(void **state)
{
	static const struct {
		const char *text;
		q_time ns;
	} good[] = {
		{ "0", 0 },
		{ "90", 90 * Q_SECOND },
		{ "0.5", Q_SECOND / 2 },
		{ "1e-9", 1 },
		{ "1e9", (q_time)1000000000 * Q_SECOND },
		{ "\"2m30s\"", 150 * Q_SECOND },
		{ "\"1.5\"", 3 * Q_SECOND / 2 },
	};
	struct json_push j = { 0 };
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(
		    line, sizeof(line), "{\"delay\":%s,\"body\":\"\"}", good[i].text);
		assert_parses(line, &j);
		assert_true(j.push.delay == good[i].ns);
	}
	json_push_free(&j);
}

static void
the_end_of_a_lease_is_no_due_time(void **state)
{
	struct json_push j = { 0 };

	(void)state;
	assert_parses("{\"body\":\"\",\"state\":\"leased\",\"due\":\"@5\"}", &j);
	assert_true(j.push.due == 0);
	assert_parses(
	    "{\"body\":\"\",\"state\":\"leased\",\"due\":\"@5\",\"delay\":3}", &j);
	assert_true(j.push.due == 0 && j.push.delay == 3 * Q_SECOND);
	json_push_free(&j);
	assert_parses("{\"body\":\"\",\"due\":\"2027-01-15T09:00:00+01:00\"}", &j);
	assert_true(j.push.due == NOW);
	json_push_free(&j);
}

static void
mistakes_are_named(void **state)
{
	static const char *const bad[][2] = {
		{ "", "not JSON: " },
		{ "nonsense", "not JSON: invalid token at column 8" },
		{ "{\"body\" 1}", "not JSON: expected ':' at column 9" },
		{ "{\"body\":\"x\"", "not JSON: expected '}' at column 11" },
		{ "{\"body\":\"x\"} x", "not JSON: expected its end at column 14" },
		{ "{\"body\":\"x\"}{}", "not JSON: expected its end at column 13" },
		{ "{\"body\":\"\xff\"}", "not JSON: unable to decode byte 0xff" },
		{ "{\"body\":\"x\",\"body\":\"y\"}", "duplicate object key" },
		{ "[1]", "not a JSON object" },
		{ "5", "not a JSON object" },
		{ "null", "not a JSON object" },
		{ "{}", "neither body nor body_base64" },
		{ "{\"body\":\"\",\"body_base64\":\"\"}", "exclude each other" },
		{ "{\"body\":5}", "body: not a string" },
		{ "{\"body\":null}", "neither body nor body_base64" },
		{ "{\"body_base64\":\"Zg\"}", "body_base64: not base 64" },
		{ "{\"body_base64\":5}", "body_base64: not a string" },
		{ "{\"body\":\"\",\"key\":5}", "key: not a string" },
		{ "{\"body\":\"\",\"key\":\"\"}", "key: not 1 to 1024 bytes" },
		{ "{\"body\":\"\",\"group\":\"a\\u0000b\"}",
		    "group: not 1 to 1024 bytes without NUL" },
		{ "{\"body\":\"\",\"foo\":1}", "unknown field 'foo'" },
		{ "{\"body\":\"\",\"Priority\":1}", "unknown field 'Priority'" },
		{ "{\"body\":\"\",\"priority\":\"1\"}", "priority: not a number" },
		{ "{\"body\":\"\",\"priority\":101}",
		    "priority: 101 is not between -100 and 100" },
		{ "{\"body\":\"\",\"priority\":-1e99}",
		    "priority: -1e+99 is not between" },
		{ "{\"body\":\"\",\"priority\":123456789012345678901234567890}",
		    "priority: 1.23456789012346e+29 is not between" },
		{ "{\"body\":\"\",\"priority\":0.5}",
		    "priority: 0.5 is not a whole number" },
		{ "{\"body\":\"\",\"max_attempts\":0}",
		    "max_attempts: 0 is not between 1" },
		{ "{\"body\":\"\",\"delay\":-1}", "delay: -1 is negative" },
		{ "{\"body\":\"\",\"delay\":1e10}", "delay: 10000000000 is too long" },
		{ "{\"body\":\"\",\"delay\":\"x\"}", "delay: 'x' is not a duration" },
		{ "{\"body\":\"\",\"delay\":\"5\\u0000\"}", "delay: not a duration" },
		{ "{\"body\":\"\",\"delay\":true}", "delay: not a duration" },
		{ "{\"body\":\"\",\"delay\":1,\"due\":\"@1\"}",
		    "delay and due exclude each other" },
		{ "{\"body\":\"\",\"due\":5}", "due: not a time" },
		{ "{\"body\":\"\",\"due\":\"later\"}", "due: 'later' is not a time" },
		{ "{\"body\":\"\",\"ttl\":0}", "ttl: " },
		{ "{\"body\":\"\",\"ttl\":\"x\"}", "ttl: 'x' is not a duration" },
		{ "{\"body\":\"\",\"expires\":5}", "expires: not a time" },
		{ "{\"body\":\"\",\"ttl\":1,\"expires\":\"@9999999999\"}",
		    "ttl and expires exclude each other" },
		{ "{\"body\":\"\",\"expires\":\"2020-01-01T00:00:00Z\"}",
		    "expires: 2020-01-01T00:00:00Z is in the past" },
		{ "{\"body\":\"\",\"headers\":[]}", "headers: not an object" },
		{ "{\"body\":\"\",\"headers\":{\"a\":1}}",
		    "headers: 'a' is not a string" },
		{ "{\"body\":\"\",\"headers\":{\"a b\":\"\"}}",
		    "headers: 'a b' is not a name" },
		{ "{\"body\":\"\",\"headers\":{\"\":\"\"}}",
		    "headers: '' is not a name" },
		{ "{\"body\":\"\",\"headers\":{\"a\":\"\\u0000\"}}",
		    "headers: 'a' has a NUL in it" },
		{ "{\"body\":\"\",\"headers_base64\":{\"a\":\"AA==\"}}",
		    "headers_base64: 'a' is not base 64 without a NUL" },
		{ "{\"body\":\"\",\"headers_base64\":{\"a\":\"?\"}}",
		    "headers_base64: 'a' is not base 64 without a NUL" },
		{ "{\"body\":\"\",\"headers_base64\":{\"a\":5}}",
		    "headers_base64: 'a' is not a string" },
		{ "{\"body\":\"\",\"headers_base64\":5}",
		    "headers_base64: not an object" },
	};
	struct json_push j = { .push = { .priority = 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = parse(bad[i][0], &j);

		if (why == NULL || strstr(why, bad[i][1]) == NULL)
			fail_msg("%s: %s", bad[i][0], why != NULL ? why : "accepted");
		assert_true(j.push.priority == 3 && j.document == NULL);
	}
}

static void
headers_are_bounded(void **state)
{
	struct json_push j = { 0 };
	char *line = malloc(Q_MAX_HEADERS + 64);
	int n = sprintf(line, "{\"body\":\"\",\"headers\":{\"a\":\"");

	(void)state;
	memset(line + n, 'x', Q_MAX_HEADERS - 3);
	strcpy(line + n + Q_MAX_HEADERS - 3, "\"}}");
	assert_parses(line, &j);
	assert_int_equal(j.push.headers_size, Q_MAX_HEADERS);
	strcpy(line + n + Q_MAX_HEADERS - 3, "x\"}}");
	assert_string_equal(parse(line, &j), "headers: 16385 bytes; the most is 16384");
	json_push_free(&j);
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_fields_leave_the_defaults),
		cmocka_unit_test(durations_are_numbers_or_texts),
		cmocka_unit_test(the_end_of_a_lease_is_no_due_time),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(headers_are_bounded),
	};

	return (cmocka_run_group_tests_name("json_parse", tests, NULL, NULL));
}
