/* SPDX-License-Identifier: ISC */
#ifndef LOOK_H
#define LOOK_H

/* What has fallen due but was not promoted yet, seen as a take would find it. */

#include "batch.h"
#include "extent.h"
#include "txn.h"

/* The state a take would find message id in; 0 if it is gone. */
enum q_state look_state(struct txn *t, uint64_t id, const struct state *s);
/* Whether its TTL has passed, as far as can be known. */
bool look_expired(struct txn *t, uint64_t id, const struct state *s);
/* How many messages the row of an index under that id lists. */
unsigned look_together(struct txn *t, uint64_t id);
/* Of a message that has no state: STORE_NONE, or Q_ECORRUPT where it has a body, or
 * damage may hide it. */
int look_gone(struct txn *t, uint64_t id);
/* life_get(), and look_gone(). */
int look_get(struct txn *t, uint64_t id, struct state *s);
/* Add message id as it is now, unless it is not of those wanted: STORE_NONE if it is
 * gone. parts is of enum batch_part. */
int look_add(struct txn *t, struct q_batch *b, uint64_t id, const struct q_list *by,
    unsigned parts, size_t preview);

#endif
