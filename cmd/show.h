/* SPDX-License-Identifier: ISC */
#ifndef SHOW_H
#define SHOW_H

/*
 * Messages of a queue, on stdout: lists, and single ones. Functions return the exit
 * status, after saying what is wrong.
 */

#include "q.h"

struct show {
	struct q_list list; /* which ones */
	uint64_t limit;     /* of a list; 0: none */
	bool json, body;    /* body: with whole ones, in a list of JSON */
};

int show_list(const struct show *how, const char *name);
/* ids is a list of numbers with NULL at its end. */
int show_messages(const struct show *how, const char *name, char **ids);

/* Open a queue to look at it; NULL after saying why not, with *status set. */
struct q *show_open(const char *name, int *status);
/* The exit status of two things that were done. */
int show_worse(int a, int b);

#endif
