/* SPDX-License-Identifier: ISC */
#ifndef LOG_H
#define LOG_H

/*
 * The log of a queue: its events as rows of the table log, written in the transaction
 * they tell of, for as long as the option log says. Keys ascend in the order of
 * commits: the time, but never less than that of the row before, and a number that is
 * one more than that row's. Layout in q(5).
 */

#include "txn.h"

enum {
	LOG_FIXED = 8 + 1 + 4 + 4 + 4 + 8 + 8 + 8 + 1 + 1,
	LOG_MOST = LOG_FIXED + Q_EVENT_COMMAND + Q_EVENT_DETAIL,
};

/* The codec. Returns the size. */
size_t log_encode(const struct q_event *e, uint64_t number, uint8_t record[LOG_MOST]);
int log_decode(const void *record, size_t size, uint64_t number, struct q_event *e);

/* Whether the transaction's events are to be logged, as it begins. */
bool log_wanted(const struct txn *t);
/* Add one. What goes wrong is kept, and fails the commit. */
void log_add(struct txn *t, const struct q_event *e);
/* Before the commit: what went wrong, or a bounded number of old rows go. */
int log_finish(struct txn *t);

#endif
