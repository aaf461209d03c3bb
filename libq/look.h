/* SPDX-License-Identifier: ISC */
#ifndef LOOK_H
#define LOOK_H

/* What has fallen due but was not promoted yet, seen as a take would find it. */

#include "state.h"
#include "txn.h"

/* The state a take would find message id in; 0 if it is gone. */
enum q_state look_state(struct txn *t, uint64_t id, const struct state *s);

#endif
