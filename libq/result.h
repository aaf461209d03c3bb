/* SPDX-License-Identifier: ISC */
#ifndef RESULT_H
#define RESULT_H

/*
 * What became of messages whose pushers wait for it, kept for a time after their end. A
 * message that dies has one as well; another end, after it was made ready again,
 * replaces it.
 */

#include "life.h"

struct q_output;

/*
 * Message id is done or dead; of a dead one, how is that of its last failure. output is
 * what its consumer had to say, or NULL. It is noted as lost if it cannot be kept.
 */
int result_put(struct txn *t, uint64_t id, const struct state *s, bool dead,
    const struct q_output *output);
/* The message goes on, and has none any more. */
int result_forget(struct txn *t, uint64_t id);
/* Its time is over. */
int result_expire(struct txn *t, uint64_t id);

#endif
