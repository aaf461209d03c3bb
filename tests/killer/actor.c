/* SPDX-License-Identifier: ISC */
/*
 * A resident process that uses the queue through libq, operation after operation, and
 * notes what it asks for and what it is answered. It may be killed anywhere.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"

#define PATIENCE (600 * Q_SECOND)

struct self {
	const struct actor *a;
	struct q *q;
	uint64_t seed;
	unsigned operations;
	timer_t timer;
};

static bool
chance(struct self *s, unsigned percent)
{
	return (dice(&s->seed, 100) < percent);
}

/* The kernel kills at the moment that was chosen: no other process has to run for it.
 */
static void
begin(struct self *s, struct note *n)
{
	const struct actor *a = s->a;
	const struct itimerspec when = { .it_value = { (time_t)(a->aim / Q_SECOND),
					     (long)(a->aim % Q_SECOND) } };

	note_ask(a->shared, a->journal, n);
	if (a->aim > 0 && ++s->operations == a->aim_at)
		(void)timer_settime(s->timer, 0, &when, NULL);
}

static void
answer(struct self *s, struct note *n, int code, const char *what)
{
	if (code != 0 && code != Q_EMPTY && code != Q_ETIMEDOUT)
		note_say(s->a->journal, "%s: %s", what, q_errmsg());
	note_answer(s->a->shared, n, code);
}

static void
push(struct self *s)
{
	static char body[ITEMS][BODY_MOST];
	unsigned n = 1 + (unsigned)dice(&s->seed, ITEMS);
	uint64_t serial = atomic_fetch_add(&s->a->shared->serial, n);
	struct note *note = note_new(s->a->journal, PUSH, n);
	struct q_push message[ITEMS] = { 0 };
	struct q_pushed pushed[ITEMS];
	size_t stored;
	int rc;

	note->whole = true;
	for (unsigned i = 0; i < n; i++) {
		message[i].body = body[i];
		message[i].size = body_make(serial + i, body[i]);
		message[i].priority = !s->a->takes || chance(s, 90) ? 0 : 1;
		note->item[i].serial = serial + i;
	}
	begin(s, note);
	rc = q_push(s->q, message, n, 0, &stored, pushed);
	for (unsigned i = 0; i < n && rc == 0; i++)
		note->item[i].id = pushed[i].id;
	answer(s, note, rc, "push");
}

static void
taken(struct self *s, struct note *note, const struct q_batch *b, int rc)
{
	note->n = rc == 0 ? (unsigned)q_batch_count(b) : 0;
	for (unsigned i = 0; i < note->n; i++) {
		const struct q_msg *m = q_batch_get(b, i);

		note->item[i].id = m->id;
		note->item[i].receipt = m->receipt;
		note->item[i].serial = message_serial(s->q, m);
		if (note->item[i].serial == 0)
			note_say(s->a->journal, "message %llu has another body: %s",
			    (unsigned long long)m->id, q_errmsg());
	}
	answer(s, note, rc, "take");
}

static struct note *
take(struct self *s, q_time lease, struct q_batch **b)
{
	const struct q_take how = { .n = 1 + dice(&s->seed, ITEMS),
		.lease = lease,
		.wait = chance(s, 20) ? Q_SECOND / 500 : 0 };
	struct note *note = note_new(s->a->journal, TAKE, 0);
	int rc;

	*b = NULL;
	note->lease = lease;
	note->ordered = s->a->ordered;
	begin(s, note);
	rc = q_take(s->q, &how, b);
	/* Its short time was over before it was read. */
	taken(s, note, *b, rc == Q_EBUSY ? Q_EMPTY : rc);
	return (note);
}

static struct note *
settle_note(struct self *s, const struct note *of, enum q_verb verb, unsigned n)
{
	struct note *note = note_new(s->a->journal, SETTLE, n);

	note->verb = verb;
	memcpy(note->item, of->item, sizeof(note->item));
	return (note);
}

static enum q_verb
any_verb(struct self *s, bool timed)
{
	static const enum q_verb verbs[] = { Q_ACK, Q_ACK, Q_ACK, Q_ACK, Q_RELEASE,
		Q_FAIL, Q_KILL, Q_EXTEND };

	return (verbs[dice(&s->seed, sizeof(verbs) / sizeof(verbs[0]) - !timed)]);
}

