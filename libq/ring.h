/* SPDX-License-Identifier: ISC */
#ifndef RING_H
#define RING_H

/*
 * The newest events of a queue, in ctl, for who watches it. Event n has the place n
 * modulo CTL_EVENTS. What holds:
 *
 * - One process writes at a time: who has the transaction lock. It writes only what its
 *   transaction has done, and only once that is on disk.
 * - A place has the number of its event while what it tells is whole, and 0 while it is
 *   written. So who reads a place copies it between two looks at its number; when they
 *   differ, or are of another event, that event is lost for him.
 * - last_event moves on after the place was written. A writer that dies in between
 *   leaves it: the next one writes that place again.
 * - Nobody waits: a reader that is too slow misses events, and can count them.
 *
 * Strangers may write anything here. No number read from it is an index without being
 * reduced, no text has an end before it is given one, and a kind is compared with those
 * there are.
 */

#include "ctl.h"

struct q_event;

/* After the commit, under the lock: what the last transaction of q has noted. */
void ring_write(struct q *q);
/* Event n as others wrote it. False: it is not, or no longer, there. */
bool ring_read(const struct ctl_file *f, uint64_t n, struct q_event *event);

#endif
