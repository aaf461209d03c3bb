/* SPDX-License-Identifier: ISC */
/* What became of a receipt, as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../cmd/settled.h"

#define WHEN ((q_time)1800000000 * Q_SECOND) /* 2027-01-15T08:00:00Z */
#define TIME "2027-01-15T08:00:00.000000000Z"

static void
what_became_of_it_is_said(void **state)
{
	static const struct {
		enum q_verb verb;
		struct q_settled result;
		const char *text;
	} rows[] = {
		{ Q_ACK, { .code = 0 }, "\"result\":\"ok\",\"state\":\"done\"" },
		{ Q_ACK, { .code = 0, .again = true },
		    "\"result\":\"ok\",\"state\":\"done\",\"again\":true" },
		{ Q_ACK, { .code = 0, .late = 3 * Q_SECOND / 2 },
		    "\"result\":\"ok\",\"state\":\"done\",\"late_seconds\":1.5" },
		{ Q_RELEASE, { .code = 0 }, "\"result\":\"ok\"" },
		{ Q_FAIL,
		    { .code = 0,
			.state = Q_DELAYED,
			.attempt = 2,
			.max_attempts = 3,
			.due = WHEN },
		    "\"result\":\"ok\",\"state\":\"delayed\",\"attempt\":2,"
		    "\"max_attempts\":3,\"due\":\"" TIME "\"" },
		{ Q_ACK,
		    { .code = Q_ESTALE,
			.holder = 4,
			.attempt = 3,
			.since = WHEN,
			.pid = 7 },
		    "\"result\":\"stale\",\"holder\":{\"delivery\":4,\"attempt\":3,"
		    "\"since\":\"" TIME "\",\"pid\":7}" },
		{ Q_ACK, { .code = Q_ENOENT }, "\"result\":\"gone\"" },
		{ Q_ACK, { .code = Q_EFOREIGN }, "\"result\":\"foreign\"" },
		{ Q_ACK, { .code = Q_ECORRUPT }, "\"result\":\"corrupt\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct q_settle how = { .verb = rows[i].verb };
		const struct q_receipt receipt = { 42, 3, 0 };
		const struct settled s = { .name = "q",
			.how = &how,
			.receipt = &receipt,
			.result = &rows[i].result };
		char *printed = NULL, want[512];
		size_t n;
		FILE *out = open_memstream(&printed, &n);

		settled_json(&s, out);
		assert_int_equal(fclose(out), 0);
		(void)snprintf(want, sizeof(want),
		    "{\"receipt\":\"42.3.00000\",\"id\":42,%s}\n", rows[i].text);
		assert_string_equal(printed, want);
		free(printed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_became_of_it_is_said),
	};

	return (cmocka_run_group_tests_name("settled", tests, NULL, NULL));
}
