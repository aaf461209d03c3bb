/* SPDX-License-Identifier: ISC */
#ifndef BODY_H
#define BODY_H

/* Bodies as a COMMAND gets them: a file at its start, lines of one, or an argument. */

#include <stddef.h>

#include "share.h"

enum { /* why not; *why says it in words */
	BODY_UNABLE = -1,
	BODY_DAMAGED = -2,
};

/*
 * A descriptor to read the body from: nobody has to feed it, and it need not be read.
 * 0, or a code.
 */
int body_open(struct q *q, const struct q_msg *msg, int *fd, const char **why);
/* The same for several, each a line. */
int body_open_lines(const struct item *items, size_t n, int *fd, const char **why);
/* Why the body cannot be a line; NULL if it can. */
const char *body_no_line(const struct q_msg *msg);
/* Without the newline of echo, to be freed. NULL: it cannot be an argument. */
char *body_argument(const struct q_msg *msg);

#endif
