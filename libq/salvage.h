/* SPDX-License-Identifier: ISC */
#ifndef SALVAGE_H
#define SALVAGE_H

/*
 * From a damaged data file into a new one: each row that can be read, and is what its
 * checksum says. Messages come without their places in the indexes, which salvage_end()
 * builds.
 */

#include "finding.h"
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
};

/* Read all there is in the file behind fd. */
int salvage_read(struct salvage *s, int fd);
/* Make the messages whole again, their indexes and the books; the transaction stays
 * open. */
int salvage_end(struct salvage *s);
/* Room for more: commit what was written, and go on. */
int salvage_turn(struct salvage *s);

#endif
