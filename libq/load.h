/* SPDX-License-Identifier: ISC */
#ifndef LOAD_H
#define LOAD_H

/* Messages as they were in another queue. */

#include "message.h"
#include "txn.h"

/* Store message id as a push would, but in the state, at the times and with the
 * failures that as says. */
int load_one(struct txn *t, struct message *m, const struct q_msg *as, uint64_t id);

/* Of a message that is loaded: it comes from a dump of this very queue. */
bool load_is_own(const struct txn *t, const struct q_origin *from);

/* All that its pusher said of a message, but for its times and a blob. */
struct q_push load_push(const struct q_msg *m);

#endif
