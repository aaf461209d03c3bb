/* SPDX-License-Identifier: ISC */
#ifndef UNIQUE_H
#define UNIQUE_H

/*
 * Keys that no two messages may have at once. A row names the message that has the key,
 * and until when: without a time, for as long as that message waits or is leased.
 */

#include "txn.h"

/* The hash of a key, and of where a message handed over comes from. */
void unique_hash(const struct txn *t, const char *key, size_t size, uint8_t hash[16]);
void unique_origin(
    const struct txn *t, const struct q_origin *origin, uint8_t hash[16]);
/* Which message has it; *id is 0 if it is free. */
int unique_find(struct txn *t, const uint8_t hash[16], uint64_t *id);
/* It belongs to message id: until a wall time, or for as long as that lives (0). */
int unique_put(struct txn *t, const uint8_t hash[16], uint64_t id, q_time until);
/* Message id has ended. A key of one that is done is known for the queue's window. */
int unique_end(struct txn *t, const uint8_t hash[16], uint64_t id, bool done);
/* Forget it; it need not be there. */
int unique_forget(struct txn *t, const uint8_t hash[16]);
/* Forget those whose hashes begin with a number, and whose time is over. */
int unique_expire(struct txn *t, uint64_t prefix);

#endif
