/* SPDX-License-Identifier: ISC */
#ifndef JSON_H
#define JSON_H

/*
 * Messages as JSON: one object, one line. What json_message() prints, json_parse()
 * reads again. All end the process when memory runs out.
 */

#include <stddef.h>
#include <stdio.h>

#include "q.h"

struct json_t;

enum json_what {
	JSON_BODY = 1 << 0,    /* the body; m must have been read whole, or be a blob */
	JSON_RECEIPT = 1 << 1, /* the receipt, which entitles its reader to settle */
	JSON_FAILURES = 1 << 2, /* the failures, even if there are none */
};

/*
 * Print m of q as a line with what else is asked for; q is needed for blobs only, which
 * are copied in constant memory. 0, or the code of q_msg_open(), and nothing is printed
 * then. Errors of out stay in the stream, for diag_close_stdout().
 */
int json_message(struct q *q, const struct q_msg *m, unsigned what, FILE *out);

/* Print an object with the body of m, a blob, as its last member, in constant memory.
 */
int json_blob(struct q *q, const struct q_msg *m, struct json_t *object, FILE *out);

/* Print an object with what is read from fd as its last member, likewise. */
void json_file(int fd, const char *field, struct json_t *object, FILE *out);

/* A message as read. Begins as { 0 }, may be used again, and ends by json_push_free().
 */
struct json_push {
	struct q_push push; /* points into what follows */
	struct json_t *document;
	char *body;
	char *headers;
};

/*
 * Read one message from the n bytes of a line. out->push says, before the call, what
 * holds for fields that are absent; headers are added to those given there, and take
 * the place of those of the same name. NULL, or what is wrong, as "not JSON: expected
 * ':' at column 9", valid until this thread's next call; out->push is as before then.
 */
const char *json_parse(const char *line, size_t n, q_time now, struct json_push *out);

/* Free what out owns, not out. The push must not be used after it. NULL is fine. */
void json_push_free(struct json_push *out);

/* The receipt of the object on a line of n bytes, for free(); NULL: it has none. */
char *json_receipt(const char *line, size_t n);

/* Set a field of an object; the value is the object's from now on. */
void json_set(struct json_t *object, const char *name, struct json_t *value);
/* A number; null for one that is not finite; a time, null for 0. */
void json_set_count(struct json_t *object, const char *name, uint64_t n);
void json_set_real(struct json_t *object, const char *name, double value);
void json_set_time(struct json_t *object, const char *name, q_time when);
/* A new string for people: what is not UTF-8 in the text is made visible. */
struct json_t *json_text(const char *text);
/* Print any value as a line of compact JSON and free it. */
void json_line(struct json_t *value, FILE *out);

#endif
