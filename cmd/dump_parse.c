/* SPDX-License-Identifier: ISC */
/* A queue as text: reading. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "diag.h"
#include "json_headers.h"
#include "parse.h"

#include "dump.h"

enum {
	FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
};

static _Thread_local char error[512];

__attribute__((format(printf, 1, 2))) static const char *
wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	return (error);
}

static const char *
parse_object(const char *line, size_t n, json_t **object)
{
	json_error_t e;

	if ((*object = json_loadb(line, n, FLAGS, &e)) == NULL)
		return (wrong("not JSON: %s at column %d", e.text, e.column));
	if (json_typeof(*object) == JSON_OBJECT)
		return (NULL);
	json_decref(*object);
	return (wrong("not a JSON object"));
}

/* ---- values ---- */

/* One that is missing is as it is. */
static const char *
get_number(const json_t *o, const char *name, int64_t min, int64_t max, int64_t *n)
{
	const json_t *value = json_object_get(o, name);
	json_int_t got = json_integer_value(value);

	if (value == NULL)
		return (NULL);
	if (json_typeof(value) != JSON_INTEGER)
		return (wrong("%s: not a whole number", name));
	if (got < min || got > max)
		return (wrong("%s: %lld is not between %lld and %lld", name,
		    (long long)got, (long long)min, (long long)max));
	*n = got;
	return (NULL);
}

static const char *
get_u32(const json_t *o, const char *name, uint32_t *out)
{
	int64_t n = 0;
	const char *why = get_number(o, name, 0, UINT32_MAX, &n);

	*out = (uint32_t)n;
	return (why);
}

static const char *
get_time(const json_t *o, const char *name, q_time now, q_time *when)
{
	const json_t *value = json_object_get(o, name);
	const char *why;

	if (value == NULL)
		return (NULL);
	if (json_typeof(value) != JSON_STRING)
		return (wrong("%s: not a time", name));
	why = parse_time(json_string_value(value), now, when);
	return (why == NULL ? NULL : wrong("%s: %s", name, why));
}

