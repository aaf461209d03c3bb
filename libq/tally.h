/* SPDX-License-Identifier: ISC */
#ifndef TALLY_H
#define TALLY_H

/*
 * The history of a queue within a transaction: read when it is first needed, written
 * with the commit of what it counts.
 */

#include "history.h"

struct txn;
struct span;

struct tally {
	unsigned loaded;  /* bit set of enum history_which, and of TALLY_RATES */
	unsigned damaged; /* likewise: could not be read, and is empty */
	struct q_histogram hist[HISTS];
	struct rates rates;
};

enum { TALLY_RATES = HISTS, TALLIES };

/*
 * Read what is asked for, by its bit; queues that have nothing yet have zeros. What is
 * damaged begins anew: no message depends on it.
 */
int tally_load(struct txn *t, unsigned which);
/* Count n messages of one length of time. */
int tally_time(struct txn *t, enum history_which which, q_time length, uint64_t n);
/* n messages came in, at once. */
int tally_pushed(struct txn *t, uint64_t n);
/* n messages are done. */
int tally_done(struct txn *t, uint64_t n);
/* Messages were taken: see how many are at work. */
int tally_leased(struct txn *t);
/* Before the commit. */
int tally_save(struct txn *t);
/* What a row of the table meta is: none of the history, or a record of it. */
enum tally_record { TALLY_NONE, TALLY_DAMAGED, TALLY_WHOLE };
enum tally_record tally_record(struct span key, struct span value);

#endif
