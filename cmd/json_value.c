/* SPDX-License-Identifier: ISC */
/* Values of JSON fields as ours. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"

#include "json_value.h"

static _Thread_local char error[512];

const char *
json_value_wrong(const char *field, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	snprintf(error, sizeof(error), "%.100s: ", field);
	n = strlen(error);
	va_start(ap, fmt);
	vsnprintf(error + n, sizeof(error) - n, fmt, ap);
	va_end(ap);
	return (error);
}

/* The text of a string without NULs; NULL if it is something else. */
static const char *
text_of(const json_t *value)
{
	const char *s = json_string_value(value);

	return (s != NULL && strlen(s) == json_string_length(value) ? s : NULL);
}

const char *
json_value_int(
    const char *f, const struct json_t *value, int64_t min, int64_t max, int64_t *out)
{
	double n = json_real_value(value);

	if (json_typeof(value) != JSON_REAL)
		return (json_value_wrong(f, "not a number"));
	if (n < (double)min || n > (double)max)
		return (json_value_wrong(f, "%.15g is not between %lld and %lld", n,
		    (long long)min, (long long)max));
	if (n != (double)(int64_t)n)
		return (json_value_wrong(f, "%.15g is not a whole number", n));
	*out = (int64_t)n;
	return (NULL);
}

const char *
json_value_duration(const char *f, const struct json_t *value, q_time *out)
{
	double seconds = json_real_value(value);
	const char *text = text_of(value), *why;

	if (text != NULL) {
		why = parse_duration(text, out);
		return (why != NULL ? json_value_wrong(f, "%s", why) : NULL);
	}
	if (json_typeof(value) != JSON_REAL)
		return (json_value_wrong(
		    f, "not a duration (seconds, or text like \"5m\")"));
	if (seconds < 0)
		return (json_value_wrong(f, "%.15g is negative", seconds));
	if (seconds >= (double)(INT64_MAX / Q_SECOND))
		return (json_value_wrong(f, "%.15g is too long", seconds));
	*out = (q_time)(seconds * (double)Q_SECOND + 0.5);
	return (NULL);
}

const char *
json_value_time(const char *f, const struct json_t *value, q_time now, q_time *out)
{
	const char *text = text_of(value), *why;

	if (text == NULL)
		return (json_value_wrong(
		    f, "not a time (text like \"2026-11-21T18:00:00Z\")"));
	why = parse_time(text, now, out);
	return (why != NULL ? json_value_wrong(f, "%s", why) : NULL);
}