static const char *
decode(struct dumped *d, const char *name, const json_t *value, const void **bytes,
    size_t *n)
{
	size_t size = json_string_length(value);
	char *p = malloc(size + 1);

	if (p == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	d->bytes[d->bytes_count++] = p;
	if (!base64_decode(json_string_value(value), size, (uint8_t *)p, n))
		return (wrong("%s: not base 64", name));
	p[*n] = '\0';
	*bytes = p;
	return (NULL);
}

/* "name", or "name_base64"; NULL if it has neither. */
static const char *
get_bytes(
    struct dumped *d, const json_t *o, const char *name, const void **bytes, size_t *n)
{
	const json_t *text = json_object_get(o, name), *value;
	char other[64];

	(void)snprintf(other, sizeof(other), "%s_base64", name);
	value = json_object_get(o, other);
	if (text != NULL && value != NULL)
		return (wrong("%s and %s exclude each other", name, other));
	if ((text != NULL && json_typeof(text) != JSON_STRING) ||
	    (value != NULL && json_typeof(value) != JSON_STRING))
		return (wrong("%s: not a string", name));
	if (value != NULL)
		return (decode(d, other, value, bytes, n));
	*bytes = json_string_value(text);
	*n = json_string_length(text);
	return (NULL);
}

/* The same without a NUL, and no longer than that. */
static const char *
get_text(
    struct dumped *d, const json_t *o, const char *name, size_t most, const char **text)
{
	const void *bytes = NULL;
	size_t n = 0;
	const char *why = get_bytes(d, o, name, &bytes, &n);

	if (why == NULL && n > 0 && (n > most || memchr(bytes, '\0', n) != NULL))
		why = wrong("%s: not at most %zu bytes without NUL", name, most);
	*text = bytes;
	return (why);
}

/* ---- messages ---- */

static const char *
get_how(const json_t *o, enum q_how *how)
{
	const char *name = json_string_value(json_object_get(o, "how"));

	for (int i = 0; i < Q_HOWS && name != NULL; i++)
		if (strcmp(name, q_how_name((enum q_how)i)) == 0) {
			*how = (enum q_how)i;
			return (NULL);
		}
	return (wrong("how: none that there is"));
}

static const char *
get_report(struct dumped *d, const json_t *o, struct q_report *r)
{
	const void *output = NULL, *command = NULL;
	int64_t status = 0, memory = 0;
	const char *why;

	if ((why = get_how(o, &r->how)) != NULL ||
	    (why = get_number(o, "status", 0, UINT16_MAX, &status)) != NULL ||
	    (why = get_number(o, "took_ns", 0, INT64_MAX, &r->took)) != NULL ||
	    (why = get_number(o, "cpu_ns", 0, INT64_MAX, &r->cpu)) != NULL ||
	    (why = get_number(o, "peak_memory", 0, INT64_MAX, &memory)) != NULL ||
	    (why = get_text(d, o, "host", 255, &r->host)) != NULL ||
	    (why = get_bytes(d, o, "stderr", &output, &r->output_size)) != NULL ||
	    (why = get_bytes(d, o, "command", &command, &r->command_size)) != NULL)
		return (why);
	r->status = (int)status;
	r->memory = (uint64_t)memory;
	r->output = output;
	r->command = command;
	return (NULL);
}

static const char *
get_failure(struct dumped *d, const json_t *o, q_time now, struct q_failure *f)
{
	uint32_t pid = 0;
	const char *why;

	if ((why = get_u32(o, "delivery", &f->delivery)) != NULL ||
	    (why = get_u32(o, "pid", &pid)) != NULL ||
	    (why = get_time(o, "when", now, &f->when)) != NULL ||
	    (why = get_text(d, o, "reason", Q_MAX_REASON, &f->reason)) != NULL ||
	    (why = get_report(d, o, &f->report)) != NULL)
		return (why);
	f->pid = (pid_t)pid;
	if (f->reason == NULL)
		f->reason = "";
	return (NULL);
}

static const char *
get_failures(struct dumped *d, const json_t *o, q_time now)
{
	const json_t *list = json_object_get(o, "failures");
	size_t n = json_array_size(list);
	const char *why;

	if (list != NULL && json_typeof(list) != JSON_ARRAY)
		return (wrong("failures: not a list"));
	if (n > DUMP_FAILURES)
		return (wrong("failures: more than %d", DUMP_FAILURES));
	if ((d->failures = calloc(n + 1, sizeof(*d->failures))) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < n; i++)
		if ((why = get_failure(
			 d, json_array_get(list, i), now, &d->failures[i])) != NULL)
			return (wrong("failure %zu: %s", i + 1, strdupa(why)));
	d->msg.failures = d->failures;
	d->msg.failure_count = n;
	return (NULL);
}

static const char *
get_state(const json_t *o, struct q_msg *m)
{
	const char *name = json_string_value(json_object_get(o, "state"));
	int64_t id = 0, priority = 0;
	const char *why;

	if (name == NULL || (m->state = q_state_of(name)) == 0)
		return (wrong("state: none that there is"));
	if ((why = get_number(o, "id", 0, INT64_MAX - 1, &id)) != NULL ||
	    (why = get_number(
		 o, "priority", Q_MIN_PRIORITY, Q_MAX_PRIORITY, &priority)) != NULL ||
	    (why = get_u32(o, "attempt", &m->attempt)) != NULL ||
	    (why = get_u32(o, "delivery", &m->delivery)) != NULL ||
	    (why = get_u32(o, "max_attempts", &m->max_attempts)) != NULL ||
	    (why = get_u32(o, "uid", &m->uid)) != NULL)
		return (why);
	if (id == 0)
		return (wrong("id: there is none"));
	m->id = (uint64_t)id;
	m->priority = (int)priority;
	m->own_attempts = m->max_attempts != 0;
	m->result = json_is_true(json_object_get(o, "result"));
	m->passed = json_is_true(json_object_get(o, "passed"));
	return (NULL);
}

static const char *
get_times(const json_t *o, q_time now, struct q_msg *m)
{
	uint32_t pid = 0;
	const char *why = get_u32(o, "pid", &pid);

	if (why != NULL || (why = get_time(o, "pushed", now, &m->pushed)) != NULL ||
	    (why = get_time(o, "changed", now, &m->changed)) != NULL ||
	    (why = get_time(o, "due", now, &m->due)) != NULL)
		return (why);
	m->pid = (pid_t)pid;
	return (get_time(o, "expires", now, &m->expires));
}

static const char *
get_message(struct dumped *d, bool rest, q_time now)
{
	struct q_msg *m = &d->msg;
	const json_t *o = d->document;
	const char *why;

	if ((why = get_state(o, m)) != NULL || (why = get_times(o, now, m)) != NULL ||
	    (why = get_text(d, o, "key", Q_MAX_KEY, &m->key)) != NULL ||
	    (why = get_text(d, o, "group", Q_MAX_KEY, &m->group)) != NULL ||
	    (why = get_failures(d, o, now)) != NULL ||
	    (why = get_bytes(d, o, "body", &m->body, &m->body_size)) != NULL ||
	    (why = json_headers_get(o, NULL, 0, &d->headers, &m->headers_size)) != NULL)
		return (why);
	m->headers = d->headers;
	m->size = m->body_size;
	if ((m->body == NULL) != rest)
		return (wrong("body: there is none"));
	return (NULL);
}

const char *
dump_parse(const char *line, size_t n, bool rest, q_time now, struct dumped *out)
{
	struct dumped d = { .document = NULL };
	const char *why = parse_object(line, n, &d.document);

	if (why != NULL)
		return (why);
	if ((why = get_message(&d, rest, now)) != NULL)
		dump_free(&d);
	else
		*out = d;
	return (why);
}

void
dump_free(struct dumped *d)
{
	for (size_t i = 0; i < d->bytes_count; i++)
		free(d->bytes[i]);
	json_decref(d->document);
	free(d->failures);
	free(d->headers);
	*d = (struct dumped){ .document = NULL };
}

/* ---- the head ---- */

static const char *
get_options(const json_t *o, struct dump_head *head)
{
	const char *name, *why;
	const json_t *value;

	if (o != NULL && json_typeof(o) != JSON_OBJECT)
		return (wrong("options: not an object"));
	json_object_foreach((json_t *)o, name, value)
	{
		struct value option;
		char setting[256];

		(void)snprintf(setting, sizeof(setting), "%s=%s", name,
		    json_is_string(value) ? json_string_value(value) : "");
		if ((why = value_parse(setting, &option)) != NULL)
			return (wrong("options: %s", strdupa(why)));
		/* Each has one name; what is too long is cut off, though. */
		if (head->options == Q_OPTIONS)
			return (wrong("options: too many"));
		head->option[head->options++] = option;
	}
	return (NULL);
}

static const char *
get_head(const json_t *o, struct dump_head *head)
{
	const char *uuid = json_string_value(json_object_get(o, "uuid"));
	json_int_t version = json_integer_value(json_object_get(o, "qutils_dump"));

	if (version == 0)
		return (wrong("not the beginning of what 'qctl dump' writes"));
	if (version != DUMP_VERSION)
		return (wrong("version %lld of dumps is not known; upgrade qutils",
		    (long long)version));
	if (uuid == NULL || strlen(uuid) != 32 ||
	    strspn(uuid, "0123456789abcdef") != 32)
		return (wrong("uuid: not 32 hexadecimal digits"));
	for (size_t i = 0; i < 16; i++) {
		const char digits[3] = { uuid[2 * i], uuid[2 * i + 1] };

		head->uuid[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return (get_options(json_object_get(o, "options"), head));
}

const char *
dump_parse_head(const char *line, size_t n, struct dump_head *head)
{
	struct dump_head h = { .options = 0 };
	json_t *o = NULL;
	const char *why = parse_object(line, n, &o);

	if (why != NULL)
		return (why);
	if ((why = get_head(o, &h)) == NULL)
		*head = h;
	json_decref(o);
	return (why);
}

bool
dump_is_end(const char *line, size_t n)
{
	json_t *o = NULL;
	bool is;

	/* The first field of every message is another. */
	if (n < 8 || memcmp(line, "{\"end\":", 7) != 0 ||
	    parse_object(line, n, &o) != NULL)
		return (false);
	is = json_is_true(json_object_get(o, "end"));
	json_decref(o);
	return (is);
}