static q_time
any_lease(struct self *s)
{
	static const q_time some[] = { Q_SECOND / 50, Q_SECOND / 5, 20 * Q_SECOND };

	return (some[dice(&s->seed, 3)]);
}

/* By receipts, as another process might. */
static void
settle(struct self *s, const struct note *of)
{
	struct q_settle how = { .verb = any_verb(s, true), .lease = any_lease(s) };
	struct q_receipt receipt[ITEMS];
	struct q_settled settled[ITEMS];
	struct note *note = settle_note(s, of, how.verb, of->n);
	int rc;

	note->lease = how.lease;
	for (unsigned i = 0; i < of->n; i++)
		receipt[i] = of->item[i].receipt;
	begin(s, note);
	rc = q_settle(s->q, &how, receipt, of->n, settled);
	for (unsigned i = 0; i < of->n && rc == 0; i++) {
		note->item[i].code = settled[i].code;
		note->item[i].again = settled[i].again;
	}
	answer(s, note, rc, "settle");
}

static void
lease(struct self *s)
{
	struct q_batch *b;
	struct note *note = take(s, any_lease(s), &b);

	if (note->n > 0 && chance(s, 85))
		settle(s, note);
	if (note->n > 0 && chance(s, 15)) /* the same receipts, settled or not */
		settle(s, note);
	q_batch_free(b);
}

/* Settled in one commit with the next take, as workers do. */
static struct note *
exchange(struct self *s, const struct note *of, struct q_batch **b)
{
	const struct q_take how = { .n = ITEMS };
	struct q_finish finish[ITEMS] = { 0 };
	struct note *settles = settle_note(s, of, any_verb(s, false), of->n), *takes;
	struct q_batch *next = NULL;
	int rc;

	for (unsigned i = 0; i < of->n; i++) {
		finish[i].msg = q_batch_get(*b, i);
		finish[i].how.verb = settles->verb;
	}
	note_ask(s->a->shared, s->a->journal, settles);
	takes = note_new(s->a->journal, TAKE, 0);
	begin(s, takes);
	rc = q_exchange(s->q, finish, of->n, &how, &next);
	for (unsigned i = 0; i < of->n; i++) {
		settles->item[i].code = finish[i].result.code;
		settles->item[i].again = finish[i].result.again;
	}
	answer(s, settles, rc == Q_EMPTY ? 0 : rc, "exchange");
	taken(s, takes, next, rc);
	q_batch_free(*b);
	*b = next;
	return (takes);
}

/* A held lease, settled by the batch, one way or the other, or left to close or death.
 */
static void
hold(struct self *s)
{
	struct q_batch *b;
	struct note *note = take(s, 0, &b), *end;
	struct q_settle how = { .verb = Q_ACK };

	if (note->n > 0 && !s->a->ordered && chance(s, 40))
		note = exchange(s, note, &b);
	if (note->n > 0 && (s->a->ordered || chance(s, 95))) {
		if (!s->a->ordered)
			how.verb = any_verb(s, false);
		end = settle_note(s, note, how.verb, note->n);
		begin(s, end);
		answer(s, end, q_batch_settle(s->q, &how, b, 0, note->n), "end");
	}
	q_batch_free(b);
}

_Noreturn void
actor_run(const struct actor *a)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct q_open how = { .lock_wait = PATIENCE };
	struct self s = { .a = a, .seed = a->seed };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (a->aim > 0 && timer_create(CLOCK_MONOTONIC, &kill, &s.timer) != 0)
		abort();
	if (q_open(a->path, &how, &s.q) != 0) {
		note_say(a->journal, "open: %s", q_errmsg());
		_exit(1);
	}
	while (atomic_load(&a->journal->count) < NOTES - 8) {
		if (a->pushes && (!a->takes || chance(&s, 45)))
			push(&s);
		else if (a->ordered || chance(&s, 50))
			hold(&s);
		else
			lease(&s);
	}
	a->journal->left = tick(a->shared);
	q_close(s.q);
	_exit(0);
}
