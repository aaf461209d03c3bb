/* SPDX-License-Identifier: ISC */
/* Messages from JSON, one object a line. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "diag.h"
#include "json_headers.h"
#include "json_value.h"

#include "json.h"

enum {
	/* Every number comes as a double, so that one out of range can be named. */
	FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY |
	        JSON_DECODE_INT_AS_REAL,
};

/* What is known while the fields of a message are read. */
struct reading {
	q_time now;
	struct q_push push;
	char *body; /* owned; the push points to it */
};

struct field {
	const char *name;
	/* NULL: only informs. Returns what is wrong, or NULL. */
	const char *(*read)(struct reading *, const char *, const json_t *);
};

static _Thread_local char error[512];

static const char *
read_body(struct reading *r, const char *f, const json_t *value)
{
	if (json_typeof(value) != JSON_STRING)
		return (json_value_wrong(f, "not a string"));
	r->push.body = json_string_value(value);
	r->push.size = json_string_length(value);
	r->push.blob = NULL;
	return (NULL);
}

static const char *
read_body_base64(struct reading *r, const char *f, const json_t *value)
{
	size_t n = json_string_length(value);

	if (json_typeof(value) != JSON_STRING)
		return (json_value_wrong(f, "not a string"));
	if ((r->body = malloc(n + 1)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	r->push.body = r->body;
	r->push.blob = NULL;
	if (!base64_decode(
		json_string_value(value), n, (uint8_t *)r->body, &r->push.size))
		return (json_value_wrong(f, "not base 64"));
	return (NULL);
}

static const char *
read_priority(struct reading *r, const char *f, const json_t *value)
{
	int64_t n = 0;
	const char *why = json_value_int(f, value, Q_MIN_PRIORITY, Q_MAX_PRIORITY, &n);

	r->push.priority = (int)n;
	return (why);
}

static const char *
read_name(const char *f, const json_t *value, const char **name)
{
	size_t n = json_string_length(value);

	if (json_typeof(value) != JSON_STRING)
		return (json_value_wrong(f, "not a string"));
	if (n == 0 || n > Q_MAX_KEY || strlen(json_string_value(value)) != n)
		return (
		    json_value_wrong(f, "not 1 to %d bytes without NUL", Q_MAX_KEY));
	*name = json_string_value(value);
	return (NULL);
}

static const char *
read_key(struct reading *r, const char *f, const json_t *value)
{
	return (read_name(f, value, &r->push.key));
}

static const char *
read_group(struct reading *r, const char *f, const json_t *value)
{
	return (read_name(f, value, &r->push.group));
}

static const char *
read_max_attempts(struct reading *r, const char *f, const json_t *value)
{
	const struct q_option_info *o = q_option_info(Q_OPT_MAX_ATTEMPTS);
	int64_t n = 0;
	const char *why =
	    json_value_int(f, value, (int64_t)o->min, (int64_t)o->max, &n);

	r->push.max_attempts = (uint32_t)n;
	return (why);
}

static const char *
read_delay(struct reading *r, const char *f, const json_t *value)
{
	r->push.due = 0;
	return (json_value_duration(f, value, &r->push.delay));
}

static const char *
read_due(struct reading *r, const char *f, const json_t *value)
{
	r->push.delay = 0;
	return (json_value_time(f, value, r->now, &r->push.due));
}

static const char *
read_ttl(struct reading *r, const char *f, const json_t *value)
{
	const char *why = json_value_duration(f, value, &r->push.ttl);

	if (why == NULL && r->push.ttl == 0)
		return (json_value_wrong(f, "a message that lives for 0 s is none"));
	return (why);
}

static const char *
read_expires(struct reading *r, const char *f, const json_t *value)
{
	q_time expires;
	const char *why = json_value_time(f, value, r->now, &expires);

	if (why != NULL)
		return (why);
	if (expires <= r->now)
		return (
		    json_value_wrong(f, "%s is in the past", json_string_value(value)));
	r->push.ttl = expires - r->now;
	return (NULL);
}

/* The fields of a message. Two of them together, see json_headers_get(). */
static const struct field fields[] = {
	{ "id", NULL },
	{ "state", NULL },
	{ "moving", NULL },
	{ "attempt", NULL },
	{ "delivery", NULL },
	{ "max_attempts", read_max_attempts },
	{ "priority", read_priority },
	{ "key", read_key },
	{ "group", read_group },
	{ "headers", NULL },
	{ "headers_base64", NULL },
	{ "pushed", NULL },
	{ "due", read_due },
	{ "delay", read_delay },
	{ "expires", read_expires },
	{ "ttl", read_ttl },
	{ "changed", NULL },
	{ "receipt", NULL },
	{ "size", NULL },
	{ "uid", NULL },
	{ "pid", NULL },
	{ "failures", NULL },
	{ "body", read_body },
	{ "body_base64", read_body_base64 },
};

static const char *
read_field(struct reading *r, const char *name, const json_t *value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		if (strcmp(f->name, name) == 0)
			return (f->read != NULL ? f->read(r, name, value) : NULL);
	}
	snprintf(error, sizeof(error), "unknown field '%.100s'", name);
	return (error);
}

/* Pairs of which one may be said, and of the first one must. */
static const char *
check_pairs(const json_t *document)
{
	static const char *const pairs[][2] = {
		{ "body", "body_base64" },
		{ "delay", "due" },
		{ "ttl", "expires" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *const *pair = pairs[i];
		bool first = json_object_get(document, pair[0]) != NULL;
		bool second = json_object_get(document, pair[1]) != NULL;

		if (first && second) {
			snprintf(error, sizeof(error), "%s and %s exclude each other",
			    pair[0], pair[1]);
			return (error);
		}
		if (i == 0 && !first && !second)
			return ("neither body nor body_base64");
	}
	return (NULL);
}

/* What is null is not said: so jq has it of what is not there. */
static void
drop_nulls(json_t *document)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (json_is_null(json_object_get(document, fields[i].name)))
			(void)json_object_del(document, fields[i].name);
}

static bool
is_one_of(const json_t *value, const char *one, const char *other)
{
	const char *text = json_string_value(value); /* NULL: it is no string */

	return (text != NULL && (strcmp(text, one) == 0 || strcmp(text, other) == 0));
}

static const char *
read_document(struct reading *r, json_t *document)
{
	const json_t *state;
	const char *name, *why;
	json_t *value;

	if (json_typeof(document) != JSON_OBJECT)
		return ("not a JSON object");
	drop_nulls(document);
	state = json_object_get(document, "state");
	/* Of other messages it is the end of a lease that is over for us. */
	if (state != NULL && !is_one_of(state, "delayed", "blocked"))
		(void)json_object_del(document, "due");
	if ((why = check_pairs(document)) != NULL)
		return (why);
	json_object_foreach(document, name, value)
	{
		if ((why = read_field(r, name, value)) != NULL)
			return (why);
	}
	return (NULL);
}

static bool
is_blank(const char *line, size_t n)
{
	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL && line[n - 1] != '\0')
		n--;
	return (n == 0);
}

