/* SPDX-License-Identifier: ISC */
#ifndef BOOKS_H
#define BOOKS_H

/* What the rows of a queue say of each other, in a file whose structure is sound. */

#include "finding.h"
#include "txn.h"

/* t has begun by txn_open(): nothing was believed yet, not even the meta records. */
int books_check(struct txn *t, struct check *check);
/* Whether message id is dead because it was found to be damaged. */
bool books_aside(struct txn *t, uint64_t id);

#endif
