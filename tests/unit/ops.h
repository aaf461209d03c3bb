/* SPDX-License-Identifier: ISC */
#ifndef OPS_H
#define OPS_H

/* What is done to a queue while something fails: each 0 or a code. */
#include "ops_late.h"
#include "ops_many.h"
#include "ops_rare.h"
#include "ops_served.h"
#include "rich.h"

static int
op_push(struct q *q)
{
	struct q_push p[3] = { message("x"), message("y"), message("z") };
	size_t stored;

	p[0].headers = "a=b";
	p[0].headers_size = 4;
	p[0].key = "another";
	p[1].group = "g";
	p[1].ttl = 60 * Q_SECOND;
	p[2].delay = 60 * Q_SECOND;
	return (q_push(q, p, 3, Q_ATOMIC, &stored, NULL));
}

static int
op_push_blob(struct q *q)
{
	struct q_push p = { .priority = 1 };
	size_t stored;
	int rc = q_blob_new(q, &p.blob);

	if (rc == 0 && (rc = q_blob_write(p.blob, large, LARGE)) == 0)
		rc = q_push(q, &p, 1, 0, &stored, NULL);
	q_blob_free(p.blob);
	return (rc);
}

static int
op_take(struct q *q)
{
	struct q_take take = { .n = 9 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	int rc = q_take(q, &take, &b), fd;

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < q_batch_count(b) && rc == 0; i++)
		if (q_batch_get(b, i)->blob &&
		    (rc = q_msg_open(q, q_batch_get(b, i), &fd)) == 0)
			(void)close(fd);
	if (rc == 0)
		rc = q_batch_settle(q, &ack, b, 0, q_batch_count(b));
	q_batch_free(b);
	return (rc);
}

static int
op_settle(struct q *q)
{
	const struct q_settle how[] = { { .verb = Q_RELEASE },
		{ .verb = Q_EXTEND, .lease = Q_SECOND },
		{ .verb = Q_FAIL,
		    .reason = "x",
		    .report = &(struct q_report){ .status = 3 } },
		{ .verb = Q_KILL }, { .verb = Q_ACK } };
	struct q_take take = { .n = 5, .lease = 60 * Q_SECOND };
	struct q_settled result;
	struct q_batch *b;
	int rc = q_take(q, &take, &b);

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < q_batch_count(b) && rc == 0; i++)
		rc = q_settle(q, &how[i % 5], &q_batch_get(b, i)->receipt, 1, &result);
	q_batch_free(b);
	return (rc);
}

static int
manage(struct q *q, enum q_act act)
{
	struct q_managed managed;

	return (q_manage(q, &(struct q_manage){ .act = act }, &managed));
}

static int
op_purge(struct q *q)
{
	return (manage(q, Q_ACT_PURGE));
}

static int
op_redrive(struct q *q)
{
	return (manage(q, Q_ACT_REDRIVE));
}

static int
op_release(struct q *q)
{
	return (manage(q, Q_ACT_RELEASE));
}

static int
op_bury(struct q *q)
{
	return (manage(q, Q_ACT_DEAD));
}

static int
op_move(struct q *q)
{
	static const struct q_open create = { .flags = Q_CREATE };
	struct q_managed managed;
	struct q *to;
	int rc = q_open(other, &create, &to);

	if (rc != 0)
		return (rc);
	rc = q_transfer(q, to, &(struct q_transfer){ .most = 0 }, &managed);
	q_close(to);
	return (rc);
}

static int
op_look(struct q *q)
{
	struct q_list list = { .preview = 10 };
	struct q_holder *holders;
	struct q_usage usage;
	struct q_result *result;
	struct q_stat st;
	struct q_batch *b;
	size_t n;
	int rc = q_list(q, &list, &b);

	if (rc == 0)
		q_batch_free(b);
	if (rc == 0 && (rc = q_peek(q, Q_READY, 3, 10, &b)) == 0)
		q_batch_free(b);
	if (rc == 0 && (rc = q_peek(q, Q_DEAD, 3, 10, &b)) == 0)
		q_batch_free(b);
	if (rc == 0 && (rc = q_get(q, DEAD, &b)) == 0)
		q_batch_free(b);
	if (rc == 0 && (rc = q_result_get(q, DONE, 0, &result)) == 0)
		q_result_free(result);
	if (rc == 0 && (rc = q_holders(q, &holders, &n)) == 0)
		free(holders);
	return (rc != 0 || (rc = q_usage(q, &usage)) != 0 ? rc : q_stat(q, &st));
}

