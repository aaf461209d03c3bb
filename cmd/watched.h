/* SPDX-License-Identifier: ISC */
#ifndef WATCHED_H
#define WATCHED_H

/* Queues that are watched for long: they may be removed, and made again. */

#include "q.h"

/* Open it to look at it; NULL after saying why not, with *status set. */
struct q *watched_open(const char *name, int *status);
/* Close it, for it was removed or replaced, and say so. */
void watched_lost(const char *name, struct q *q);
/* Open it if there is one again, and say so; NULL and *status 0: there is not. */
struct q *watched_again(const char *name, int *status);

/* All queues there are: also those that are made while they are watched. */
struct watched_root {
	bool used;    /* else the queues are those that were named */
	q_time next;  /* monotonic: when to look for others */
	q_time seen;  /* the root was not changed since; 0: nobody knows */
	char **names; /* that are known */
	size_t n, asked;
};

/* A copy of a name, which is known from then on and lasts until watched_forget(). */
const char *watched_know(struct watched_root *root, const char *name);
/* If it is time to look, and the root has changed: add each whose name was not known.
 */
void watched_more(
    struct watched_root *root, void (*add)(void *arg, const char *name), void *arg);
void watched_forget(struct watched_root *root);

/*
 * Many queues may be open at once, or not any more: each needs some descriptors, of
 * which there may be more than a program gets by default, and than commands of ours
 * should.
 */
void watched_many(bool many);

#endif
