/* SPDX-License-Identifier: ISC */
#ifndef NEAR_H
#define NEAR_H

/* Which of the words there are a misspelt one is likely to be. */

#include <stddef.h>

struct near {
	const char *word; /* n letters, that are none of them */
	size_t n;
	const char *found; /* the nearest so far; NULL: none is near */
	size_t least;      /* how near */
};

/* Ask with .word and .n set, and all else 0: each candidate is tried. */
void near_try(struct near *near, const char *candidate);

#endif
