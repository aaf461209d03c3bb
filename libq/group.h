/* SPDX-License-Identifier: ISC */
#ifndef GROUP_H
#define GROUP_H

/*
 * Groups: strictly one message at a time, in order. A group has a row in the table
 * group for each of its messages that counts for the order. If it has any, exactly one
 * of them is not blocked: the one that may be taken, is leased, waits for its next
 * attempt, or is dead and holds the others up.
 */

#include "life.h"

/* Whether a message may be taken as far as its group goes: it is in none, is in it
 * already, or is the only one. */
int group_free(struct txn *t, uint64_t id, const struct state *s, bool *is);
/* Whether it counts for the order of a group. */
int group_has(struct txn *t, uint64_t id, const struct state *s, bool *is);
/* Before life_enter() of a message that is new, or was dead: if it is of a group and
 * not in it, it joins; blocked, if there are others. */
int group_join(struct txn *t, uint64_t id, struct state *s);
/* The message has left its state for good. If it kept others from theirs, the oldest of
 * these goes on. Also for one that has left before. */
int group_leave(struct txn *t, uint64_t id, const struct state *s);
/* After its end as dead: leaves the group, unless the queue's option says to hold it.
 */
int group_dead(struct txn *t, uint64_t id, const struct state *s);
/* The message has left, and which group it was in is lost. */
int group_forget(struct txn *t, uint64_t id);
/* The message of a group that is not blocked, or may not be: its state cannot be read.
 * STORE_NONE: the group has none. */
int group_open(struct txn *t, const uint8_t group[16], uint64_t *id);
/* The dead hold no group any more: the option has changed. */
int group_let_go(struct txn *t);

#endif
