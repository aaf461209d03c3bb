/* SPDX-License-Identifier: ISC */
#ifndef SPILL_H
#define SPILL_H

/* Bodies in memory that are too large for a row become blobs before the lock is taken.
 */

#include "q.h"

struct spill {
	struct q_push *messages; /* a copy with blobs; NULL when none was too large */
	struct q_blob **blobs;
	size_t count; /* of blobs */
};

/* *messages is replaced by the copy if there is one. spill_free() also after an error.
 */
int spill_large(struct q *q, const struct q_push **messages, size_t n, struct spill *s);
void spill_free(struct spill *s);

#endif