/* What jansson says, "':' expected near '1'", our way. */
static const char *
syntax(const json_error_t *e)
{
	static const char expected[] = " expected";
	const char *near = strstr(e->text, " near ");
	size_t n = near != NULL ? (size_t)(near - e->text) : strlen(e->text);
	size_t tail = sizeof(expected) - 1;

	if (json_error_code(e) == json_error_duplicate_key)
		n = strlen(e->text); /* which one is behind the "near" */
	if (json_error_code(e) == json_error_end_of_input_expected)
		snprintf(error, sizeof(error),
		    "not JSON: expected its end at column %d", e->column);
	else if (n > tail && strncmp(e->text + n - tail, expected, tail) == 0)
		snprintf(error, sizeof(error), "not JSON: expected %.*s at column %d",
		    (int)(n - tail), e->text, e->column);
	else
		snprintf(error, sizeof(error), "not JSON: %.*s at column %d", (int)n,
		    e->text, e->column);
	return (error);
}

const char *
json_parse(const char *line, size_t n, q_time now, struct json_push *out)
{
	struct reading r = { .now = now, .push = out->push };
	json_error_t e;
	json_t *document = json_loadb(line, n, FLAGS, &e);
	char *headers = NULL;
	const char *why;

	if (document == NULL)
		return (is_blank(line, n) ? "not JSON: the line is empty" : syntax(&e));
	if ((why = read_document(&r, document)) == NULL)
		why = json_headers_get(document, out->push.headers,
		    out->push.headers_size, &headers, &r.push.headers_size);
	if (why != NULL) {
		free(r.body);
		json_decref(document);
		return (why);
	}
	if (headers != NULL)
		r.push.headers = headers;
	json_push_free(out);
	*out = (struct json_push){ r.push, document, r.body, headers };
	return (NULL);
}

char *
json_receipt(const char *line, size_t n)
{
	json_t *document = json_loadb(line, n, FLAGS, NULL);
	const char *text = json_string_value(json_object_get(document, "receipt"));
	char *copy = text != NULL ? strdup(text) : NULL;

	json_decref(document);
	return (copy);
}

void
json_push_free(struct json_push *out)
{
	if (out == NULL)
		return;
	json_decref(out->document);
	free(out->body);
	free(out->headers);
	*out = (struct json_push){ 0 };
}
