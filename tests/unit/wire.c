/* SPDX-License-Identifier: ISC */
/* Requests as bytes: what is sent arrives, and nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "wire.h"

static struct parcel parcel;
static uint8_t data[CTL_PAYLOAD];

static const struct sender tester = { 7, 9, 1, 2, "test" };

/* From memory of exactly that size. */
static int
get_parcel(const uint8_t *bytes, size_t size)
{
	static uint8_t *copy;

	free(copy);
	assert_non_null(copy = malloc(size > 0 ? size : 1));
	memcpy(copy, bytes, size);
	return (wire_get_parcel(copy, size, &parcel));
}

static size_t
put_parcel(const struct request *r, size_t n)
{
	size_t size = wire_put_parcel(r, n, &tester, data);

	assert_int_not_equal(size, 0);
	assert_int_equal(get_parcel(data, size), 0);
	assert_int_equal(parcel.sender.uid, tester.uid);
	assert_int_equal(parcel.sender.pid, tester.pid);
	assert_string_equal(parcel.sender.command, tester.command);
	return (size);
}

/* Every prefix, and a byte more, is refused; changed bytes are borne. */
static void
assert_bounded(size_t size)
{
	uint8_t b[CTL_PAYLOAD + 1];

	memcpy(b, data, size);
	b[size] = 0;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(get_parcel(b, n), Q_EINVAL);
	assert_int_equal(get_parcel(b, size + 1), Q_EINVAL);
	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			(void)get_parcel(b, size);
			b[i] ^= (uint8_t)(1 << bit);
		}
}

static const struct q_push full = {
	.body = "bo\0dy",
	.size = 5,
	.delay = INT64_MAX,
	.ttl = 3,
	.priority = Q_MIN_PRIORITY,
	.max_attempts = UINT32_MAX,
	.headers = "a=b\0c=",
	.headers_size = 7,
	.key = "nightly",
	.group = "g",
	.result = true,
};

static void
assert_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
assert_push(const struct q_push *a, const struct q_push *b)
{
	assert_int_equal(a->size, b->size);
	if (a->size > 0)
		assert_memory_equal(a->body, b->body, a->size);
	assert_true(a->delay == b->delay && a->due == b->due && a->ttl == b->ttl);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->max_attempts, b->max_attempts);
	assert_int_equal(a->headers_size, b->headers_size);
	if (a->headers_size > 0)
		assert_memory_equal(a->headers, b->headers, a->headers_size);
	assert_text(a->key, b->key);
	assert_text(a->group, b->group);
	assert_int_equal(a->result, b->result);
}

static void
a_push_arrives_as_sent(void **state)
{
	const struct q_push messages[] = { full, { 0 },
		{ .due = 12345, .body = "x", .size = 1 } };
	struct request r = { .op = OP_PUSH,
		.push = { .messages = messages, .n = 3, .flags = Q_ATOMIC } };
	size_t size = put_parcel(&r, 1);

	(void)state;
	assert_int_equal(parcel.n, 1);
	assert_int_equal(parcel.request[0].op, OP_PUSH);
	assert_int_equal(parcel.request[0].push.flags, Q_ATOMIC);
	assert_int_equal(parcel.request[0].push.n, 3);
	assert_true(parcel.request[0].push.pushed == parcel.pushed);
	for (int i = 0; i < 3; i++)
		assert_push(&parcel.request[0].push.messages[i], &messages[i]);
	assert_bounded(size);
}

static void
settlings_arrive_as_sent(void **state)
{
	static const struct q_report report = { Q_HOW_KILLED, 9, 1, 2, 3, "host",
		"out\0put", 7, "{}\0cat", 7 };
	const struct q_settle how[] = {
		{ .verb = Q_ACK },
		{ .verb = Q_FAIL,
		    .delay = 5,
		    .has_delay = true,
		    .reason = "why",
		    .report = &report },
		{ .verb = Q_EXTEND, .lease = 6, .strict = true, .reason = "" },
		{ .verb = Q_RELEASE, .backoff = true, .counted = true },
	};
	struct request r[4] = { 0 };
	const struct q_settle *got;
	size_t size;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		r[i].op = OP_SETTLE;
		r[i].settle =
		    (struct settle){ &how[i], { i + 1, i + 2, i + 3 }, i % 2 };
	}
	size = put_parcel(r, 4);
	assert_int_equal(parcel.n, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct settle *s = &parcel.request[i].settle;

		assert_int_equal(s->receipt.id, i + 1);
		assert_int_equal(s->receipt.delivery, i + 2);
		assert_int_equal(s->receipt.check, i + 3);
		assert_int_equal(s->ours, i % 2);
		assert_int_equal(s->how->verb, how[i].verb);
		assert_true(s->how->delay == how[i].delay);
		assert_true(s->how->lease == how[i].lease);
		assert_int_equal(s->how->has_delay, how[i].has_delay);
		assert_int_equal(s->how->strict, how[i].strict);
		assert_int_equal(s->how->backoff, how[i].backoff);
		assert_int_equal(s->how->counted, how[i].counted);
	}
	assert_null(parcel.request[0].settle.how->reason);
	assert_null(parcel.request[0].settle.how->report);
	assert_string_equal(parcel.request[2].settle.how->reason, "");
	got = parcel.request[1].settle.how;
	assert_string_equal(got->reason, "why");
	assert_int_equal(got->report->how, Q_HOW_KILLED);
	assert_int_equal(got->report->status, 9);
	assert_true(got->report->took == 1 && got->report->cpu == 2);
	assert_int_equal(got->report->memory, 3);
	assert_string_equal(got->report->host, "host");
	assert_int_equal(got->report->output_size, 7);
	assert_memory_equal(got->report->output, "out\0put", 7);
	assert_memory_equal(got->report->command, "{}\0cat", 7);
	assert_bounded(size);
}

