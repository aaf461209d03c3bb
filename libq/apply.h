/* SPDX-License-Identifier: ISC */
#ifndef APPLY_H
#define APPLY_H

/*
 * A mutation is a request: a value, applied to a transaction by one function, so that
 * requests of several callers can share a transaction. Applied again after a lost
 * transaction it starts afresh. One refused request is a result, never the loss of
 * others.
 */

#include "manage.h"
#include "push.h"
#include "settle.h"
#include "take.h"

enum op { OP_PUSH, OP_SETTLE, OP_ACK_BATCH, OP_TAKE, OP_OPTION, OP_PAUSE, OP_MANAGE };

struct request {
	enum op op;
	union {
		struct push push;
		struct settle settle;
		struct take take;
		struct {
			const struct q_settle *how;
			struct q_batch *batch;
			size_t first, n;
		} part; /* OP_ACK_BATCH, by any verb */
		struct {
			enum q_option option;
			uint64_t value;
		} option;
		struct {
			unsigned gates; /* of enum q_gate */
			bool close;
		} pause;
		struct manage manage;
	};
};

struct result {
	union {
		struct pushed pushed;       /* OP_PUSH */
		struct q_settled settled;   /* OP_SETTLE; OP_ACK_BATCH: its code */
		struct taken taken;         /* OP_TAKE */
		struct manage_part managed; /* OP_MANAGE */
	};
};

/* Apply one request. Returns a code only when the whole transaction is lost. */
int apply_one(struct txn *t, const struct request *r, struct result *result);
/*
 * Apply n requests in one transaction and commit it. 0: it is on disk, or nothing had
 * to be written; results say the rest. A code: nothing was done.
 */
int apply_all(
    struct q *q, const struct request *requests, struct result *results, size_t n);
/* The same of a take that stood (slot.h), and was served, or is. */
int apply_stood(struct q *q, const struct request *take, struct result *result);

#endif
