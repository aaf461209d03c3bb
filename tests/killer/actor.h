/* SPDX-License-Identifier: ISC */
#ifndef ACTOR_H
#define ACTOR_H

#include "note.h"

/* What a resident process is to be. */
struct actor {
	const char *path; /* of the queue */
	struct shared *shared;
	struct journal *journal;
	uint64_t seed;
	bool pushes, takes;
	bool ordered; /* takes and acknowledges, one after the other */
	/* Its kernel timer kills it so long after it began operation at; 0: not. */
	unsigned aim_at;
	q_time aim;
};

/* Use the queue until there is no room for more notes, or until killed. */
_Noreturn void actor_run(const struct actor *a);

#endif
