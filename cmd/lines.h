/* SPDX-License-Identifier: ISC */
#ifndef LINES_H
#define LINES_H

/* Short lines from a descriptor, for readers that also want to know when it pauses. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line comes in pieces; but an object of JSON may have a body in it. */
enum { LINES_ROOM = 1 << 16, LINES_OBJECT = 128 << 20 };

struct lines {
	int fd;
	uint64_t number; /* of the line lines_next() gave last, from 1 */
	size_t start, end, room;
	bool ended;
	char *buf; /* with a byte behind room */
};

/* Begin at fd; the rest of *l need not be initialised. */
void lines_open(struct lines *l, int fd);
void lines_close(struct lines *l);
/*
 * The next line, of *size bytes, without its newline but with a NUL, valid until the
 * next call; a last one may lack the newline. 1, 0 at the end, or -1 with errno set.
 */
int lines_next(struct lines *l, char **line, size_t *size);
/* Whether lines_next() would make its caller wait: a good moment to do what is due. */
bool lines_paused(const struct lines *l);

#endif
