/* SPDX-License-Identifier: ISC */
#ifndef OUT_H
#define OUT_H

/*
 * Where bodies go: stdout or a file. Errors stay until asked for, so that a caller
 * checks once, before it acknowledges. Interrupted by a signal that stop.h has noted,
 * it fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct out {
	int fd;
	FILE *stream;     /* of out_stream(), or NULL */
	const char *file; /* NULL: stdout */
	bool pipe;        /* nobody has it until it was read */
	bool wide;        /* as far as it may be */
	bool keeps;       /* nothing is put back when it fails */
	bool large;       /* its buffer, which is not small */
	char *temp;       /* what becomes file, once complete; NULL: written in place */
	int error;        /* errno of the first failure */
	char last;        /* byte written by out_write() */
	size_t held;      /* bytes in its buffer */
	char small[128];
};

/*
 * Whether a new file may take the place of this one: not of a device or a pipe, and not
 * of a symbolic link, which may be /dev/stdout.
 */
bool out_replaces(const char *file);
/*
 * file NULL is stdout. A whole file is made beside its place and put there by
 * out_flush(); else it is written in place. -1, after saying why, when it cannot be
 * made.
 */
int out_open(struct out *out, const char *file, bool whole);
void out_write(struct out *out, const void *data, size_t size);
/* For those who print. It has a buffer of its own: either this, or out_write(). */
FILE *out_stream(struct out *out);
/* All of a descriptor. */
void out_copy(struct out *out, int fd);
/*
 * Hand everything over: to the disk, if it is a file; to the reader, if it is a pipe;
 * else to the kernel. 0, or -1 after saying why.
 */
int out_flush(struct out *out);
/* A whole file that was not flushed is as before. */
void out_close(struct out *out);

#endif
