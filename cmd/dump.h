/* SPDX-License-Identifier: ISC */
#ifndef DUMP_H
#define DUMP_H

/*
 * A queue as text, a JSON object a line: the first says what it is and has the queue's
 * options, each other is a message with all that is known of it. Text that is not UTF-8
 * is base 64, in a field whose name ends so. All functions end the process when memory
 * runs out.
 */

#include <stdio.h>

#include "value.h"

enum { DUMP_VERSION = 1 };

void dump_head(const char *name, const uint8_t uuid[16], const struct value *options,
    size_t n, FILE *out);
/* m has its body, unless that is a file, and failures. As json_message(). */
int dump_message(struct q *q, const struct q_msg *m, FILE *out);

/* The last line: that nothing is missing. */
void dump_end(uint64_t messages, FILE *out);

/* ---- reading it again ---- */

struct json_t;

struct dump_head {
	uint8_t uuid[16];
	struct value option[Q_OPTIONS];
	size_t options;
};

/* NULL, or what is wrong with the line, valid until this thread's next call. */
const char *dump_parse_head(const char *line, size_t n, struct dump_head *head);

/* Whether it is the last line. */
bool dump_is_end(const char *line, size_t n);

enum {
	DUMP_FAILURES = 64,                 /* of a message, at most */
	DUMP_BYTES = 4 * DUMP_FAILURES + 3, /* fields that may be base 64 */
};

/* A message as read; ends by dump_free(). */
struct dumped {
	struct q_msg msg; /* points into what follows */
	struct json_t *document;
	struct q_failure *failures;
	char *headers;
	void *bytes[DUMP_BYTES]; /* decoded ones */
	size_t bytes_count;
};

/* With rest, the line lacks its body, which follows in base 64. */
const char *dump_parse(
    const char *line, size_t n, bool rest, q_time now, struct dumped *out);
void dump_free(struct dumped *d);

#endif
