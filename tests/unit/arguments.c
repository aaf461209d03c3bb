/* SPDX-License-Identifier: ISC */
/*
 * Arguments that no function takes: each is refused with a code and a sentence, and the
 * queue is as it was. So is all that writes, of a handle that may only look; and what
 * is told to stop stops.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

#include "ops.h"

static char long_name[Q_MAX_KEY + 2], long_host[FAILURE_HOST_MOST + 2];
static struct q *q;

static void
refused(int wanted, int rc, const char *what, size_t row)
{
	print_message("# %s, row %zu\n", what, row);
	assert_int_equal(rc, wanted);
	assert_int_not_equal(q_errmsg()[0], '\0');
}

#define ROWS(list) (sizeof(list) / sizeof((list)[0]))

static void
test_push(void **state)
{
	const struct q_push bad[] = {
		{ .key = "" },
		{ .group = "" },
		{ .key = long_name },
		{ .group = long_name },
		{ .priority = Q_MIN_PRIORITY - 1 },
		{ .priority = Q_MAX_PRIORITY + 1 },
		{ .delay = -1 },
		{ .due = -1 },
		{ .ttl = -1 },
		{ .delay = 1, .due = 1 },
		{ .size = 1 },
		{ .headers = "no value", .headers_size = 9 },
	};
	const struct q_origin origin = { .id = 1 };
	size_t stored;
	bool known;

	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++) {
		refused(Q_EINVAL, q_push(q, &bad[i], 1, 0, &stored, NULL), "push", i);
		refused(Q_EINVAL, q_hand_over(q, &bad[i], 1, &origin, &known, NULL, 0),
		    "hand over", i);
	}
}

static void
test_take(void **state)
{
	const struct q_take bad[] = {
		{ .lease = -1 },
		{ .wait = -1 },
		{ .every = -1 },
		{ .group = "", .lease = 1 },
		{ .group = "g", .id = 1 },
		{ .group = long_name },
		{ .owner = 1 },
		{ .n = 2, .ahead = 1, .lease = 1 },
		{ .n = 2, .ahead = 3 },
	};
	struct q_batch *b;

	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++)
		refused(Q_EINVAL, q_take(q, &bad[i], &b), "take", i);
}

static void
test_settle(void **state)
{
	const struct q_output blob = { .blob = (struct q_blob *)(void *)&blob };
	const struct q_settle bad[] = {
		{ .verb = (enum q_verb)0 },
		{ .verb = (enum q_verb)(Q_RETURN + 1) },
		{ .verb = Q_FAIL, .delay = -1 },
		{ .verb = Q_EXTEND, .lease = -1 },
		{ .verb = Q_FAIL, .backoff_base = -1 },
		{ .verb = Q_FAIL, .backoff_max = -1 },
		{ .verb = Q_ACK, .output = &blob },
	};
	const struct q_receipt receipts[2] = { { .id = 1 }, { .id = 2 } };
	struct q_settled results[2];
	struct q_batch *b;

	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++) {
		struct q_finish finish = { .how = bad[i] };

		refused(
		    Q_EINVAL, q_settle(q, &bad[i], receipts, 2, results), "settle", i);
		if (bad[i].output == NULL)
			refused(Q_EINVAL, q_exchange(q, &finish, 1, NULL, &b),
			    "exchange", i);
	}
}

static void
test_manage(void **state)
{
	const struct q_manage bad[] = {
		{ .act = (enum q_act)0 },
		{ .act = (enum q_act)(Q_ACT_DEAD + 1) },
		{ .act = Q_ACT_PURGE, .older = -1 },
		{ .act = Q_ACT_REDRIVE, .states = 1 << Q_READY },
	};
	struct q_transfer transfer = { .which = { .older = -1 } };
	struct q_managed managed;

	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++)
		refused(Q_EINVAL, q_manage(q, &bad[i], &managed), "manage", i);
	refused(Q_EINVAL, q_transfer(q, q, &transfer, &managed), "transfer", 0);
	transfer.which.older = 0;
	refused(Q_EINVAL, q_transfer(q, q, &transfer, &managed), "transfer", 1);
	refused(Q_EINVAL, q_pause(q, 0, true), "pause", 0);
	refused(Q_EINVAL, q_pause(q, Q_GATE_IN | 1 << 7, true), "pause", 1);
}

static void
test_options(void **state)
{
	const enum q_option none[] = { (enum q_option) - 1, Q_OPTIONS };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ROWS(none); i++) {
		refused(Q_EINVAL, q_option_get(q, none[i], &value), "get", i);
		refused(Q_EINVAL, q_option_set(q, none[i], 1), "set", i);
	}
	for (int i = 0; i < Q_OPTIONS; i++) {
		const struct q_option_info *info = q_option_info((enum q_option)i);

		if (info->min > 0)
			refused(Q_EINVAL,
			    q_option_set(q, (enum q_option)i, info->min - 1),
			    info->name, 0);
		if (info->max < UINT64_MAX)
			refused(Q_EINVAL,
			    q_option_set(q, (enum q_option)i, info->max + 1),
			    info->name, 1);
	}
}

static void
test_load(void **state)
{
	const struct q_failure failure[] = {
		{ .reason = long_name, .report = { .how = Q_HOW_SAID } },
		{ .reason = "", .report = { .output_size = Q_MAX_OUTPUT + 1 } },
		{ .reason = "", .report = { .command_size = Q_MAX_COMMAND + 1 } },
		{ .reason = "", .report = { .how = Q_HOWS } },
		{ .reason = "", .report = { .host = long_host } },
	};
	struct q_msg good = { .id = 77, .state = Q_READY, .body = "", .pushed = 1 };
	struct q_msg bad[8 + ROWS(failure)];
	size_t n = 8, stored;

	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++)
		bad[i] = good;
	bad[0].state = (enum q_state)0;
	bad[1].state = Q_STATES;
	bad[2].attempt = 1;
	bad[3].id = 0;
	bad[4].id = UINT64_MAX;
	bad[5].pushed = -1;
	bad[6].expires = -1;
	bad[7].due = -1;
	for (size_t i = 0; i < ROWS(failure); i++, n++) {
		bad[n].failures = &failure[i];
		bad[n].failure_count = 1;
	}
	for (size_t i = 0; i < n; i++)
		refused(Q_EINVAL,
		    q_load(q, elsewhere, &(struct q_load){ .msg = &bad[i] }, 1, &stored,
			NULL),
		    "load", i);
}

static void
test_open(void **state)
{
	const struct q_open others = { .flags = Q_CREATE, .mode = 0777 };
	const struct q_result result = { .id = 1 };
	char path[NAME_MAX + 80];
	struct q_batch *b;
	struct q *made;
	int fd;

	(void)state;
	refused(Q_EINVAL, q_open(other, &others, &made), "open", 0);
	(void)snprintf(path, sizeof(path), "%s/%0*d", dir, NAME_MAX + 1, 0);
	refused(Q_EINVAL, q_backup(q, path), "backup", 0);
	assert_int_equal(q_get(q, FIRST, &b), 0);
	refused(Q_EINVAL, q_msg_open(q, q_batch_get(b, 0), &fd), "file", 0);
	refused(Q_EINVAL, q_result_open(q, &result, &fd), "file", 1);
	q_batch_free(b);
}

static void
test_nothing(void **state)
{
	size_t stored;

	(void)state;
	assert_int_equal(q_push(q, NULL, 0, 0, &stored, NULL), 0);
	assert_int_equal(stored, 0);
	assert_int_equal(q_load(q, elsewhere, NULL, 0, &stored, NULL), 0);
	q_close(NULL);
	q_batch_free(NULL);
	q_blob_free(NULL);
	q_result_free(NULL);
	q_check_free(NULL);
	q_events_close(NULL);
	q_unhold(-1);
	assert_null(q_how_name(Q_HOWS));
	assert_null(q_process_name((enum q_process)99));
	assert_null(q_event_name((enum q_event_kind)99));
	assert_null(q_state_name(Q_STATES));
}

/* What only looks, and may be done. */
static bool
only_looks(int (*op)(struct q *))
{
	int (*const all[])(struct q *) = { op_look, op_log, op_list, op_check,
		op_backup, op_load, op_remove, op_create, op_backup_again, op_holders,
		op_result, op_others, op_check_files, op_path, op_open, op_busy };

	for (size_t i = 0; i < ROWS(all); i++)
		if (all[i] == op)
			return (true);
	return (false);
}

