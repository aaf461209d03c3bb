/* SPDX-License-Identifier: ISC */
#ifndef LIFE_H
#define LIFE_H

/*
 * The life of a message, as rows: its state record and the one index that lists it in
 * that state. To change a state: life_leave(), change the struct, life_enter().
 */

#include "extent.h"
#include "message.h"

/* Kinds of rows in the table expiry. */
enum { EXPIRY_TTL = 0, EXPIRY_DONE = 1, EXPIRY_KEY = 2, EXPIRY_RESULT = 3 };

/* 0, STORE_NONE if there is no such message, Q_ECORRUPT, STORE_BROKEN. */
int life_get(struct txn *t, uint64_t id, struct state *s);
int life_leave(struct txn *t, uint64_t id, const struct state *s);
int life_enter(struct txn *t, uint64_t id, struct state *s);
/* The same for all messages of an extent. */
int life_leave_extent(struct txn *t, const struct extent *e);
int life_enter_extent(struct txn *t, struct extent *e);
/* The same when it is the state it was in: since when stays. */
int life_keep(struct txn *t, uint64_t id, struct state *s);
/* The two halves of life_keep(), for who builds a queue again: the row of the index,
 * with the counter, and the state record; alone, a change that no index shows. */
int life_list(struct txn *t, uint64_t id, const struct state *s);
int life_write(struct txn *t, uint64_t id, const struct state *s);
/* After life_leave(): all the rest of the message goes, and is counted as how. */
int life_end(struct txn *t, uint64_t id, const struct state *s, enum counter how);
/* The same, told as that event. */
int life_end_as(struct txn *t, uint64_t id, const struct state *s, enum counter how,
    enum q_event_kind kind, const char *detail);
/* As life_end() for all messages of n extents: of many it costs less than of each. */
int life_end_extents(struct txn *t, const struct extent *e, size_t n, enum counter how);
/* After life_leave(): enter as dead. */
int life_die(struct txn *t, uint64_t id, struct state *s);
/* Once this is committed, the file of the message's body, or output, goes. */
int life_drop_file(struct txn *t, uint64_t id, bool output);
/* Add to a counter. */
void life_count(struct txn *t, enum counter counter, uint64_t n);

/* When a lease ends or has ended, as time of day: Q_FOREVER, and no other, is held. */
q_time life_lease_end(const struct txn *t, const struct state *s);
/* Attempts made, without one that has not begun; and allowed. */
uint32_t life_attempts(const struct state *s);
uint32_t life_max_attempts(const struct txn *t, const struct state *s);
/*
 * After life_leave(): the delivery has failed or lapsed. Enter as dead when the
 * attempts are used up, else as delayed until due (wall clock) or, if due is 0, ready.
 */
int life_retry(struct txn *t, uint64_t id, struct state *s, q_time due);
/*
 * After life_leave() of a dead one, before life_enter() as ready or delayed: it joins
 * its group again, so it may become blocked, and what it ended with is forgotten.
 */
int life_revive(struct txn *t, uint64_t id, struct state *s);
/* Record why the delivery failed. */
int life_fail(struct txn *t, uint64_t id, struct state *s, const char *reason,
    const struct q_report *report);
/* The same for what no delivery did: it gets a number of its own, and counts as none.
 */
int life_fail_between(struct txn *t, uint64_t id, struct state *s, const char *reason,
    const struct q_report *report);
/* The lease is over without an answer. */
int life_lapse(struct txn *t, uint64_t id, struct state *s, const char *reason);
/* Whether the TTL has passed; life_end() as expired then. *ended says so. */
int life_expire(struct txn *t, uint64_t id, const struct state *s, bool *ended);
/* What the record of a message says of its state, too: whether they agree; make them.
 */
bool life_agrees(const struct state *s, const struct message *m);
void life_agree(const struct txn *t, struct state *s, const struct message *m);
/*
 * A state for a message whose own is lost. Its delivery is the time, in seconds:
 * greater than any before, so that no receipt given before fits.
 */
struct state life_lost(const struct txn *t, enum q_state state);
/*
 * The message cannot be read whole: dead, with what is left of it. Those that share its
 * state record, where that is damaged, are ready; unless they are leased, when they are
 * dead, too. The row of the index that lists it as in that state is gone already, but
 * not counted.
 */
int life_damage(struct txn *t, uint64_t id, enum q_state listed);
/* Add to the number of messages in a state, of which s is one. */
void life_count_in(struct txn *t, const struct state *s, uint64_t n);

#endif
