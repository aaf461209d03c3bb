/* SPDX-License-Identifier: ISC */
#ifndef FIELD_H
#define FIELD_H

/*
 * Structs as bytes, by tables of their fields: a word with a bit for each field that is
 * not zero, and then these. A field without a row is lost on the way, so a table is
 * followed by FIELD_SIZE, which fails when the struct grows. What is read points into
 * the bytes, which are untrusted: a reader that met nonsense is bad, as in bytes.h.
 */

#include "bytes.h"

enum field_kind {
	FIELD_INTEGER, /* of 4 or 8 bytes */
	FIELD_TRUTH,
	FIELD_BYTES, /* a pointer, and a size_t elsewhere */
	FIELD_TEXT,  /* a string, or NULL */
};

struct field {
	enum field_kind kind;
	size_t at, size; /* size: of an integer; where the size of bytes is */
};

/* clang-format off */
#define FIELD_NUMBER(type, name) \
	{ FIELD_INTEGER, offsetof(type, name), sizeof(((type *)0)->name) }
#define FIELD_FLAG(type, name) \
	{ FIELD_TRUTH, offsetof(type, name), 0 }
#define FIELD_STRING(type, name) \
	{ FIELD_TEXT, offsetof(type, name), 0 }
#define FIELD_SPAN(type, name, size) \
	{ FIELD_BYTES, offsetof(type, name), offsetof(type, size) }
/* clang-format on */

#define FIELD_COUNT(table) (sizeof(table) / sizeof((table)[0]))
/* Where pointers have 8 bytes. */
#define FIELD_SIZE(type, bytes) \
	_Static_assert(sizeof(void *) != 8 || sizeof(type) == (bytes), \
	    #type " has a field without a row")

struct writer {
	uint8_t *p, *end;
	bool bad; /* it does not fit */
};

void write_8(struct writer *w, uint8_t v);
void write_32(struct writer *w, uint32_t v);
void write_64(struct writer *w, uint64_t v);
void write_text(struct writer *w, const char *text);
void write_fields(
    struct writer *w, const struct field *fields, size_t n, const void *object);

/* A string, in place; NULL if it is none. */
const char *read_text(struct reader *r);
/* Into an object that is all zero. */
void read_fields(struct reader *r, const struct field *fields, size_t n, void *object);

#endif
