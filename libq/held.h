/* SPDX-License-Identifier: ISC */
#ifndef HELD_H
#define HELD_H

/* Which messages a handle holds: runs of consecutive ids, in no order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run {
	uint64_t first, n; /* n 0: it is empty */
};

struct held {
	struct run *run;
	size_t count, room;
	size_t empty; /* runs of the count */
	size_t next;  /* where the next removal likely is */
};

/* An id may be in it more than once. Q_ENOMEM. */
int held_add(struct held *h, uint64_t first, uint64_t n);
bool held_has(struct held *h, uint64_t id);
/* Each id once. Those that are not in it are ignored. Without memory an id may stay:
 * held too long is less harm than not at all. */
void held_remove(struct held *h, uint64_t first, uint64_t n);
void held_free(struct held *h);

#endif
