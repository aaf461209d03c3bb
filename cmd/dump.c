/* SPDX-License-Identifier: ISC */
/* A queue as text: writing. */
#include <jansson.h>
#include <string.h>

#include "json.h"
#include "json_headers.h"
#include "text.h"

#include "dump.h"

static json_t *
uuid_text(const uint8_t uuid[16])
{
	char text[33], *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, "%02x", uuid[i]);
	return (json_string(text));
}

void
dump_head(const char *name, const uint8_t uuid[16], const struct value *options,
    size_t n, FILE *out)
{
	json_t *o = json_object(), *set = json_object();
	char text[VALUE_TEXT];

	json_set(o, "qutils_dump", json_integer(DUMP_VERSION));
	json_set(o, "queue", json_text(name));
	json_set(o, "uuid", uuid_text(uuid));
	for (size_t i = 0; i < n; i++)
		json_set(set, q_option_info(options[i].option)->name,
		    json_string(value_format(text, &options[i])));
	json_set(o, "options", set);
	json_line(o, out);
}

static void
set_number(json_t *o, const char *name, uint64_t n)
{
	json_set(o, name, json_integer((json_int_t)n));
}

static void
set_time(json_t *o, const char *name, q_time when)
{
	char text[TEXT_TIME];

	if (when != 0)
		json_set(o, name, json_string(text_time(text, when)));
}

/* "name", or "name_base64". */
static void
set_bytes(json_t *o, const char *name, const void *bytes, size_t n)
{
	json_t *text = json_stringn(bytes, n);
	char other[64];

	(void)snprintf(other, sizeof(other), "%s_base64", name);
	if (text != NULL)
		json_set(o, name, text);
	else
		json_set(o, other, json_base64(bytes, n));
}

static void
set_text(json_t *o, const char *name, const char *text)
{
	if (text != NULL)
		set_bytes(o, name, text, strlen(text));
}

static json_t *
failure(const struct q_failure *f)
{
	const struct q_report *r = &f->report;
	json_t *o = json_object();

	set_number(o, "delivery", f->delivery);
	set_time(o, "when", f->when);
	set_number(o, "pid", (uint64_t)f->pid);
	set_text(o, "reason", f->reason);
	json_set(o, "how", json_string(q_how_name(r->how)));
	set_number(o, "status", (uint64_t)r->status);
	set_number(o, "took_ns", (uint64_t)r->took);
	set_number(o, "cpu_ns", (uint64_t)r->cpu);
	set_number(o, "peak_memory", r->memory);
	set_text(o, "host", r->host);
	set_bytes(o, "stderr", r->output, r->output_size);
	if (r->command_size > 0)
		set_bytes(o, "command", r->command, r->command_size);
	return (o);
}

static void
set_failures(json_t *o, const struct q_msg *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->failure_count; i++)
		(void)json_array_append_new(list, failure(&m->failures[i]));
	json_set(o, "failures", list);
}

int
dump_message(struct q *q, const struct q_msg *m, FILE *out)
{
	json_t *o = json_object();
	int rc = 0;

	set_number(o, "id", m->id);
	json_set(o, "state", json_string(q_state_name(m->state)));
	set_number(o, "attempt", m->attempt);
	set_number(o, "delivery", m->delivery);
	if (m->own_attempts)
		set_number(o, "max_attempts", m->max_attempts);
	json_set(o, "priority", json_integer(m->priority));
	set_text(o, "key", m->key);
	set_text(o, "group", m->group);
	json_headers_set(o, m->headers, m->headers_size);
	set_time(o, "pushed", m->pushed);
	set_time(o, "changed", m->changed);
	if (m->state == Q_DELAYED || m->state == Q_BLOCKED)
		set_time(o, "due", m->due);
	set_time(o, "expires", m->expires);
	set_number(o, "uid", m->uid);
	set_number(o, "pid", (uint64_t)m->pid);
	if (m->result)
		json_set(o, "result", json_true());
	if (m->passed)
		json_set(o, "passed", json_true());
	set_failures(o, m);
	if (m->blob) {
		rc = json_blob(q, m, o, out);
		json_decref(o);
		return (rc);
	}
	set_bytes(o, "body", m->body, m->body_size);
	json_line(o, out);
	return (rc);
}

void
dump_end(uint64_t messages, FILE *out)
{
	json_t *o = json_object();

	json_set(o, "end", json_true());
	set_number(o, "messages", messages);
	json_line(o, out);
}
