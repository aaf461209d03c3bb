/* SPDX-License-Identifier: ISC */
#ifndef VALUE_H
#define VALUE_H

/* Options of a queue and their values, as people write them. */

#include "q.h"

enum { VALUE_TEXT = 32 }; /* bytes that are enough for any value, with the NUL */

/* An option and what it shall be. */
struct value {
	enum q_option option;
	uint64_t value;
};

/*
 * The option of that name, or a setting as "max-body=10M". NULL, or what is wrong,
 * valid until this thread's next call.
 */
const char *value_option(const char *name, enum q_option *option);
const char *value_parse(const char *setting, struct value *value);

/* Exactly this value, as value_parse() reads it. Returns buf. */
const char *value_format(char buf[VALUE_TEXT], const struct value *value);

#endif
