/* SPDX-License-Identifier: ISC */
/* Answers as bytes, and as rows: what is sent arrives, and nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "batch.h"
#include "codec.h"

static struct q_pushed ids[3];
static const struct q_push three[3];

static int
get_answer(const uint8_t *bytes, size_t size, struct result *results,
    enum answer *answer, int *code)
{
	const struct request r[2] = {
		{ .op = OP_PUSH, .push = { .messages = three, .n = 3, .pushed = ids } },
		{ .op = OP_SETTLE }
	};
	uint8_t *copy = malloc(size > 0 ? size : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	rc = answer_get(copy, size, r, results, 2, answer, code);
	free(copy);
	return (rc);
}

static void
an_answer_arrives_as_sent(void **state)
{
	static struct q_pushed told[2] = { { 40, false }, { 7, true } };
	const struct request r[2] = { { .op = OP_PUSH, .push = { .pushed = told } },
		{ .op = OP_SETTLE } };
	const struct q_settled settled = { Q_ESTALE, true, 1, Q_DELAYED, 2, 3, 4, 5, 6,
		7 };
	struct result sent[2] = { { .pushed = { 2, false, Q_EFULL, "it is full" } } };
	struct result got[2];
	uint8_t b[ANSWER_MAX + 1] = { 0 };
	enum answer answer;
	size_t size;
	int code;

	(void)state;
	sent[1].settled = settled;
	size = answer_put_results(r, sent, 2, b);
	assert_int_equal(get_answer(b, size, got, &answer, &code), 0);
	assert_int_equal(answer, ANSWER_RESULTS);
	assert_int_equal(got[0].pushed.stored, 2);
	assert_int_equal(got[0].pushed.code, Q_EFULL);
	assert_string_equal(got[0].pushed.text, "it is full");
	assert_true(ids[0].id == 40 && !ids[0].known && ids[1].id == 7 && ids[1].known);
	assert_true(ids[2].id == 0);
	assert_int_equal(got[1].settled.code, Q_ESTALE);
	assert_true(got[1].settled.again);
	assert_true(got[1].settled.late == 1 && got[1].settled.due == 2);
	assert_int_equal(got[1].settled.state, Q_DELAYED);
	assert_int_equal(got[1].settled.attempt, 3);
	assert_int_equal(got[1].settled.max_attempts, 4);
	assert_int_equal(got[1].settled.holder, 5);
	assert_true(got[1].settled.since == 6);
	assert_int_equal(got[1].settled.pid, 7);
	for (size_t n = 0; n < size; n++)
		assert_int_equal(get_answer(b, n, got, &answer, &code), Q_EINVAL);
	assert_int_equal(get_answer(b, size + 1, got, &answer, &code), Q_EINVAL);
	for (size_t i = 0; i < size; i++) {
		b[i] ^= 0xff;
		(void)get_answer(b, size, got, &answer, &code);
		b[i] ^= 0xff;
	}
}

static void
the_answer_to_a_take_is_its_deliveries(void **state)
{
	const struct q_take how = { .n = 2, .lease = 1 };
	const struct request r = { .op = OP_TAKE, .take = { .how = &how } };
	struct result sent = { .taken = { .damaged = 3 } }, got = { 0 };
	uint8_t b[ANSWER_MAX];
	enum answer answer;
	size_t size;
	int code;

	(void)state;
	assert_int_equal(batch_new(&sent.taken.batch), 0);
	assert_int_equal(batch_new(&got.taken.batch), 0);
	assert_int_equal(batch_add_stub(sent.taken.batch, 1, 2), 0);
	assert_int_equal(batch_add_stub(sent.taken.batch, 7, 8), 0);
	size = answer_put_results(&r, &sent, 1, b);
	assert_int_equal(answer_get(b, size, &r, &got, 1, &answer, &code), 0);
	assert_int_equal(got.taken.damaged, 3);
	assert_int_equal(got.taken.code, 0);
	assert_int_equal(q_batch_count(got.taken.batch), 2);
	assert_int_equal(q_batch_get(got.taken.batch, 1)->id, 7);
	assert_int_equal(q_batch_get(got.taken.batch, 1)->delivery, 8);
	assert_int_equal(batch_add_stub(sent.taken.batch, 9, 1), 0); /* one too many */
	size = answer_put_results(&r, &sent, 1, b);
	assert_int_equal(answer_get(b, size, &r, &got, 1, &answer, &code), Q_EINVAL);
	batch_cut(sent.taken.batch, 0);
	sent.taken.code = Q_EMPTY;
	(void)snprintf(sent.taken.text, TAKEN_TEXT, "the rate allows no more");
	size = answer_put_results(&r, &sent, 1, b);
	assert_int_equal(answer_get(b, size, &r, &got, 1, &answer, &code), 0);
	assert_int_equal(got.taken.code, Q_EMPTY);
	assert_string_equal(got.taken.text, "the rate allows no more");
	sent.taken.code = 1;
	size = answer_put_results(&r, &sent, 1, b);
	assert_int_equal(answer_get(b, size, &r, &got, 1, &answer, &code), Q_EINVAL);
	q_batch_free(sent.taken.batch);
	q_batch_free(got.taken.batch);
}