static void
a_batch_is_sent_as_its_receipts(void **state)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	struct q_msg msg[3] = { { .receipt = { 1, 1, 1 } }, { .receipt = { 2, 2, 2 } },
		{ .receipt = { 3, 3, 3 } } };
	struct q_batch batch = { .msg = msg, .count = 3 };
	struct request r = { .op = OP_ACK_BATCH };

	(void)state;
	r.part.how = &ack;
	r.part.batch = &batch;
	r.part.first = 1;
	r.part.n = 2;
	(void)put_parcel(&r, 1);
	assert_int_equal(parcel.n, 2);
	assert_int_equal(parcel.request[0].settle.receipt.id, 2);
	assert_int_equal(parcel.request[1].settle.receipt.id, 3);
	assert_true(parcel.request[0].settle.ours);
}

/* Each of them says what its command has written. */
static void
a_batch_that_does_not_fit_is_not_sent(void **state)
{
	static char output[CTL_PAYLOAD / WIRE_REQUESTS];
	struct q_report report = { .output = output };
	const struct q_settle lose = { .verb = Q_FAIL, .report = &report };
	struct q_msg msg[WIRE_REQUESTS] = { { .id = 0 } };
	struct q_batch batch = { .msg = msg, .count = WIRE_REQUESTS };
	struct request r = { .op = OP_ACK_BATCH };

	(void)state;
	r.part.how = &lose;
	r.part.batch = &batch;
	r.part.n = WIRE_REQUESTS;
	assert_int_not_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	report.output_size = sizeof(output);
	assert_int_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	r.part.n = 1;
	assert_int_not_equal(wire_put_parcel(&r, 1, &tester, data), 0);
}

static void
a_timed_take_arrives_as_sent(void **state)
{
	static const struct q_take bad[] = { { .lease = -1 },
		{ .lease = 1, .owner = -1 }, { .lease = 1, .every = -1 } };
	struct q_take how = { .n = 5, .bytes = 6, .lease = 7, .id = 8, .owner = 9 };
	const struct request r = { .op = OP_TAKE, .take = { &how, 10, 11, false } };
	const struct take *got = &parcel.request[0].take;
	size_t size = put_parcel(&r, 1);

	(void)state;
	assert_int_equal(got->owner_start, 10);
	assert_int_equal(got->owner_ns, 11);
	assert_int_equal(got->how->n, 5);
	assert_int_equal(got->how->bytes, 6);
	assert_true(got->how->lease == 7);
	assert_int_equal(got->how->id, 8);
	assert_int_equal(got->how->owner, 9);
	assert_false(got->handed);
	assert_bounded(size);
	how.n = WIRE_TAKEN + 1;
	assert_int_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	how = (struct q_take){ .lease = 1, .wait = 1 };
	assert_int_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		how = bad[i];
		size = wire_put_parcel(&r, 1, &tester, data);
		assert_int_not_equal(size, 0);
		assert_int_equal(get_parcel(data, size), Q_EINVAL);
	}
}

/* What came from elsewhere, or takes the place of another. */
static void
what_is_of_another_is_not_sent(struct push push)
{
	static const struct q_origin origin = { .id = 1 };
	static const struct q_msg as = { .id = 1 };
	struct push others[4];

	for (int i = 0; i < 4; i++)
		others[i] = push;
	others[0].origin = &origin;
	others[1].over_count = 1;
	others[2].each = &origin;
	others[3].as = &as;
	for (int i = 0; i < 4; i++) {
		const struct request r = { .op = OP_PUSH, .push = others[i] };

		assert_int_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	}
}

