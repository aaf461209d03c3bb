/* SPDX-License-Identifier: ISC */
#ifndef REPEAT_H
#define REPEAT_H

/* Keys that several messages of one push have. */

#include "txn.h"

/*
 * Which of n messages have the key of an earlier one: (*repeated)[i]; NULL if none has.
 * The caller frees it.
 */
int repeat_find(
    const struct txn *t, const struct q_push *messages, size_t n, bool **repeated);

#endif
