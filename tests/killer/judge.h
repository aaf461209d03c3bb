/* SPDX-License-Identifier: ISC */
#ifndef JUDGE_H
#define JUDGE_H

#include "note.h"

/* What all actors together have noted in a round, and what it was worth. */
struct judge;

struct verdict {
	uint64_t pushed, delivered; /* messages stored; deliveries that were seen */
	/* Killed between commit and answer: stored, or gone, and not told so. */
	uint64_t stored_untold, ended_untold;
	uint64_t wrong;
};

/* Of the queue at path, which is new and empty. */
struct judge *judge_new(const char *path, struct shared *s);
/* A round, of that name. */
void judge_begin(struct judge *g, const char *name);
/* Whether there is room for what all actors may note until they are killed. */
bool judge_has_room(const struct judge *g);
/*
 * Take over what an actor has noted that is dead, or runs nothing at the moment: what
 * it held, it held until ended, a tick.
 */
void judge_add(struct judge *g, unsigned actor, struct journal *j, uint64_t ended);
/*
 * All actors are dead. Look at the queue, take all that is left in it, and say on
 * stdout what does not add up; then begin anew, with an empty queue.
 */
struct verdict judge_round(struct judge *g);

#endif