/* Its holder is who sends it, whatever else it says. */
static void
a_held_take_arrives_with_its_sender(void **state)
{
	struct q_take how = { .n = 5 };
	const struct request r = { .op = OP_TAKE, .take = { &how, 10, 11, false } };
	const struct take *got = &parcel.request[0].take;
	size_t size = put_parcel(&r, 1);

	(void)state;
	assert_true(got->handed);
	assert_int_equal(got->owner_start, tester.start);
	assert_int_equal(got->owner_ns, tester.ns);
	assert_int_equal(got->how->n, 5);
	assert_bounded(size);
	how.ahead = 1;
	assert_int_equal(wire_put_parcel(&r, 1, &tester, data), 0);
	how = (struct q_take){ .owner = 9 };
	size = wire_put_parcel(&r, 1, &tester, data);
	assert_int_equal(get_parcel(data, size), Q_EINVAL);
}

static void
what_does_not_fit_is_not_sent(void **state)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	static const struct q_take take = { .n = 1, .wait = 1 },
				   timed = { .n = 1, .lease = 1 };
	static char body[CTL_PAYLOAD];
	struct q_push messages[WIRE_MESSAGES + 1] = { 0 };
	struct request r[WIRE_REQUESTS + 1] = { { .op = OP_PUSH } };

	(void)state;
	r[0].push.messages = messages;
	for (size_t n = 1; n <= WIRE_MESSAGES + 1; n++) {
		r[0].push.n = n;
		assert_int_equal(
		    wire_put_parcel(r, 1, &tester, data) != 0, n <= WIRE_MESSAGES);
	}
	r[0].push.n = 1;
	messages[0].body = body;
	for (size_t size = sizeof(body) - 100; size <= sizeof(body); size++) {
		messages[0].size = size;
		if (wire_put_parcel(r, 1, &tester, data) != 0)
			(void)put_parcel(r, 1);
	}
	messages[0].size = SIZE_MAX;
	assert_int_equal(wire_put_parcel(r, 1, &tester, data), 0);
	messages[0].size = 0;
	messages[0].blob = (struct q_blob *)body;
	assert_int_equal(wire_put_parcel(r, 1, &tester, data), 0);
	messages[0].blob = NULL;
	r[1] = r[0]; /* two pushes */
	assert_int_equal(wire_put_parcel(r, 2, &tester, data), 0);
	r[1] = (struct request){ .op = OP_TAKE, .take = { .how = &take } };
	assert_int_equal(wire_put_parcel(r, 2, &tester, data), 0);
	r[1].take.how = &timed;
	assert_int_not_equal(wire_put_parcel(r, 2, &tester, data), 0);
	r[2] = r[1]; /* two takes */
	assert_int_equal(wire_put_parcel(r, 3, &tester, data), 0);
	what_is_of_another_is_not_sent(r[0].push);
	r[0].op = OP_OPTION;
	assert_int_equal(wire_put_parcel(r, 1, &tester, data), 0);
	for (size_t i = 0; i <= WIRE_REQUESTS; i++)
		r[i] = (struct request){ .op = OP_SETTLE, .settle = { .how = &ack } };
	assert_int_not_equal(wire_put_parcel(r, WIRE_REQUESTS, &tester, data), 0);
	assert_int_equal(wire_put_parcel(r, WIRE_REQUESTS + 1, &tester, data), 0);
	assert_int_equal(wire_put_parcel(r, 0, &tester, data), 0);
}

static void
what_nobody_could_ask_for_is_refused(void **state)
{
	struct q_push message = { .priority = Q_MAX_PRIORITY + 1 };
	struct q_settle how = { .verb = Q_RETURN + 1 };
	struct request r = { .op = OP_PUSH, .push = { .messages = &message, .n = 1 } };
	size_t size;

	(void)state;
	size = wire_put_parcel(&r, 1, &tester, data);
	assert_int_equal(get_parcel(data, size), Q_EINVAL);
	message = (struct q_push){ .headers = "a", .headers_size = 2 };
	size = wire_put_parcel(&r, 1, &tester, data);
	assert_int_equal(get_parcel(data, size), Q_EINVAL);
	message = (struct q_push){ .ttl = -1 };
	size = wire_put_parcel(&r, 1, &tester, data);
	assert_int_equal(get_parcel(data, size), Q_EINVAL);
	r = (struct request){ .op = OP_SETTLE, .settle = { .how = &how } };
	size = wire_put_parcel(&r, 1, &tester, data);
	assert_int_equal(get_parcel(data, size), Q_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_push_arrives_as_sent),
		cmocka_unit_test(settlings_arrive_as_sent),
		cmocka_unit_test(a_batch_is_sent_as_its_receipts),
		cmocka_unit_test(a_batch_that_does_not_fit_is_not_sent),
		cmocka_unit_test(a_timed_take_arrives_as_sent),
		cmocka_unit_test(a_held_take_arrives_with_its_sender),
		cmocka_unit_test(what_does_not_fit_is_not_sent),
		cmocka_unit_test(what_nobody_could_ask_for_is_refused),
	};

	return (cmocka_run_group_tests_name("wire", tests, NULL, NULL));
}
