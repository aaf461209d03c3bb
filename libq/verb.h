/* SPDX-License-Identifier: ISC */
#ifndef VERB_H
#define VERB_H

/* What a verb makes of a message. */

#include "state.h"
#include "txn.h"

struct settle;

/* The delivery is the one that may be settled, and s its state. */
int verb_apply(struct txn *t, const struct settle *c, struct state *s);

#endif
