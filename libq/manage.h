/* SPDX-License-Identifier: ISC */
#ifndef MANAGE_H
#define MANAGE_H

/* What an administrator does to messages, a bounded part of it at a time. */

#include "batch.h"
#include "state.h"
#include "txn.h"

/* Acts of q_transfer(), beside those of enum q_act. */
enum {
	ACT_MARK = Q_ACT_DEAD + 1, /* on its way, and copied out */
	ACT_COPY,                  /* copied out */
	ACT_MOVED,                 /* marked: is there now, and gone here */
	ACT_STAYS,                 /* marked: is what it was */
	ACTS
};

/* Of those that are in groups, the ids of the ones meant, in their order. */
struct meant {
	uint64_t *ids;
	size_t count, room;
	bool given; /* else it is not decided before the act which these are */
};

struct manage {
	const struct q_manage *how;
	struct meant *meant;
	uint64_t at;   /* the id, or index of the id, to go on from */
	uint64_t most; /* of messages; 0: as many as there may be in a transaction */
	/* Of a transfer: */
	uint8_t to[16];      /* uuid of the other queue */
	const char *to_name; /* what it is called, for events */
	struct q_batch *out; /* what was copied out; or, to stay, what it was */
};

/* Messages that an act was done to are few and small enough for one commit. */
enum { MANAGE_BYTES = 4 << 20 };

struct manage_part {
	struct q_managed sum; /* of this part */
	uint64_t next;        /* to go on from */
	bool end;
	bool hidden; /* damage may hide messages that were to be looked at */
};

/* Acts, unless how->dry, on some messages. Returns a code only when the transaction is
 * lost. */
int manage_apply(
    struct txn *t, const struct manage *manage, struct manage_part *result);
/* One part, in a transaction of its own; from where the last one ended. */
int manage_part(struct q *q, const struct manage *manage, struct manage_part *part);
/*
 * Decide which messages of groups are meant, before the first of them is acted on: what
 * ends lets the next one of its group go on, into a state that may be asked for. *meant
 * is the caller's, with meant->ids to be freed, also after an error.
 */
int manage_decide(struct q *q, struct manage *manage, struct meant *meant);
/* Whether the act may be done to those states. */
int manage_check(const struct q_manage *how);

/* The acts of a transfer, after life_leave(). */
int transfer_mark(
    struct txn *t, const struct manage *manage, uint64_t id, struct state *s);
int transfer_copy(
    struct txn *t, const struct manage *manage, uint64_t id, struct state *s);
int transfer_moved(
    struct txn *t, const struct manage *manage, uint64_t id, struct state *s);
int transfer_stays(
    struct txn *t, const struct manage *manage, uint64_t id, struct state *s);
/* Whether a mark, or none, lets the act be done. */
bool transfer_may(const struct manage *manage, uint64_t id, const struct state *s);

#endif
