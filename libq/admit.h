/* SPDX-License-Identifier: ISC */
#ifndef ADMIT_H
#define ADMIT_H

/* Whether there is a place for what is pushed. */

#include "txn.h"

struct push;
struct pushed;

/* The bytes of its body. */
uint64_t admit_size(const struct q_push *p);
/* Whether message i comes with a key of its own. Of one that is dead already, the key
 * is anybody's. */
bool admit_keyed(const struct push *push, size_t i);
/*
 * The message that is of the same origin, or has the key, already; 0: it is to be
 * added. One that is edited, or loaded beside another that waits, is not that one: it
 * is added, and the key stays the other's.
 */
int admit_known(
    struct txn *t, const struct push *push, size_t i, uint64_t *id, bool *by_key);
/*
 * How many there is a place for, from the first on; the reason for the others is in
 * result->code. Those whose key is known need none. Room on the disk is made for them.
 */
int admit_push(
    struct txn *t, const struct push *push, struct pushed *result, size_t *n);

#endif
