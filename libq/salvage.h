/* SPDX-License-Identifier: ISC */
#ifndef SALVAGE_H
#define SALVAGE_H

/*
 * From a damaged data file into a new one: each row that can be read, and is what its
 * checksum says. Messages come without their places in the indexes, which salvage_end()
 * builds.
 */

#include "finding.h"
#include "state.h"
#include "txn.h"

struct salvage {
	struct q *q;  /* the queue, for its files */
	struct txn t; /* on the new file; kept open */
	struct check *check;
	unsigned meta;     /* bit set of enum meta_record: found, where they belong */
	uint64_t newer;    /* of strays, only ids from this one on; 0: all */
	uint64_t greatest; /* id met */
	unsigned rows;     /* since the last commit */
	bool doubtful;     /* what is read may have ended, long ago or in the end */
	bool grouped;      /* the rows of groups that were found are all there were */
};

/* Read all there is in the file behind fd. */
int salvage_read(struct salvage *s, int fd);
/* One row of a table, or what may be one. */
int salvage_row(
    struct salvage *s, enum table table, struct span key, struct span value);
/* Make the messages whole again, their indexes and the books; the transaction stays
 * open. */
int salvage_end(struct salvage *s);
/* What message id has beside its index; before that lists its state, which may change.
 */
int restore_message(struct salvage *s, uint64_t id, struct state *st);
/* When all messages are there: groups have one that goes on; keys are of somebody; a
 * result has its file and its time. */
int restore_groups(struct salvage *s);
int restore_keys(struct salvage *s);
int restore_result(struct salvage *s, uint64_t id, struct span value);
/* Room for more: commit what was written, and go on. */
int salvage_turn(struct salvage *s);

#endif
