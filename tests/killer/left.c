/* SPDX-License-Identifier: ISC */
/* What is left in a queue whose users were killed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "left.h"

enum { TOGETHER = 1000 };

static void
check(struct judge *g, struct q *q)
{
	struct q_check *c;

	if (q_check(q, &c) != 0) {
		wrong(g, "check: %s", q_errmsg());
		return;
	}
	for (size_t i = 0; i < c->count; i++)
		wrong(g, "check: %s %s", c->findings[i].object, c->findings[i].what);
	q_check_free(c);
}

static void
take_one(struct judge *g, struct q *q, const struct q_msg *m)
{
	uint64_t serial = message_serial(q, m);
	struct message *message = message_of(g, serial);

	if (serial == 0)
		wrong(g, "message %" PRIu64 " has another body", m->id);
	if (message == NULL)
		return;
	if (message->left)
		wrong(g, "message %" PRIu64 " is given twice", m->id);
	message->left = true;
	identify(g, serial, message, m->id);
}

/* Nothing is to be leased or delayed by then; what is dead comes as well. */
static void
take_all(struct judge *g, struct q *q)
{
	const struct q_manage manage[] = { { .act = Q_ACT_RELEASE },
		{ .act = Q_ACT_REDRIVE } };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_take take = { .n = TOGETHER };
	struct q_managed managed;
	struct q_batch *b;
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = q_manage(q, &manage[i], &managed);
	while (rc == 0 && (rc = q_take(q, &take, &b)) == 0) {
		for (size_t i = 0; i < q_batch_count(b); i++)
			take_one(g, q, q_batch_get(b, i));
		rc = q_batch_settle(q, &ack, b, 0, q_batch_count(b));
		q_batch_free(b);
	}
	if (rc != Q_EMPTY)
		wrong(g, "drain: %s", q_errmsg());
}

static void
probe(struct judge *g, struct q *q)
{
	const struct q_push push = { .body = "probe", .size = 5 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_take take = { 0 };
	struct q_pushed pushed;
	struct q_batch *b = NULL;
	size_t stored;

	if (q_push(q, &push, 1, 0, &stored, &pushed) != 0 ||
	    (take.id = pushed.id) == 0 || q_take(q, &take, &b) != 0 ||
	    q_batch_settle(q, &ack, b, 0, 1) != 0)
		wrong(g, "probe: %s", q_errmsg());
	else
		g->probe = pushed.id;
	q_batch_free(b);
}

static void
books(struct judge *g, struct q *q, uint64_t *pushed, uint64_t *done)
{
	struct q_stat s;
	uint64_t there = 0;

	if (q_stat(q, &s) != 0) {
		wrong(g, "stat: %s", q_errmsg());
		return;
	}
	for (int i = 1; i < Q_STATES; i++)
		there += s.count[i];
	if (s.pushed != there + s.done + s.expired + s.purged)
		wrong(g, "%" PRIu64 " pushed, %" PRIu64 " there, %" PRIu64 " done",
		    s.pushed, there, s.done);
	*pushed = s.pushed;
	*done = s.done;
}

/*
 * The first use of the queue also does what the dead have asked for in the slots of
 * ctl, except for what one was about to show when it died: that is done when another
 * claims the slot, in a round to come, or never if the file is gone.
 */
static void
serve_the_dead(struct judge *g, struct q *q)
{
	char path[4096];

	probe(g, q);
	(void)snprintf(path, sizeof(path), "%s/ctl", g->path);
	if (unlink(path) != 0 && errno != ENOENT)
		wrong(g, "%s: %s", path, strerror(errno));
}

void
left_take(struct judge *g)
{
	uint64_t pushed = 0, done = 0, stored = 0, ended = 0;
	struct q *q;

	if (q_open(g->path, NULL, &q) != 0) {
		wrong(g, "open: %s", q_errmsg());
		return;
	}
	serve_the_dead(g, q);
	check(g, q);
	books(g, q, &pushed, &done);
	take_all(g, q);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &g->message[i];

		stored += m->id != 0 || m->last != 0 || m->left;
		ended += (m->id != 0 || m->last != 0) && !m->left;
	}
	pushed -= g->ended + 1;
	done -= g->ended + 1;
	if (pushed != stored || done != ended)
		wrong(g,
		    "the queue counts %" PRIu64 " pushed and %" PRIu64
		    " done, but it is %" PRIu64 " and %" PRIu64,
		    pushed, done, stored, ended);
	check(g, q);
	books(g, q, &pushed, &g->ended);
	if (pushed != g->ended)
		wrong(
		    g, "%" PRIu64 " are there after all was taken", pushed - g->ended);
	probe(g, q);
	g->ended++;
	g->first_id = g->probe + 1;
	q_close(q);
}
