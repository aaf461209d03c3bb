/* SPDX-License-Identifier: ISC */
#ifndef NOTE_H
#define NOTE_H

/*
 * What a transaction does to whom, noted as it goes, to be told once it is committed. A
 * transaction that is begun again, or never committed, takes its notes with it. Nothing
 * is noted where nobody could be told: then a note costs the test of a flag.
 */

#include "state.h"
#include "txn.h"

enum { NOTES_MOST = 4096 };

struct notes {
	struct q_event *list; /* the newest NOTES_MOST, round and round */
	size_t room;          /* in it: a power of two, or 0 */
	bool full;            /* there was no memory for more */
	uint64_t count;       /* of all that the transaction did */
	uint64_t lapsed_id;   /* the message whose lease ended last: if it dies of that,
	                       * nobody did it */
	uint64_t why_id;      /* the message that failed for this reason */
	char why[Q_EVENT_DETAIL];
	pid_t pid; /* of this process, and what it is called: asked for once */
	char command[Q_EVENT_COMMAND];
};

/* A write transaction begins. */
void note_begin(struct txn *t);
void note_free(struct q *q);

/* What follows the test. */
void note_add(struct txn *t, enum q_event_kind kind, uint64_t id, const struct state *s,
    q_time due, const char *detail);
void note_add_reason(struct txn *t, uint64_t id, const char *reason);
void note_add_option(struct txn *t, enum q_option option, uint64_t value);

/* Something has happened to a message in state s, or to the queue: id 0, s NULL. */
static inline void
note(struct txn *t, enum q_event_kind kind, uint64_t id, const struct state *s,
    q_time due, const char *detail)
{
	if (t->noting)
		note_add(t, kind, id, s, due, detail);
}

/* Why the message has failed, should it die of that. */
static inline void
note_reason(struct txn *t, uint64_t id, const char *reason)
{
	if (t->noting)
		note_add_reason(t, id, reason);
}

static inline void
note_option(struct txn *t, enum q_option option, uint64_t value)
{
	if (t->noting)
		note_add_option(t, option, value);
}

/* When its lease ends, in time of day; 0: with its holder. */
static inline q_time
note_end(const struct txn *t, const struct state *s)
{
	return (
	    s->due == HELD
		? 0
		: time_add(t->now.wall,
		      (q_time)s->due > t->now.boot ? (q_time)s->due - t->now.boot : 0));
}

#endif
