/* SPDX-License-Identifier: ISC */
#ifndef KEPT_H
#define KEPT_H

/*
 * The table slot: of each slot of a ctl the last request that was served, and its
 * answer, in the transaction that applied it. Should its holder die before he has
 * answered, whoever has the lock next finds here that it is done.
 */

#include "answer.h"
#include "txn.h"

/* What the request with that ticket was answered. STORE_NONE: nothing. */
int kept_find(struct txn *t, uint64_t generation, unsigned slot, uint64_t ticket,
    uint8_t answer[ANSWER_MAX], size_t *size);
int kept_put(
    struct txn *t, uint64_t generation, unsigned slot, const struct answered *answered);

#endif
