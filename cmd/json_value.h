/* SPDX-License-Identifier: ISC */
#ifndef JSON_VALUE_H
#define JSON_VALUE_H

/*
 * Values of JSON fields as ours. Numbers must have been decoded as reals, so that one
 * out of range can be named. Each function returns NULL and stores the value, or
 * returns what is wrong with field, as "priority: 300 is not between -100 and 100", and
 * stores nothing. That text is valid until this thread's next call.
 */

#include "q.h"

struct json_t;

const char *json_value_int(const char *field, const struct json_t *value, int64_t min,
    int64_t max, int64_t *n);
/* Seconds, or a text such as "5m". */
const char *json_value_duration(
    const char *field, const struct json_t *value, q_time *duration);
const char *json_value_time(
    const char *field, const struct json_t *value, q_time now, q_time *when);

/* Such a text: "field: " and the rest. */
__attribute__((format(printf, 2, 3))) const char *json_value_wrong(
    const char *field, const char *fmt, ...);

#endif
