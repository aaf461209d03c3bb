/* SPDX-License-Identifier: ISC */
/* Applying requests: the one way in which a queue changes. */
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "answer.h"
#include "await.h"
#include "batch.h"
#include "compact.h"
#include "due.h"
#include "error.h"
#include "group.h"
#include "kept.h"
#include "lock.h"
#include "note.h"
#include "pause.h"
#include "queue.h"
#include "ring.h"
#include "serve.h"
#include "space.h"
#include "wake.h"

#include "apply.h"

/* The sentence goes with the result: others may be applied before it is returned. */
static int
apply_push(struct txn *t, const struct push *push, struct pushed *result)
{
	int rc = push_apply(t, push, result);

	if (rc == 0 && result->code != 0)
		(void)snprintf(result->text, sizeof(result->text), "%s", q_errmsg());
	return (rc);
}

static int
apply_take(struct txn *t, const struct take *take, struct taken *result)
{
	int rc;

	batch_cut(result->batch, 0);
	rc = take_apply(t, take, result);
	if (rc == 0 && result->code != 0)
		(void)snprintf(result->text, sizeof(result->text), "%s", q_errmsg());
	return (rc);
}

static int
set_option(struct txn *t, enum q_option option, uint64_t value)
{
	t->meta.option[option] = value;
	t->meta_changed |= 1U << META_REC_CONFIG;
	note_option(t, option, value);
	if (option == Q_OPT_GROUP_ON_DEAD && value == Q_GROUP_SKIP)
		return (group_let_go(t));
	return (0);
}

int
apply_one(struct txn *t, const struct request *r, struct result *result)
{
	switch (r->op) {
	case OP_PUSH:
		return (apply_push(t, &r->push, &result->pushed));
	case OP_SETTLE:
		return (settle_apply(t, &r->settle, &result->settled));
	case OP_ACK_BATCH:
		return (settle_many(t, r->part.how, r->part.batch->msg + r->part.first,
		    r->part.n, &result->settled.code));
	case OP_TAKE:
		return (apply_take(t, &r->take, &result->taken));
	case OP_OPTION:
		return (set_option(t, r->option.option, r->option.value));
	case OP_PAUSE:
		pause_apply(t, r->pause.gates, r->pause.close);
		return (0);
	case OP_MANAGE:
		return (manage_apply(t, &r->manage, &result->managed));
	}
	return (0);
}

/* What requests did outside of a transaction that is not, or will not be, committed. */
static void
undo(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct q_batch *b;

		if (requests[i].op == OP_PUSH)
			push_undo(&requests[i].push);
		else if (requests[i].op == OP_SETTLE)
			settle_undo(requests[i].settle.how);
		else if (requests[i].op == OP_ACK_BATCH)
			settle_undo(requests[i].part.how);
		if (requests[i].op != OP_TAKE)
			continue;
		b = results[i].taken.batch;
		batch_undo(q, b);
	}
}

/* A call of apply_all(). */
struct call {
	const struct request *requests;
	struct result *results;
	size_t n;
	bool posted; /* and may have been applied by a holder that died */
	uint8_t answer[ANSWER_MAX];
	size_t answer_size; /* 0: there is none */
};

/*
 * What a power cut takes back is a lease, and the message is there again, to be
 * delivered under the same number. So only where number and receipt stay in the process
 * that takes, and dies: the holder of a timed lease may be on another machine, a job
 * may have handed the number on, and an attempt that brings down the machine counts.
 */
static bool
may_be_undone(const struct txn *t, const struct call *c)
{
	const struct q_take *how = c->requests[0].take.how;

	return (c->n == 1 && c->requests[0].op == OP_TAKE && how->lease == 0 &&
		!how->durable && !serve_any(t->q) && !t->promoted &&
		t->file_count == 0);
}

static bool
pushes(const struct call *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->requests[i].op == OP_PUSH)
			return (true);
	return (false);
}

/*
 * Taking and settling must work on a full disk, in a file with holes, too: room is made
 * before, since a commit that failed is not repeated. A push does not have it made: the
 * reserve would be gone.
 */
static int
begin(struct q *q, const struct call *c, struct txn *t)
{
	int rc = txn_begin_write(q, t);

	if (rc != 0 || !t->holes || !space_is_short(q, SPACE_SHORT))
		return (rc);
	if (!pushes(c)) {
		txn_abort(t);
		compact_for_room(q);
		if ((rc = txn_begin_write(q, t)) != 0)
			return (rc);
	}
	t->scarce = space_is_short(q, SPACE_SHORT);
	return (0);
}

static int
apply_ours(struct txn *t, struct call *c, size_t *done)
{
	const struct ctl *ctl = &t->q->ctl;
	int rc = 0;

	t->uid = (uint32_t)geteuid();
	if (c->posted && (rc = kept_find(t, ctl->generation, ctl->posted, ctl->ticket,
			      c->answer, &c->answer_size)) != STORE_NONE)
		return (rc);
	for (rc = 0; *done < c->n && rc == 0; ++*done)
		rc = apply_one(t, &c->requests[*done], &c->results[*done]);
	return (rc);
}

/* What is to follow an attempt. */
enum next { NOTHING, ONCE_MORE, GIVE_BACK };

