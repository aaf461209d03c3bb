/* SPDX-License-Identifier: ISC */
#ifndef CREW_H
#define CREW_H

/* The COMMANDs that run at once, each in its place. */

#include <poll.h>
#include <signal.h>

#include "job.h"

struct crew {
	const struct job_plan *plan;
	struct job *jobs; /* places of them; a free one has pid 0 */
	struct pollfd *poll;
	struct item *items; /* behind those of the jobs */
	size_t places, running;
};

void crew_init(struct crew *c, const struct job_plan *plan, size_t places);
void crew_free(struct crew *c);

/* A free place, or NULL. Once a command has been started there, crew_add() it. */
struct job *crew_place(struct crew *c);
void crew_add(struct crew *c, struct job *j);
/* Pass on what they have said; one that has ended, whose place is free now, or NULL. */
struct job *crew_ended(struct crew *c, q_time now);

/* Serve their time limits; the next time to call this, or Q_FOREVER. */
q_time crew_keep_time(struct crew *c, q_time now);
/* Tell all of them to end. */
void crew_tell(struct crew *c, q_time now);
/* Wait until one of them does something, or a signal not in mask comes, or a time. */
void crew_wait(struct crew *c, q_time now, q_time until, const sigset_t *mask);

#endif
