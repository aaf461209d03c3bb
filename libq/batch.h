/* SPDX-License-Identifier: ISC */
#ifndef BATCH_H
#define BATCH_H

/* Messages handed out, and the memory behind them. */

#include "message.h"
#include "state.h"
#include "txn.h"

struct q_batch {
	struct q_msg *msg;
	size_t count, room;
	struct chunk *chunks; /* bodies and texts; never move */
};

enum batch_part {
	BATCH_BODY = 1 << 0, /* copy the body */
	BATCH_FAILURES = 1 << 1,
};

int batch_new(struct q_batch **batch);
/* Room for n messages in all, where it is known that there will be so many. */
int batch_room(struct q_batch *b, size_t n);
/*
 * Append a copy of what the two records say. preview cuts the body. The record of a
 * damaged message may be NULL: then only its state is known.
 */
int batch_add(struct txn *t, struct q_batch *b, uint64_t id, const struct state *s,
    const struct message *m, unsigned parts, size_t preview);
/* How many messages from i on, before end, have consecutive ids. */
size_t batch_run(const struct q_batch *b, size_t i, size_t end);
/* Put our byte locks on all of them. After an error some may be: batch_undo(). */
int batch_hold(struct q *q, const struct q_batch *b);
/* Drop our byte locks on the n messages from first on: their leases have ended. */
void batch_let_go(struct q *q, struct q_batch *b, size_t first, size_t n);
/* Append a delivery of which no more is known: take_fetch() reads the rest. */
int batch_add_stub(struct q_batch *b, uint64_t id, uint32_t delivery);
/* The same for a take that has not come to pass: an earlier lease may be ours still. */
void batch_undo(struct q *q, const struct q_batch *b);
/* Forget the messages from count on: their transaction is to be applied again. */
void batch_cut(struct q_batch *b, size_t count);

#endif