/* Everything but the commit. */
static int
fill(struct q *q, struct call *c, struct txn *t, enum next *next)
{
	size_t done = 0;
	int rc;

	*next = GIVE_BACK;
	if ((rc = due_promote(t, DUE_MOST)) == 0) {
		t->promoted = t->changed || t->meta_changed != 0;
		rc = apply_ours(t, c, &done);
	}
	if (rc == 0) {
		/* Where a commit may fail, it fails nobody but who wants it. */
		if (!serve_any(q) && !t->scarce)
			serve_collect(q);
		if ((rc = serve_apply(q, t)) != 0) /* whose fault it was is noted */
			*next = ONCE_MORE;
	}
	if (rc != 0) {
		txn_abort(t);
		undo(q, c->requests, c->results, done);
	}
	return (rc);
}

static int
apply_once(struct q *q, struct call *c, struct txn *t, enum next *next)
{
	int rc;

	*next = GIVE_BACK;
	if ((rc = begin(q, c, t)) != 0 || (rc = fill(q, c, t, next)) != 0)
		return (rc);
	*next = NOTHING;
	if (!t->changed && t->meta_changed == 0) {
		txn_abort(t);
		return (0);
	}
	rc = txn_commit(t, !may_be_undone(t, c));
	/* Whether a commit that failed is on disk nobody knows: then nothing is taken
	 * back. A blob may be left to the sweep, and a lease ends with this process. */
	if (rc == STORE_GROW)
		undo(q, c->requests, c->results, c->n);
	return (rc);
}

/* The lock is ours, and no longer when this returns. */
static int
apply_locked(struct q *q, struct call *c)
{
	enum next next;
	struct txn t;
	int rc;

	serve_gather(q);
	do {
		rc = apply_once(q, c, &t, &next);
		if (rc == STORE_GROW)
			next =
			    (rc = store_grow(&q->store)) == 0 ? ONCE_MORE : GIVE_BACK;
	} while (next == ONCE_MORE);
	rc = store_public(rc);
	if (next == NOTHING && rc == 0)
		ring_write(q);
	if (next == NOTHING)
		serve_answer(q, rc);
	else
		serve_return(q);
	if (rc == 0 && t.flushed)
		compact_if_worth(q, &t);
	lock_drop(q->dir.data);
	if (q->ctl.map != NULL && !ctl_is_whole(q))
		ctl_close(q);
	serve_wake(q);
	if (rc == 0) {
		wake_others(q, &t);
		txn_end(&t);
	}
	return (rc);
}

/* That it cannot be read is a result of the take: what was asked with it is done. */
static void
fetch_taken(struct q *q, struct call *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct taken *taken = &c->results[i].taken;
		int code = 0;

		if (c->requests[i].op == OP_TAKE)
			code = take_fetch(
			    q, taken->batch, c->requests[i].take.how->lease == 0);
		if (code == 0)
			continue;
		taken->code = code;
		(void)snprintf(taken->text, sizeof(taken->text), "%s", q_errmsg());
	}
}

/* 0: what the holder of the lock, or one that died, said of our requests is known. */
static int
read_answer(struct q *q, struct call *c, enum answer *answer)
{
	int code, rc;

	rc = answer_get(
	    c->answer, c->answer_size, c->requests, c->results, c->n, answer, &code);
	if (rc == 0 && *answer == ANSWER_RESULTS)
		fetch_taken(q, c);
	if (rc != 0 || *answer != ANSWER_FAILED)
		return (rc);
	q->dead = code;
	return (code);
}

/* The lock is ours, or there is an answer. */
static int
end_call(struct q *q, struct call *c, enum await_end end)
{
	enum answer answer = ANSWER_ALONE;
	bool lost;
	int rc;

	if (end == AWAIT_ANSWERED) {
		c->answer_size = await_read(q, c->answer, sizeof(c->answer));
		rc = read_answer(q, c, &answer);
		if (answer == ANSWER_FAILED || (rc == 0 && answer == ANSWER_RESULTS))
			return (rc);
		/* We are to do it ourselves; or it was lost, and is in the table. */
		lost = rc != 0;
		if ((rc = lock_take(q, LOCK_EX)) != 0)
			return (lost && rc == Q_EBUSY ? await_unknown(q) : rc);
	}
	c->answer_size = 0;
	rc = apply_locked(q, c);
	/* Then ours is done, also if what fell due or was served could not be stored.
	 */
	if (c->answer_size > 0)
		rc = read_answer(q, c, &answer);
	return (rc);
}

int
apply_all(struct q *q, const struct request *requests, struct result *results, size_t n)
{
	struct call c = { .requests = requests, .results = results, .n = n };
	enum await_end end = AWAIT_LOCKED;
	int rc;

	q->doubt = false;
	if ((rc = txn_check_write(q)) != 0)
		return (rc);
	if (!lock_try(q, LOCK_EX)) {
		c.posted = slot_post(q, requests, n);
		rc = c.posted ? await_slot(q, &end) : lock_take(q, LOCK_EX);
	}
	return (rc == 0 ? end_call(q, &c, end) : rc);
}

int
apply_stood(struct q *q, const struct request *take, struct result *result)
{
	struct call c = { take, result, .n = 1, .posted = true };
	enum await_end end = AWAIT_LOCKED;
	int rc;

	q->doubt = false;
	rc = await_slot(q, &end);
	return (rc == 0 ? end_call(q, &c, end) : rc);
}
