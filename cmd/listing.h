/* SPDX-License-Identifier: ISC */
#ifndef LISTING_H
#define LISTING_H

/* Messages for people: a line each, or everything about one. */

#include <stdio.h>

#include "q.h"

enum { LISTING_PREVIEW = 64 }; /* bytes of a body that listing_line() may show */

/*
 * Columns of fixed widths, so that a list needs no more memory the longer it is. Errors
 * of out stay in the stream.
 */
void listing_head(FILE *out);
void listing_line(const struct q_msg *m, q_time now, FILE *out);

/* All that is known, a field a line, and the beginning of the body. */
void listing_detail(const struct q_msg *m, q_time now, FILE *out);

#endif
