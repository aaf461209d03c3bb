/* SPDX-License-Identifier: ISC */
#ifndef FEED_H
#define FEED_H

/*
 * Messages on their way into a queue: gathered, and stored a batch at a time. Keeps the
 * exact number of what is stored, for whoever has to stop.
 */

#include "q.h"

enum {
	FEED_BYTES = 16 << 20, /* of bodies in a batch */
	FEED_COUNT = 1 << 15,  /* of messages in it */
};

struct feed {
	struct q *q;               /* NULL: there is none, yet */
	const struct q_open *open; /* how it is made, when there is what to store */
	const char *name;          /* of the queue, as the user gave it */
	struct q_push model;       /* what the options say of every message */
	bool atomic, allow_empty, print_ids, print_json, progress;
	q_time wait;     /* for room in a full queue */
	uint64_t stored; /* also those that were known by their keys */
	uint64_t known;
	uint64_t last; /* id of the last one */
	/* the batch */
	struct q_push *messages;
	size_t count, room, bytes;
	struct owned *owned; /* memory behind some of the bodies */
	size_t owned_count, owned_room;
	struct q_blob *blob; /* being written */
	q_time shown;        /* when progress was last shown */
};

/* The queue, made if there is none. Ends the process if that fails. */
struct q *feed_queue(struct feed *f);
/* Refuse an empty message: where is "stdin line 3" or NULL. Ends the process. */
void feed_check_empty(struct feed *f, size_t size, const char *where);
/* Add a message with the model's attributes; the body must live until feed_flush(). */
void feed_add(struct feed *f, const void *body, size_t size);
/* Add one with attributes of its own. */
void feed_add_push(struct feed *f, const struct q_push *p);
/* What is to be freed, and how, when the batch is stored. */
void feed_own(struct feed *f, void *thing, void (*release)(void *));
bool feed_is_full(const struct feed *f);
/*
 * Store the batch; on disk when it returns. Ends the process, saying what is stored,
 * when it cannot. Nothing is stored before feed_end() if the feed is atomic.
 */
void feed_flush(struct feed *f);
/* The last one: no more can be added. */
void feed_end(struct feed *f);
/*
 * Ends the process because of the input: stores what is complete, unless atomic, and
 * says why and how much. where is what is wrong, "stdin line 3", or NULL.
 */
_Noreturn void feed_refuse(
    struct feed *f, int status, const char *where, const char *why);
/* What to say of a code of libq. */
const char *feed_reason(int code);
/* Ends the process by the signal that came, saying how much is stored. */
_Noreturn void feed_interrupted(struct feed *f);

#endif
