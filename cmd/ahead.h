/* SPDX-License-Identifier: ISC */
#ifndef AHEAD_H
#define AHEAD_H

/*
 * Messages that a worker has taken and not begun, first come first served; and how many
 * are worth taking ahead: what the commands, as short as they have been, will begin
 * within some milliseconds. None while commands are long.
 */

#include "share.h"

struct ahead {
	struct item *items; /* a ring */
	size_t room, first, count;
	q_time moved; /* monotonic: when the last came or went */
	q_time usual; /* what a command takes, lately; 0: none has ended */
};

void ahead_free(struct ahead *a);
void ahead_put(struct ahead *a, const struct q_msg *msg, struct share *s, q_time now);
/* Take out at most n, in order; returns how many. */
size_t ahead_get(struct ahead *a, struct item *items, size_t n, q_time now);

/* A command took so long. */
void ahead_learn(struct ahead *a, q_time took);
/* How many to have in stock for so many commands at once. */
size_t ahead_depth(const struct ahead *a, size_t parallel);
/* When what is there has waited for too long and is to be given back; or Q_FOREVER. */
q_time ahead_until(const struct ahead *a);

#endif
