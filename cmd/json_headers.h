/* SPDX-License-Identifier: ISC */
#ifndef JSON_HEADERS_H
#define JSON_HEADERS_H

/*
 * Headers of a message in its JSON object: "headers" has those whose values are text,
 * "headers_base64" the others, if there are any. Outside, they are a list of
 * NAME=VALUE, each with its NUL. All functions end the process when memory runs out.
 */

#include <stddef.h>

struct json_t;

/* Bytes that are not text, as a string in base 64. */
struct json_t *json_base64(const void *bytes, size_t n);

/* Set the fields from a list of size bytes. */
void json_headers_set(struct json_t *object, const char *headers, size_t size);

/*
 * The list of what the fields say, and of those of the size bytes of defaults whose
 * name is not among them; the caller frees it. It is not stored when the fields say
 * nothing: the defaults hold. NULL, or what is wrong, valid until this thread's next
 * call.
 */
const char *json_headers_get(const struct json_t *object, const char *defaults,
    size_t defaults_size, char **headers, size_t *size);

#endif