/* Of a batch: whether one of its messages could not be read. */
static void
the_answer_to_a_batch_is_a_code(void **state)
{
	const struct request one = { .op = OP_SETTLE }, each[2] = { one, one };
	struct request r = { .op = OP_ACK_BATCH };
	struct result sent[2] = { { .settled = { .code = Q_ESTALE } } }, got;
	uint8_t b[ANSWER_MAX];
	enum answer answer;
	size_t size;
	int code;

	(void)state;
	r.part.n = 2;
	for (int corrupt = 0; corrupt < 2; corrupt++) {
		sent[1].settled.code = corrupt ? Q_ECORRUPT : 0;
		got = (struct result){ 0 };
		size = answer_put_results(each, sent, 2, b);
		assert_int_equal(answer_get(b, size, &r, &got, 1, &answer, &code), 0);
		assert_int_equal(got.settled.code, corrupt ? Q_ECORRUPT : 0);
	}
	for (size_t n = 0; n < size; n++) /* in the first of them, too */
		assert_int_equal(
		    answer_get(b, n, &r, &got, 1, &answer, &code), Q_EINVAL);
}

static void
an_answer_says_no_more_than_was_asked(void **state)
{
	static struct q_pushed told[4];
	const struct request r[2] = { { .op = OP_PUSH, .push = { .pushed = told } },
		{ .op = OP_SETTLE } };
	struct result sent[2] = { { .pushed = { 4, false, Q_EFULL, "" } } }, got[2];
	uint8_t b[ANSWER_MAX];
	enum answer answer;
	int code;

	(void)state;
	assert_int_equal(
	    get_answer(b, answer_put_results(r, sent, 2, b), got, &answer, &code),
	    Q_EINVAL);
	sent[0].pushed =
	    (struct pushed){ 2, false, 0, "" }; /* and nothing about the third */
	assert_int_equal(
	    get_answer(b, answer_put_results(r, sent, 2, b), got, &answer, &code),
	    Q_EINVAL);
	sent[0].pushed = (struct pushed){ 3, false, 0, "" };
	assert_int_equal(
	    get_answer(b, answer_put_results(r, sent, 2, b), got, &answer, &code), 0);
}

static void
other_answers_arrive(void **state)
{
	struct q_receipt receipt;
	struct result got[2];
	uint8_t b[ANSWER_MAX];
	enum answer answer;
	int code;

	(void)state;
	assert_int_equal(get_answer(b, answer_put_alone(b), got, &answer, &code), 0);
	assert_int_equal(answer, ANSWER_ALONE);
	(void)q_receipt_parse("", &receipt); /* fails with a sentence */
	assert_int_equal(
	    get_answer(b, answer_put_failed(Q_ESYS, b), got, &answer, &code), 0);
	assert_int_equal(answer, ANSWER_FAILED);
	assert_int_equal(code, Q_ESYS);
	assert_string_equal(q_errmsg(), "not a receipt (like 42.1.k3jx9)");
	assert_int_equal(
	    get_answer(b, answer_put_failed(1, b), got, &answer, &code), Q_EINVAL);
}

/* ---- rows ---- */

static int
decode_answered(const void *record, size_t size, uint64_t id)
{
	struct answered a;

	return (answered_decode(record, size, (unsigned)id, &a));
}

static void
a_row_is_read_as_written(void **state)
{
	const struct answered a = { 5, 6, (const uint8_t *)"answer", 6 };
	uint8_t record[ANSWERED_MAX];
	size_t size = answered_encode(&a, ID, record);
	struct answered got;

	(void)state;
	assert_int_equal(answered_decode(record, size, ID, &got), 0);
	assert_true(got.ticket == 5 && got.when == 6 && got.size == 6);
	assert_memory_equal(got.data, "answer", 6);
	assert_fragile(decode_answered, record, size, ID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_arrives_as_sent),
		cmocka_unit_test(the_answer_to_a_take_is_its_deliveries),
		cmocka_unit_test(the_answer_to_a_batch_is_a_code),
		cmocka_unit_test(an_answer_says_no_more_than_was_asked),
		cmocka_unit_test(other_answers_arrive),
		cmocka_unit_test(a_row_is_read_as_written),
	};

	return (cmocka_run_group_tests_name("answer", tests, NULL, NULL));
}
