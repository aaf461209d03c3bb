/* SPDX-License-Identifier: ISC */
/* What the board of qwatch does to a queue, after asking. */
#include <inttypes.h>
#include <stdio.h>

#include "live_look.h"

#include "live_act.h"

enum { NAME = 80 }; /* bytes of a name in a sentence */

/* Why there is nothing to do; NULL if there is. */
static const char *
pointless(const struct q_stat *st, enum live_command command)
{
	if (command == LIVE_REDRIVE && st->count[Q_DEAD] == 0)
		return ("has no dead messages");
	if (command == LIVE_PAUSE && st->paused_in != 0 && st->paused_out != 0)
		return ("is paused already");
	if (command == LIVE_RESUME && st->paused_in == 0 && st->paused_out == 0)
		return ("is not paused");
	return (NULL);
}

static void
question(const struct live_queue *q, enum live_command command, char *text)
{
	uint64_t dead = q->stat.count[Q_DEAD];

	if (command == LIVE_REDRIVE)
		snprintf(text, LIVE_WORD, "redrive %" PRIu64 " dead message%s of %.*s?",
		    dead, dead == 1 ? "" : "s", NAME, q->name);
	else if (command == LIVE_PAUSE)
		snprintf(text, LIVE_WORD,
		    "pause %.*s, so that nothing is pushed to it or taken from it?",
		    NAME, q->name);
	else
		snprintf(text, LIVE_WORD, "resume %.*s?", NAME, q->name);
}

bool
live_act_ask(const struct live_queue *q, enum live_command command, char *text)
{
	char why[LIVE_WHY];
	const char *no = NULL;
	struct q *handle;

	if (q->health > LIVE_BUSY)
		no = q->why;
	else if (q->seen == 0)
		no = "has not been read yet";
	else
		no = pointless(&q->stat, command);
	/* Permission is asked for before the user is. */
	if (no == NULL && (handle = live_look_write(q->name, why)) == NULL)
		no = why;
	else if (no == NULL)
		q_close(handle);
	if (no != NULL)
		snprintf(text, LIVE_WORD, "%.*s: %.*s", NAME, q->name,
		    LIVE_WORD - NAME - 3, no);
	else
		question(q, command, text);
	return (no == NULL);
}

static int
act(struct q *q, enum live_command command, uint64_t *count)
{
	const struct q_manage redrive = { .act = Q_ACT_REDRIVE };
	struct q_managed sum = { 0 };
	int rc;

	if (command != LIVE_REDRIVE)
		return (q_pause(q, Q_GATE_IN | Q_GATE_OUT, command == LIVE_PAUSE));
	rc = q_manage(q, &redrive, &sum);
	*count = sum.count;
	return (rc);
}

bool
live_act_do(const char *name, enum live_command command, char *text)
{
	char why[LIVE_WHY];
	struct q *q = live_look_write(name, why);
	uint64_t count = 0;
	int rc = q == NULL ? Q_EACCES : act(q, command, &count);

	if (q != NULL && rc != 0)
		snprintf(why, sizeof(why), "%s", q_errmsg());
	q_close(q);
	if (rc != 0)
		snprintf(text, LIVE_WORD, "%.*s: %.*s", NAME, name,
		    LIVE_WORD - NAME - 3, why);
	else if (command == LIVE_REDRIVE)
		snprintf(text, LIVE_WORD,
		    "%.*s: made %" PRIu64 " message%s ready again", NAME, name, count,
		    count == 1 ? "" : "s");
	else
		snprintf(text, LIVE_WORD, "%.*s is %s", NAME, name,
		    command == LIVE_PAUSE ? "paused" : "resumed");
	return (rc == 0);
}
