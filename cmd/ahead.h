/* SPDX-License-Identifier: ISC */
#ifndef AHEAD_H
#define AHEAD_H

/*
 * Messages that a worker has taken and not begun, first come first served; and how many
 * are worth taking ahead: what the commands, as short as they have been, will begin
 * before the next commit but one. None while commands are long.
 */

#include "share.h"

struct ahead {
	struct item *items; /* a ring */
	size_t room, first, count;
	q_time moved; /* monotonic: when the last came or went */
	/* What takes how long, lately; 0: there was none */
	q_time command, commit;
};

void ahead_free(struct ahead *a);
void ahead_put(struct ahead *a, const struct q_msg *msg, struct share *s, q_time now);
/* Take out at most n, in order; returns how many. */
size_t ahead_get(struct ahead *a, struct item *items, size_t n, q_time now);

/* A command, or a commit, took so long. */
void ahead_learn_command(struct ahead *a, q_time took);
void ahead_learn_commit(struct ahead *a, q_time took);
/* How long what has ended may wait for a commit that it shares with others. */
q_time ahead_step(const struct ahead *a);
/* How many to have in stock for so many commands at once. */
size_t ahead_depth(const struct ahead *a, size_t parallel);
/* When what is there has waited for too long and is to be given back; or Q_FOREVER. */
q_time ahead_until(const struct ahead *a);
/* It was: until commands are seen to be short again, nothing is worth taking ahead. */
void ahead_doubt(struct ahead *a);

#endif
