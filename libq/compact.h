/* SPDX-License-Identifier: ISC */
#ifndef COMPACT_H
#define COMPACT_H

#include "q.h"

/*
 * On a full disk: give back the blocks of all free pages, and the reserve behind the
 * data in use, for what must still be written. The caller has the lock. False: there
 * was nothing, or it failed.
 */
bool compact_for_room(struct q *q);

#endif
