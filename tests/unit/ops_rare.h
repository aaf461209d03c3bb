/* SPDX-License-Identifier: ISC */
#ifndef OPS_RARE_H
#define OPS_RARE_H

/* What is done to a queue less often, or by commands that do several things at once:
 * each 0 or a code. */
#include "rich.h"

static const uint8_t elsewhere[16] = { 1 };

/* The code of what has nothing to be done to is that it is done. */
static int
unless(int code, int rc)
{
	return (rc == code ? 0 : rc);
}

/* Held, some of it ahead, kept, and given back in every way there is. */
static int
op_hold(struct q *q)
{
	static const struct q_settle begin = { .verb = Q_BEGIN },
				     back = { .verb = Q_RETURN },
				     release = { .verb = Q_RELEASE, .backoff = true };
	struct q_take take = { .n = 3, .ahead = 2 };
	struct q_batch *b;
	int fd = -1, rc = q_take(q, &take, &b);
	uint64_t id;
	size_t n;

	if (rc != 0)
		return (rc);
	id = q_batch_get(b, 0)->id;
	n = q_batch_count(b); /* where one has lapsed, none is taken ahead */
	if ((rc = q_hold(q, &id, 1, &fd)) == 0 && (rc = q_keep(q)) == 0 && n > 1)
		rc = q_batch_settle(q, &begin, b, 1, 1);
	if (rc == 0 && n > 2)
		rc = q_batch_settle(q, &back, b, 2, 1);
	if (rc == 0)
		rc = q_batch_settle(q, &release, b, 0, n < 2 ? n : 2);
	q_unhold(fd);
	q_batch_free(b);
	return (rc);
}

/* One fails, one is done, and others are taken, at once. */
static int
op_exchange(struct q *q)
{
	struct q_take take = { .n = 2, .owner = getpid(), .lease = Q_SECOND };
	struct q_finish finish[2] = { 0 };
	struct q_batch *b, *more = NULL;
	int rc = q_take(q, &take, &b);

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < q_batch_count(b); i++)
		finish[i].msg = q_batch_get(b, i);
	finish[0].how = (struct q_settle){ .verb = Q_FAIL,
		.reason = "exited 7",
		.report = &all_told,
		.backoff_base = Q_SECOND };
	finish[1].how = (struct q_settle){ .verb = Q_ACK };
	rc = q_exchange(q, finish, q_batch_count(b), &take, &more);
	q_batch_free(more);
	q_batch_free(b);
	return (unless(Q_EMPTY, rc));
}

static int
read_result(struct q *q, uint64_t id)
{
	struct q_result *result;
	int fd, rc = q_result_get(q, id, 0, &result);

	if (rc != 0)
		return (rc);
	if (result->blob && (rc = q_result_open(q, result, &fd)) == 0)
		(void)close(fd);
	q_result_free(result);
	return (rc);
}

/* Results with output: in a file, and in their row. */
static int
op_output(struct q *q)
{
	struct q_push p = { .priority = 99, .result = true };
	struct q_take take = { .lease = Q_SECOND };
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		struct q_output out = { .data = "said", .size = 4 };
		struct q_settle ack = { .verb = Q_ACK, .output = &out };
		struct q_settled settled;
		struct q_pushed pushed;
		struct q_batch *b;
		size_t stored;

		if ((rc = q_push(q, &p, 1, 0, &stored, &pushed)) != 0 ||
		    (rc = q_take(q, &take, &b)) != 0)
			return (rc);
		if (i == 0 && (rc = q_blob_output(q, &out.blob)) == 0)
			rc = q_blob_write(out.blob, large, LARGE);
		if (rc == 0)
			rc =
			    q_settle(q, &ack, &q_batch_get(b, 0)->receipt, 1, &settled);
		if (rc == 0)
			rc = read_result(q, pushed.id);
		q_blob_free(out.blob);
		q_batch_free(b);
	}
	return (rc);
}

static int
op_choose(struct q *q)
{
	struct q_take take[] = { { .group = "g", .lease = Q_SECOND },
		{ .id = FIRST, .lease = Q_SECOND },
		{ .every = Q_SECOND, .lease = Q_SECOND, .bytes = 1 } };
	struct q_batch *b;
	int rc = 0;

	for (size_t i = 0; i < 3 && rc == 0; i++)
		if ((rc = q_take(q, &take[i], &b)) == 0)
			q_batch_free(b);
		else
			rc = unless(Q_EMPTY, rc);
	return (rc);
}

static int
op_watch(struct q *q)
{
	struct q_push p[] = { message("watched"), message("watched") };
	struct q_events *events;
	struct q_event e;
	size_t stored;
	int rc = q_events_open(q, &events);

	if (rc != 0)
		return (rc);
	if ((rc = q_push(q, p, 2, 0, &stored, NULL)) == 0)
		while ((rc = q_events_next(events, &e)) == 0)
			;
	q_wait_change(q, 0);
	q_wait(q, 0);
	q_events_close(events);
	return (unless(Q_EMPTY, rc));
}

