/* SPDX-License-Identifier: ISC */
#ifndef LEDGER_H
#define LEDGER_H

/* What the functions have in common that look at one row each; see books.c. */

#include "extent.h"
#include "finding.h"
#include "txn.h"

struct books {
	struct txn *t;
	struct check *check;
	unsigned meta; /* bit set of enum meta_record: those that are good */
	uint64_t bytes, in[Q_STATES]; /* of the messages met; how many in each state */
	uint64_t ahead;               /* of the leased, taken ahead */
	uint64_t end;                 /* of the last extent: id of who may follow */
	/* The group whose rows are read. */
	struct {
		uint8_t name[16];
		uint64_t first; /* of its messages */
		uint64_t rows, open, unknown;
	} group;
};

/* A row of a table, its key of the right size; id is in it. */
typedef int row_fn(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value);

bool books_know(const struct books *b, enum meta_record r);
int books_damaged(const struct books *b, uint64_t id, const char *what);
/* A row that another one makes necessary; *there says whether it exists. */
int books_look_up(
    struct books *b, enum table table, struct key k, struct span *v, bool *there);
/* The state of a message; *good is false if it is missing or cannot be read. */
int books_state(struct books *b, uint64_t id, struct state *s, bool *there, bool *good);

/* Rows of groups, keys, results and answers; and the end of the last group. */
row_fn ledger_group, ledger_unique, ledger_result, ledger_slot, ledger_log;
int ledger_group_end(struct books *b);
/* The records of the history. */
int ledger_history(struct books *b);

#endif
