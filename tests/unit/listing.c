/* SPDX-License-Identifier: ISC */
/* Messages and events as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/event_line.h"
#include "../../cmd/listing.h"

#define NOW ((q_time)1800000000 * Q_SECOND) /* 2027-01-15T08:00:00Z */

static FILE *out;
static char *printed;
static size_t printed_size;

static int
begin(void **state)
{
	(void)state;
	return ((out = open_memstream(&printed, &printed_size)) == NULL ? -1 : 0);
}

static int
end(void **state)
{
	(void)state;
	free(printed);
	return (0);
}

/* All that was printed. */
static const char *
text(void)
{
	assert_int_equal(fclose(out), 0);
	return (printed);
}

static struct q_msg
message(void)
{
	return ((struct q_msg){
	    .id = 42,
	    .state = Q_READY,
	    .priority = -7,
	    .attempt = 2,
	    .delivery = 3,
	    .max_attempts = 9,
	    .pushed = NOW - 60 * Q_SECOND,
	    .changed = NOW - 30 * Q_SECOND,
	    .uid = 1000,
	    .headers = "",
	    .size = 4,
	    .body = "body",
	    .body_size = 4,
	});
}

/* ---- a line of a list ---- */

static void
a_line_has_what_is_known(void **state)
{
	struct q_msg m = message();
	static const char want[] =
	    "      42 ready         2/9   -7     60 s        -         4 B body\n"
	    "      42 delayed       2/9   -7     60 s     90 s         4 B body\n"
	    "      42 delayed       2/9   -7     60 s      0 s         4 B body\n"
	    "      42 blocked       2/9   -7     60 s     90 s         4 B body\n"
	    "      42 blocked       2/9   -7     60 s        -         4 B body\n"
	    "      42 leased        2/9   -7     60 s     held         4 B body\n"
	    "      42 leased        2/9   -7     60 s     90 s         4 B body\n"
	    "      42 dead          2/9   -7     60 s        -         9 B body...\n"
	    "      42 dead          2/9   -7     60 s        -         9 B (a file)\n"
	    "      42 dead          2/9   -7        -        -         9 B (damaged)\n";

	(void)state;
	listing_line(&m, NOW, out);
	m.state = Q_DELAYED;
	m.due = NOW + 90 * Q_SECOND;
	listing_line(&m, NOW, out);
	m.due = NOW - 1;
	listing_line(&m, NOW, out);
	m.state = Q_BLOCKED;
	m.due = NOW + 90 * Q_SECOND;
	listing_line(&m, NOW, out);
	m.due = 0;
	listing_line(&m, NOW, out);
	m.state = Q_LEASED;
	m.due = Q_FOREVER;
	listing_line(&m, NOW, out);
	m.due = NOW + 90 * Q_SECOND;
	listing_line(&m, NOW, out);
	m.state = Q_DEAD;
	m.size = 9;
	listing_line(&m, NOW, out);
	m.body = NULL;
	listing_line(&m, NOW, out);
	m.damaged = true;
	listing_line(&m, NOW, out);
	assert_string_equal(text(), want);
}

/* ---- all of one ---- */

/* Each of these lines is in the detail of m, or is not if it begins with '!'. */
static void
details(const struct q_msg *m, const char *const *lines)
{
	listing_detail(m, NOW, out);
	(void)text();
	for (; *lines != NULL; lines++) {
		bool absent = **lines == '!';

		if ((strstr(printed, *lines + absent) == NULL) != absent)
			fail_msg("'%s' in:\n%s", *lines, printed);
	}
}

static void
a_detail_has_what_is_known(void **state)
{
	struct q_msg m = message();

	(void)state;
	m.headers = "a=b\0c=\x1b[1m";
	m.headers_size = 11;
	m.expires = NOW + 90 * Q_SECOND;
	details(&m,
	    (const char *const[]){ "id           42\n", "state        ready\n",
		"attempt      2 of 9\n", "delivery     3\n", "priority     -7\n",
		"pushed       2027-01-15T07:59:00.000000000Z (60 s ago)\n", "!due ",
		"expires      2027-01-15T08:01:30.000000000Z (in 90 s)\n",
		"changed      2027-01-15T07:59:30.000000000Z (30 s ago)\n", "!receipt",
		"size         4 (4 B)\n", "uid          1000\n", "header       a=b\n",
		"header       c=\\x1b[1m\n", "!failure", "body         body\n", NULL });
}