static int
op_log(struct q *q)
{
	struct q_events *events;
	struct q_event e;
	int rc = q_events_since(q, 0, &events);

	if (rc != 0)
		return (rc);
	while ((rc = q_events_next(events, &e)) == 0)
		;
	q_events_close(events);
	return (rc == Q_EMPTY ? 0 : rc);
}

static int
op_replace(struct q *q)
{
	struct q_batch *b;
	uint64_t id;
	int rc = q_get(q, FIRST, &b);

	if (rc != 0)
		return (rc);
	rc = q_replace(q, q_batch_get(b, 0), "new", 3, NULL, &id);
	q_batch_free(b);
	return (rc);
}

/* What one queue has, into another. */
static int
op_load(struct q *q)
{
	static const struct q_open create = { .flags = Q_CREATE };
	static const uint64_t ids[] = { FIRST, 3, 4, LEASED, DEAD, 9 };
	struct q *to;
	size_t stored;
	int rc = q_open(other, &create, &to);
	uint8_t uuid[16] = { 1 };

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && rc == 0; i++) {
		struct q_load one = { 0 };
		struct q_batch *b;

		if ((rc = q_get(q, ids[i], &b)) != 0)
			break;
		one.msg = q_batch_get(b, 0);
		rc = q_load(to, uuid, &one, 1, &stored, NULL);
		q_batch_free(b);
	}
	q_close(to);
	return (rc);
}

static int
op_backup(struct q *q)
{
	return (q_backup(q, other));
}

static int
op_compact(struct q *q)
{
	uint64_t returned;

	return (q_compact(q, &returned));
}

static int
op_set(struct q *q)
{
	int rc = q_option_set(q, Q_OPT_RATE, 5);

	return (rc != 0 ? rc : q_pause(q, Q_GATE_IN | Q_GATE_OUT, true));
}

static int
op_remove(struct q *q)
{
	static const struct q_open force = { .flags = Q_FORCE };

	(void)q;
	return (q_remove(copy, &force));
}

static const struct {
	const char *name;
	int (*op)(struct q *);
} ops[] = {
	{ "push", op_push },
	{ "push a file", op_push_blob },
	{ "take", op_take },
	{ "settle", op_settle },
	{ "purge", op_purge },
	{ "redrive", op_redrive },
	{ "release", op_release },
	{ "bury", op_bury },
	{ "move", op_move },
	{ "look", op_look },
	{ "log", op_log },
	{ "replace", op_replace },
	{ "load", op_load },
	{ "backup", op_backup },
	{ "check", op_check },
	{ "compact", op_compact },
	{ "set", op_set },
	{ "repair", op_repair },
	{ "hold", op_hold },
	{ "exchange", op_exchange },
	{ "output", op_output },
	{ "choose", op_choose },
	{ "watch", op_watch },
	{ "act on some", op_some },
	{ "transfer", op_transfer },
	{ "hand over", op_hand_over },
	{ "push again", op_again },
	{ "list", op_list },
	{ "backup again", op_backup_again },
	{ "holders", op_holders },
	{ "result", op_result },
	{ "create", op_create },
	{ "serve", op_serve },
	{ "late", op_late },
	{ "late failure", op_late_failure },
	{ "together", op_together },
	{ "others", op_others },
	{ "leased", op_leased },
	{ "check files", op_check_files },
	{ "path", op_path },
	{ "open", op_open },
	{ "skip", op_skip },
	{ "settle many", op_settle_many },
	{ "exchange many", op_exchange_many },
	{ "lose", op_lose },
	{ "move a file", op_move_file },
	{ "middle", op_middle },
	{ "lapse", op_lapse },
	{ "expire", op_expire },
	{ "keep", op_keep },
	{ "wait", op_wait },
	{ "busy", op_busy },
	{ "failures", op_failures },
	{ "fetch", op_fetch },
	{ "remove", op_remove },
};

#endif
