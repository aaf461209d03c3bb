/* SPDX-License-Identifier: ISC */
#ifndef LEFT_H
#define LEFT_H

#include "model.h"

/*
 * Look at the queue, of which every user is dead: is it sound, do its books add up, and
 * can it be used at once? Take all that is left in it, which is marked so.
 */
void left_take(struct judge *g);

#endif
