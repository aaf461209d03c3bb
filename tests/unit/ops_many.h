/* SPDX-License-Identifier: ISC */
#ifndef OPS_MANY_H
#define OPS_MANY_H

/* What is done to many at once, after others, or where one has to wait: each 0 or a
 * code. */
#include <sys/file.h>

#include "ops_rare.h"

enum { MANY = 20, FAILURES = 8 };

/* Before all others, as far as they are alike. */
static int
push_many(struct q *q, struct q_push p)
{
	struct q_push all[MANY];
	size_t stored;

	p.priority = 99;
	for (int i = 0; i < MANY; i++)
		all[i] = p;
	return (q_push(q, all, MANY, 0, &stored, NULL));
}

/* By another, who is gone then. */
static int
take_and_leave(q_time lease)
{
	const struct q_take take = { .n = MANY, .lease = lease };
	struct q_batch *b;
	struct q *q;
	int rc = q_open(copy, &brief, &q);

	if (rc != 0)
		return (rc);
	if ((rc = q_take(q, &take, &b)) == 0)
		q_batch_free(b);
	q_close(q);
	return (rc);
}

static int
take_one(struct q *q)
{
	const struct q_take take = { .lease = 60 * Q_SECOND };
	struct q_batch *b;
	int rc = q_take(q, &take, &b);

	if (rc == 0)
		q_batch_free(b);
	return (rc);
}

static int
op_open(struct q *q)
{
	struct q *again;
	int rc = q_open(copy, &brief, &again);

	(void)q;
	if (rc == 0)
		q_close(again);
	return (rc);
}

/* What the dead hold up goes on. */
static int
op_skip(struct q *q)
{
	return (q_option_set(q, Q_OPT_GROUP_ON_DEAD, Q_GROUP_SKIP));
}

