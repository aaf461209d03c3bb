/* SPDX-License-Identifier: ISC */
#ifndef SAID_H
#define SAID_H

/* What a COMMAND says of single messages: "LINE STATUS" each, as text comes in. */

#include <stdbool.h>
#include <stddef.h>

enum { SAID_LINE = 32 }; /* bytes of a line that can be right */

struct said {
	char line[SAID_LINE + 1];
	size_t used; /* more than SAID_LINE: the line is too long */
};

/* Line 1 to lines got a status of 0 to 255. */
typedef void said_fn(void *arg, size_t line, int status);
/* A line is none of these; shown is what there is of it, with a NUL. */
typedef void said_wrong_fn(void *arg, const char *shown);

/*
 * Feed some bytes, as they come. Start with a struct of zeros. A line may end with
 * blanks.
 */
void said_feed(struct said *s, const char *data, size_t n, size_t lines, said_fn *fn,
    said_wrong_fn *wrong, void *arg);
/* There is no more: a last line may lack its newline. */
void said_end(
    struct said *s, size_t lines, said_fn *fn, said_wrong_fn *wrong, void *arg);

#endif
