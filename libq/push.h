/* SPDX-License-Identifier: ISC */
#ifndef PUSH_H
#define PUSH_H

/* Storing messages. */

#include "message.h"
#include "txn.h"

struct push {
	const struct q_push *messages;
	size_t n;
	unsigned flags;
	struct q_pushed *pushed;              /* or NULL */
	bool *by_key;                         /* of push_each(), or NULL */
	const struct q_origin *origin, *over; /* of q_hand_over(), or NULL */
	size_t over_count;
	const struct q_origin *each; /* of q_transfer(), q_load(): n of them, or NULL */
	const struct q_msg *as; /* of q_load(), likewise: how they were elsewhere */
	const struct q_msg
	    *old; /* of q_replace(): whose place the one takes, or NULL */
};

enum { PUSHED_TEXT = 256 };

struct pushed {
	size_t stored;          /* so many, from the first on */
	bool known;             /* all of them, by their origin */
	int code;               /* why no more, or 0 */
	char text[PUSHED_TEXT]; /* the same, as a sentence */
};

/* Whether the arguments are good, before any lock. */
int push_check(const struct q_push *messages, size_t n);
/* Large bodies reach the disk before any lock, too. */
int push_flush(const struct q_push *messages, size_t n);
/* The record of a message that is pushed now, by whom the transaction serves. */
struct message push_message(const struct txn *t, const struct q_push *p);
/* Store it, and when it expires. */
int push_record(struct txn *t, const struct message *m, uint64_t id);
/* Store n messages, each as what comes of an origin of its own. *stored, as q_push();
 * by_key, if not NULL: of each that is, whether another message has its key instead. */
int push_each(struct q *q, const struct q_push *messages, size_t n,
    const struct q_origin *each, const struct q_msg *as, size_t *stored,
    struct q_pushed *pushed, bool *by_key);
/* Store one message in the place of another. */
int push_replacing(struct q *q, const struct q_push *message, const struct q_msg *old,
    struct q_pushed *pushed);
/* Returns a code only when the whole transaction is lost. */
int push_apply(struct txn *t, const struct push *push, struct pushed *result);
/* The transaction did not commit: blobs get their temporary names back. */
void push_undo(const struct push *push);

#endif
