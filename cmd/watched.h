/* SPDX-License-Identifier: ISC */
#ifndef WATCHED_H
#define WATCHED_H

/* A queue that is watched for long: it may be removed, and made again. */

#include "q.h"

/* Open it to look at it; NULL after saying why not, with *status set. */
struct q *watched_open(const char *name, int *status);
/* Close it, for it was removed or replaced, and say so. */
void watched_lost(const char *name, struct q *q);
/* Open it if there is one again, and say so; NULL and *status 0: there is not. */
struct q *watched_again(const char *name, int *status);

/*
 * Many queues may be open at once, or not any more: each needs some descriptors, of
 * which there may be more than a program gets by default, and than commands of ours
 * should.
 */
void watched_many(bool many);

#endif