static void
a_lease_is_of_a_process_or_a_time(void **state)
{
	struct q_msg m = message();

	(void)state;
	m.state = Q_LEASED;
	m.pid = 4711;
	m.due = Q_FOREVER;
	m.receipt = (struct q_receipt){ 42, 3, 0 };
	details(&m,
	    (const char *const[]){ "state        leased by pid 4711, while it lives\n",
		"!due ", "receipt      42.3.", NULL });
	free(printed);
	assert_int_equal(begin(NULL), 0);
	m.due = NOW + 90 * Q_SECOND;
	details(
	    &m, (const char *const[]){ "state        leased by pid 4711\n",
		    "due          2027-01-15T08:01:30.000000000Z (in 90 s)\n", NULL });
}

static void
failures_have_the_end_of_what_was_said(void **state)
{
	static const struct q_failure failures[] = {
		{ .delivery = 1,
		    .when = NOW - Q_SECOND,
		    .pid = 7,
		    .reason = "lease ran out" },
		{ .delivery = 2,
		    .when = NOW,
		    .pid = 8,
		    .reason = "exited 3",
		    .report = { .how = Q_HOW_EXITED,
			.status = 3,
			.took = Q_SECOND,
			.cpu = Q_SECOND / 2,
			.memory = 4096,
			.host = "vm",
			.output = "first\nlast",
			.output_size = 10 } },
	};
	struct q_msg m = message();

	(void)state;
	m.state = Q_DEAD;
	m.moving = true;
	m.failures = failures;
	m.failure_count = 2;
	m.size = 100;
	details(&m,
	    (const char *const[]){ "state        dead, on its way to another queue\n",
		"failure      2027-01-15T07:59:59.000000000Z delivery 1 to pid 7: "
		"lease ran out\n"
		"failure      2027-01-15T08:00:00.000000000Z delivery 2 to pid 8: "
		"exited 3\n",
		"             on vm, took ", "             stderr: first\n",
		"             stderr: last\n", "body         body...\n", NULL });
}

static void
what_cannot_be_shown_is_said(void **state)
{
	struct q_msg m = message();

	(void)state;
	m.body = NULL;
	m.body_size = 0;
	details(&m, (const char *const[]){ "body         (a file)\n", NULL });
	free(printed);
	assert_int_equal(begin(NULL), 0);
	m.damaged = true;
	details(&m,
	    (const char *const[]){ "id           42\n",
		"damaged      nothing else can be read\n", "!attempt", "!body", NULL });
}

/* ---- events ---- */

static void
an_event_is_words_that_cannot_be_mistaken(void **state)
{
	struct q_event e = { .when = NOW, .kind = Q_EVENT_PUSHED, .uid = (uid_t)-1 };
	static const char want[] =
	    "2027-01-15T08:00:00.000000000Z q - pushed\n"
	    "2027-01-15T08:00:00.000000000Z a\\x20q 42 failed attempt=2 "
	    "due=2027-01-15T08:00:01.000000000Z by=my\\x20job\\x20 pid=7 uid=0 "
	    "reason=exited 3\n"
	    "2027-01-15T08:00:00.000000000Z q 42 expired detail=x\n";

	(void)state;
	event_line("q", &e, out);
	e = (struct q_event){ .when = NOW,
		.kind = Q_EVENT_FAILED,
		.id = 42,
		.attempt = 2,
		.due = NOW + Q_SECOND,
		.pid = 7,
		.command = "my job ",
		.detail = "exited 3" };
	event_line("a q", &e, out);
	e = (struct q_event){ .when = NOW,
		.kind = Q_EVENT_EXPIRED,
		.id = 42,
		.uid = (uid_t)-1,
		.detail = "x" };
	event_line("q", &e, out);
	assert_string_equal(text(), want);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_what_is_known),
		TEST(a_detail_has_what_is_known),
		TEST(a_lease_is_of_a_process_or_a_time),
		TEST(failures_have_the_end_of_what_was_said),
		TEST(what_cannot_be_shown_is_said),
		TEST(an_event_is_words_that_cannot_be_mistaken),
	};

	return (cmocka_run_group_tests_name("listing", tests, NULL, NULL));
}