static void
test_look_only(void **state)
{
	const struct q_open look = { .flags = Q_RDONLY, .lock_wait = Q_SECOND / 100 };

	(void)state;
	for (size_t i = 0; i < ROWS(ops); i++) {
		struct q *r;
		int rc;

		restore();
		assert_int_equal(q_open(copy, &look, &r), 0);
		rc = ops[i].op(r);
		if (only_looks(ops[i].op))
			assert_int_equal(rc, 0);
		else
			refused(Q_EACCES, rc, ops[i].name, i);
		q_close(r);
	}
}

static bool
at_once(void *count)
{
	++*(int *)count;
	return (true);
}

static void
test_stop(void **state)
{
	int asked = 0;
	const struct q_open as = { .stop = at_once, .arg = &asked },
			    create = { .flags = Q_CREATE };
	struct q_take take = { .id = 99, .lease = 1, .wait = Q_FOREVER };
	struct q_managed managed;
	struct q_result *result;
	struct q_batch *b;
	struct q *r, *to;

	(void)state;
	restore();
	assert_int_equal(q_open(copy, &as, &r), 0);
	assert_int_equal(q_open(other, &create, &to), 0);
	take.id = LEASED;
	assert_int_equal(q_take(r, &take, &b), Q_ETIMEDOUT);
	assert_int_equal(asked, 1);
	assert_int_equal(q_result_get(r, LEASED, Q_FOREVER, &result), Q_ETIMEDOUT);
	assert_int_equal(asked, 2);
	assert_int_equal(
	    q_manage(r, &(struct q_manage){ .act = Q_ACT_PURGE }, &managed), 0);
	assert_int_equal(asked, 3);
	assert_int_equal(
	    q_transfer(r, to, &(struct q_transfer){ .most = 0 }, &managed), 0);
	assert_int_equal(asked, 4);
	q_close(to);
	q_close(r);
}

static int
begin(void **state)
{
	memset(long_name, 'x', sizeof(long_name) - 1);
	memset(long_host, 'x', sizeof(long_host) - 1);
	if (make(state) != 0)
		return (-1);
	restore();
	return (q_open(copy, NULL, &q));
}

/* Nothing was done by what was refused. */
static int
end(void **state)
{
	verify(rich, false);
	return (unmake(state));
}

static int
unchanged(void **state)
{
	static struct q_stat before;
	struct q_stat st;

	(void)state;
	if (q_stat(q, &st) != 0)
		return (-1);
	if (before.pushed == 0)
		before = st;
	return (st.pushed == before.pushed && st.delivered == before.delivered &&
			st.purged == before.purged && st.paused_in == 0 &&
			memcmp(st.count, before.count, sizeof(st.count)) == 0
		    ? 0
		    : -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, unchanged, unchanged)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_push),
		TEST(test_take),
		TEST(test_settle),
		TEST(test_manage),
		TEST(test_options),
		TEST(test_load),
		TEST(test_open),
		TEST(test_nothing),
		cmocka_unit_test(test_look_only),
		cmocka_unit_test(test_stop),
	};

	return (cmocka_run_group_tests(tests, begin, end));
}
