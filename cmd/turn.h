/* SPDX-License-Identifier: ISC */
#ifndef TURN_H
#define TURN_H

/* The commits of a worker. */

#include "work.h"

/* Whether one is due. */
bool turn_due(const struct worker *w);
/*
 * If so: tell the queue what has ended and begun, and take what is worth having, in one
 * commit; start what was taken. Ends the process if finished work can not be settled.
 */
void turn(struct worker *w);

#endif
