/* SPDX-License-Identifier: ISC */
#ifndef EXTENT_H
#define EXTENT_H

/*
 * The rows of extents: their record in the table msg, and the row of the index that
 * lists them, each under the first id. In every committed state each message is in one
 * extent, and extents do not overlap. What is done to one message parts it from the
 * others first; what is done to all costs no more than for one.
 */

#include "state.h"
#include "txn.h"

/* The table that lists messages of a state, and the key there; TABLES: none does. */
enum table extent_place(uint64_t id, const struct state *s, struct key *k);
/*
 * The extent that has message id. STORE_NONE: there is no such message. Q_ECORRUPT: the
 * record that it is of, as far as can be known, is damaged; e->first says which that
 * is. STORE_BROKEN.
 */
int extent_find(struct txn *t, uint64_t id, struct extent *e);
/* The row of the index, and the record; together they are an extent. */
int extent_list(struct txn *t, const struct extent *e);
int extent_unlist(struct txn *t, const struct extent *e);
int extent_write(struct txn *t, const struct extent *e);
/* Give message id an extent of its own. */
int extent_alone(struct txn *t, uint64_t id);
/* Part e before its n-th message: the others are written, and e is left to be. */
int extent_cut(struct txn *t, struct extent *e, unsigned n);
/*
 * How many messages the damaged record under id first is of: what bodies there are from
 * there on, up to the next record.
 */
int extent_guess(struct txn *t, uint64_t first, unsigned *count);

#endif