static int
op_settle_many(struct q *q)
{
	const struct q_take take = { .n = MANY, .lease = 60 * Q_SECOND };
	const struct q_settle how = {
		.verb = Q_RELEASE, .delay = 60 * Q_SECOND, .has_delay = true
	};
	struct q_receipt receipts[MANY];
	struct q_settled results[MANY];
	struct q_batch *b;
	int rc = push_many(q, message("many"));

	if (rc != 0 || (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	for (size_t i = 0; i < q_batch_count(b); i++)
		receipts[i] = q_batch_get(b, i)->receipt;
	rc = q_settle(q, &how, receipts, q_batch_count(b), results);
	q_batch_free(b);
	return (rc);
}

/* Each fails or is done by itself, others at once, and more are taken. */
static int
op_exchange_many(struct q *q)
{
	struct q_take take = { .n = MANY / 2, .lease = 60 * Q_SECOND };
	struct q_finish finish[MANY / 2] = { 0 };
	struct q_batch *b = NULL, *more = NULL;
	int rc = push_many(q, message("many"));

	if (rc != 0 || (rc = q_take(q, &take, &b)) != 0 ||
	    (rc = q_take(q, &take, &take.ack)) != 0)
		goto out;
	for (size_t i = 0; i < q_batch_count(b); i++)
		finish[i] = (struct q_finish){ .msg = q_batch_get(b, i),
			.how = { .verb = i % 2 == 0 ? Q_ACK : Q_FAIL, .reason = "x" } };
	rc = unless(Q_EMPTY, q_exchange(q, finish, q_batch_count(b), &take, &more));
out:
	q_batch_free(take.ack);
	q_batch_free(more);
	q_batch_free(b);
	return (rc);
}

/* One that expires, and has been tried before others. */
static int
op_lose(struct q *q)
{
	static const struct q_settle lose = { .verb = Q_FAIL, .reason = "x" };
	const struct q_take take = { .id = 2, .lease = 60 * Q_SECOND };
	struct q_batch *b;
	int rc = q_take(q, &take, &b);

	if (rc != 0)
		return (unless(Q_EMPTY, unless(Q_ENOENT, rc)));
	rc = q_batch_settle(q, &lose, b, 0, 1);
	q_batch_free(b);
	return (rc);
}

/* A large body goes elsewhere, by its id. */
static int
op_move_file(struct q *q)
{
	static const struct q_open create = { .flags = Q_CREATE };
	static const uint64_t large_one = 5;
	const struct q_transfer how = { .which = { .ids = &large_one, .id_count = 1 } };
	struct q_managed managed;
	struct q *to;
	int rc = q_open(other, &create, &to);

	if (rc != 0)
		return (rc);
	rc = q_transfer(q, to, &how, &managed);
	q_close(to);
	return (rc);
}

/* The middle of what is held is done first. */
static int
op_middle(struct q *q)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	const struct q_take take = { .n = 5 };
	struct q_batch *b;
	size_t n;
	int rc = push_many(q, message("held"));

	if (rc != 0 || (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	n = q_batch_count(b);
	if (n > 2 && (rc = q_batch_settle(q, &ack, b, 1, 1)) == 0 &&
	    (rc = q_batch_settle(q, &ack, b, 0, 1)) == 0)
		rc = q_batch_settle(q, &ack, b, 2, n - 2);
	q_batch_free(b);
	return (rc);
}

/* Whoever has them dies, or lets their time run out. */
static int
op_lapse(struct q *q)
{
	int rc = 0;

	for (q_time lease = 0; lease <= 1 && rc == 0; lease++)
		if ((rc = push_many(q, message("left"))) == 0 &&
		    (rc = take_and_leave(lease)) == 0)
			rc = take_one(q);
	return (rc);
}

/* They are over before one can be taken. */
static int
op_expire(struct q *q)
{
	struct q_push p = message("short");
	int rc;

	p.ttl = 1;
	p.key = "short";
	return ((rc = push_many(q, p)) != 0 ? rc : take_one(q));
}

/* Somebody removes the file that shows what is held. */
static int
op_keep(struct q *q)
{
	static const struct q_settle ack = { .verb = Q_ACK };
	const struct q_take take = { .n = 2 };
	struct q_batch *b;
	char hold[96];
	int rc = push_many(q, message("held"));

	if (rc != 0 || (rc = q_take(q, &take, &b)) != 0)
		return (rc);
	(void)snprintf(hold, sizeof(hold), "%s/hold", copy);
	(void)unlink(hold);
	if ((rc = take_one(q)) == 0 && (rc = q_keep(q)) == 0)
		rc = q_batch_settle(q, &ack, b, 0, q_batch_count(b));
	q_batch_free(b);
	return (rc);
}

/* Nothing comes, and nothing ends, in the time there is. */
static int
op_wait(struct q *q)
{
	const struct q_manage all = { .act = Q_ACT_PURGE,
		.states =
		    1 << Q_READY | 1 << Q_DELAYED | 1 << Q_BLOCKED | 1 << Q_LEASED };
	const struct q_take take = { .lease = Q_SECOND, .wait = Q_SECOND / 1000 };
	struct q_push p = message("to come");
	struct q_managed managed;
	struct q_result *result;
	struct q_pushed pushed;
	struct q_batch *b;
	size_t stored;
	int rc = q_manage(q, &all, &managed);

	if (rc != 0)
		return (rc);
	if ((rc = q_take(q, &take, &b)) == 0)
		q_batch_free(b);
	if ((rc = unless(Q_ETIMEDOUT, rc)) != 0)
		return (rc);
	p.delay = 3600 * Q_SECOND;
	if ((rc = q_push(q, &p, 1, 0, &stored, &pushed)) != 0)
		return (rc);
	if ((rc = q_result_get(q, pushed.id, Q_SECOND / 1000, &result)) == 0)
		q_result_free(result);
	return (unless(Q_ETIMEDOUT, rc));
}

/* Another has the lock: of that there is to tell, and of nothing else. */
static int
op_busy(struct q *q)
{
	struct q_holder *list = NULL;
	struct q_result *result;
	char data[96];
	size_t n;
	int fd, rc;

	(void)snprintf(data, sizeof(data), "%s/data.mdb", copy);
	if ((fd = open(data, O_RDWR | O_CLOEXEC)) == -1 || flock(fd, LOCK_EX) != 0) {
		(void)close(fd);
		return (q_stat(q, &(struct q_stat){ .done = 0 }));
	}
	if ((rc = q_holders(q, &list, &n)) == Q_EBUSY)
		rc = q_result_get(q, FIRST, Q_SECOND / 1000, &result);
	free(list);
	(void)close(fd);
	return (unless(Q_EBUSY, unless(Q_ETIMEDOUT, rc)));
}

static const char long_text[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* What can be read of its failures is as it was. */
static int
look_at_failures(struct q *q, uint64_t id, const struct q_failure *f)
{
	const struct q_msg *m;
	struct q_batch *b;
	int rc = q_get(q, id, &b);

	if (rc != 0)
		return (rc);
	m = q_batch_get(b, 0);
	for (size_t i = 0; i < m->failure_count; i++) {
		assert_string_equal(m->failures[i].reason, f->reason);
		assert_int_equal(
		    m->failures[i].report.output_size, f->report.output_size);
	}
	q_batch_free(b);
	return (0);
}

/* Each failed often, and left mostly reasons, names of hosts, or output. */
static int
op_failures(struct q *q)
{
	static const uint8_t from[16] = { 9 };
	const struct q_report reports[3] = { { .host = NULL }, { .host = long_text },
		{ .output = (const char *)large, .output_size = Q_MAX_OUTPUT } };
	struct q_failure f[3][FAILURES];
	struct q_msg m[3];
	struct q_load load[3] = { 0 };
	struct q_pushed pushed[3];
	size_t stored;
	int rc;

	for (int i = 0; i < 3; i++) {
		for (uint32_t k = 0; k < FAILURES; k++)
			f[i][k] = (struct q_failure){ .delivery = k + 1,
				.reason = i == 0 ? long_text : "",
				.report = reports[i] };
		m[i] = (struct q_msg){ .id = 1000 + (uint64_t)i,
			.state = Q_DEAD,
			.delivery = FAILURES,
			.attempt = FAILURES,
			.pushed = 1,
			.group = "failed",
			.passed = i == 2,
			.failures = f[i],
			.failure_count = FAILURES };
		load[i].msg = &m[i];
	}
	rc = q_load(q, from, load, 3, &stored, pushed);
	for (int i = 0; i < 3 && rc == 0; i++)
		rc = look_at_failures(q, pushed[i].id, f[i]);
	return (rc);
}

#endif