/* Of dead, leased and delayed ones, by what they are. */
static int
op_some(struct q *q)
{
	static const uint64_t ids[] = { FIRST, LEASED, DEAD, DONE };
	int codes[4];
	const struct q_manage how[] = {
		{ .act = Q_ACT_REDRIVE, .reason = "no *", .dry = true },
		{ .act = Q_ACT_PURGE, .reason = "no *", .older = 1 },
		{ .act = Q_ACT_DEAD,
		    .ids = ids,
		    .id_count = 4,
		    .codes = codes,
		    .why = "because" },
		{ .act = Q_ACT_RELEASE, .states = 1 << Q_LEASED },
		{ .act = Q_ACT_PURGE, .states = 1 << Q_LEASED | 1 << Q_BLOCKED },
	};
	struct q_managed managed;
	int rc = 0;

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]) && rc == 0; i++)
		rc = q_manage(q, &how[i], &managed);
	return (rc);
}

/* To another queue: a count, copies, the dead, and what is left. */
static int
op_transfer(struct q *q)
{
	static const struct q_open create = { .flags = Q_CREATE };
	const struct q_transfer how[] = {
		{ .which = { .dry = true } },
		{ .which = { .states = 1 << Q_LEASED | 1 << Q_BLOCKED }, .copy = true },
		{ .which = { .states = 1 << Q_DEAD } },
		{ .most = 2 },
	};
	struct q_managed managed;
	struct q *to;
	int rc = q_open(other, &create, &to);

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]) && rc == 0; i++)
		rc = q_transfer(q, to, &how[i], &managed);
	q_close(to);
	return (rc);
}

/* What comes of a message elsewhere, twice. */
static int
op_hand_over(struct q *q)
{
	struct q_push p[] = { message("one"), message("two") };
	struct q_origin origin = { .id = 5 }, over = { .id = 4 };
	bool known;
	int rc = 0;

	memcpy(origin.queue, elsewhere, 16);
	memcpy(over.queue, elsewhere, 16);
	p[1].key = "key";
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = q_hand_over(q, p, 2, &origin, &known, &over, 1);
	return (rc != 0 ? rc : q_hand_over(q, NULL, 0, &origin, &known, &origin, 1));
}

/* Known by their keys, too large for a row, and to a group that is held up. */
static int
op_again(struct q *q)
{
	struct q_push p[] = { message("again"), message("again"), message("large"),
		message("last") };
	struct q_pushed pushed[4];
	size_t stored;

	p[0].key = "key";
	p[1].key = "one of them";
	p[2].body = large;
	p[2].size = LARGE;
	p[3].group = "held";
	return (q_push(q, p, 4, 0, &stored, pushed));
}

static int
op_list(struct q *q)
{
	int rc = 0;

	for (int state = 0; state < Q_STATES && rc == 0; state++) {
		struct q_list list = { .state = (enum q_state)state, .n = 2 };
		struct q_batch *b;

		if (state == Q_BLOCKED)
			list.group = "held";
		while ((rc = q_list(q, &list, &b)) == 0)
			q_batch_free(b);
		rc = unless(Q_EMPTY, rc);
	}
	return (rc);
}

static int
op_backup_again(struct q *q)
{
	const struct q_open as = { .lock_wait = Q_SECOND };
	struct q *b;
	int rc = q_backup(q, other);

	if (rc != 0 || (rc = q_open(other, &as, &b)) != 0)
		return (rc);
	rc = q_backup(b, other);
	q_close(b);
	return (unless(Q_EINVAL, rc));
}

static int
op_holders(struct q *q)
{
	struct q_holder *list;
	size_t n;
	int rc = q_holders(q, &list, &n);

	if (rc == 0)
		free(list);
	return (rc);
}

static int
op_result(struct q *q)
{
	const int rc = read_result(q, DONE);

	return (rc != 0 ? rc : read_result(q, DEAD));
}

/* Deep down, and gone again. */
static int
op_create(struct q *q)
{
	const struct q_open as = { .flags = Q_CREATE | Q_PARENTS,
		.mode = 0770,
		.has_group = true,
		.group = getgid() };
	char path[96];
	struct q *made;
	int rc;

	(void)q;
	(void)snprintf(path, sizeof(path), "%s/down/there", other);
	if ((rc = q_open(path, &as, &made)) != 0)
		return (rc);
	q_close(made);
	return (q_remove(path, NULL));
}

static int
op_repair(struct q *q)
{
	struct q_check *check;
	int rc = q_repair(q, &check);

	if (rc == 0)
		q_check_free(check);
	return (rc);
}

static int
op_check(struct q *q)
{
	struct q_check *check;
	int rc = q_check(q, &check);

	if (rc == 0)
		q_check_free(check);
	return (rc);
}

#endif
