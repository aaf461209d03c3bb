/* SPDX-License-Identifier: ISC */
/* Messages as JSON, one object a line. */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "diag.h"
#include "json_headers.h"
#include "text.h"

#include "json.h"

enum {
	STYLE = JSON_COMPACT | JSON_REAL_PRECISION(15),
	PIECE = 3 * 16384, /* of a blob; what is encoded by itself is a multiple of 3 */
};

static _Noreturn void
no_memory(void)
{
	diag_die(DIAG_FAILED, NULL, "out of memory");
}

static void *
allocate(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		no_memory();
	return (p);
}

/* Jansson calls some of its failures to allocate syntax errors, and passes over others:
 * a key is then missing in what it prints. So it never learns of one, and what it makes
 * of valid values is never NULL. */
__attribute__((constructor)) static void
set_allocator(void)
{
	json_set_alloc_funcs(allocate, free);
}

void
json_set(json_t *object, const char *name, json_t *value)
{
	assert(value != NULL);
	(void)json_object_set_new(object, name, value);
}

void
json_set_count(json_t *object, const char *name, uint64_t n)
{
	json_set(object, name, json_integer((json_int_t)n));
}

void
json_set_real(json_t *object, const char *name, double value)
{
	json_set(object, name, isfinite(value) ? json_real(value) : json_null());
}

void
json_set_time(json_t *object, const char *name, q_time when)
{
	char text[TEXT_TIME];

	json_set(
	    object, name, when == 0 ? json_null() : json_string(text_time(text, when)));
}

static json_t *
text_of(const char *text, size_t n)
{
	json_t *value = json_stringn(text, n);
	size_t room = 4 * n + 16; /* "\xHH" is four for one */
	char *shown;

	if (value != NULL)
		return (value);
	if ((shown = malloc(room)) == NULL)
		no_memory();
	(void)text_escape(shown, room, text, n);
	value = json_string(shown);
	free(shown);
	return (value);
}

json_t *
json_text(const char *text)
{
	return (text_of(text, strlen(text)));
}

/* Its words, without what stood for the body. */
static void
set_command(json_t *object, const struct q_report *r)
{
	const char *p = r->command, *end = p + r->command_size;
	json_t *words = json_array();

	if (r->command_size == 0 || end[-1] != '\0') {
		json_decref(words);
		return;
	}
	json_set(object, "command", words);
	for (p += strlen(p) + 1; p < end; p += strlen(p) + 1)
		(void)json_array_append_new(words, json_text(p));
}

/* What is known of the command, if it was one. Durations are seconds. */
static void
set_report(json_t *object, const struct q_report *r)
{
	json_set(object, "how", json_string(q_how_name(r->how)));
	if (r->how == Q_HOW_EXITED)
		json_set_count(object, "exit_status", (uint64_t)r->status);
	if (r->how == Q_HOW_KILLED)
		json_set_count(object, "signal", (uint64_t)r->status);
	if (r->how == Q_HOW_SAID || r->took == 0)
		return;
	json_set(object, "took_seconds", json_real((double)r->took / 1e9));
	json_set(object, "cpu_seconds", json_real((double)r->cpu / 1e9));
	json_set_count(object, "peak_memory", r->memory);
	json_set(object, "host", json_text(r->host));
	json_set(object, "stderr", text_of(r->output, r->output_size));
	set_command(object, r);
}

static void
set_failures(json_t *object, const struct q_msg *m)
{
	json_t *list = json_array();

	json_set(object, "failures", list);
	for (size_t i = 0; i < m->failure_count; i++) {
		const struct q_failure *f = &m->failures[i];
		json_t *one = json_object();

		(void)json_array_append_new(list, one);
		json_set_count(one, "delivery", f->delivery);
		json_set_time(one, "when", f->when);
		json_set(one, "reason", json_text(f->reason));
		json_set_count(one, "pid", (uint64_t)f->pid);
		set_report(one, &f->report);
	}
}

static void
set_receipt(json_t *object, const struct q_msg *m)
{
	char text[Q_MAX_RECEIPT];

	if (m->receipt.id == 0)
		return;
	q_receipt_format(&m->receipt, text);
	json_set(object, "receipt", json_string(text));
}

static void
set_times(json_t *object, const struct q_msg *m)
{
	json_set_time(object, "pushed", m->pushed);
	if (m->state == Q_DELAYED || (m->state == Q_BLOCKED && m->due != 0) ||
	    (m->state == Q_LEASED && m->due != Q_FOREVER))
		json_set_time(object, "due", m->due);
	if (m->expires != 0)
		json_set_time(object, "expires", m->expires);
	json_set_time(object, "changed", m->changed);
}

/* Everything but the body. Of a damaged message no more is known than its state. */
static json_t *
describe(const struct q_msg *m, unsigned what)
{
	json_t *object = json_object();

	json_set_count(object, "id", m->id);
	json_set(object, "state", json_string(q_state_name(m->state)));
	if (m->moving)
		json_set(object, "moving", json_true());
	if (m->damaged) {
		json_set(object, "damaged", json_true());
		return (object);
	}
	json_set_count(object, "attempt", m->attempt);
	json_set_count(object, "delivery", m->delivery);
	json_set_count(object, "max_attempts", m->max_attempts);
	json_set(object, "priority", json_integer(m->priority));
	if (m->key != NULL)
		json_set(object, "key", json_text(m->key));
	if (m->group != NULL)
		json_set(object, "group", json_text(m->group));
	json_headers_set(object, m->headers, m->headers_size);
	set_times(object, m);
	if (what & JSON_RECEIPT)
		set_receipt(object, m);
	json_set_count(object, "size", m->size);
	json_set_count(object, "uid", m->uid);
	if (m->state == Q_LEASED)
		json_set_count(object, "pid", (uint64_t)m->pid);
	if (what & JSON_FAILURES)
		set_failures(object, m);
	return (object);
}

/* As many of size bytes as there are until the end. */
static size_t
read_piece(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			diag_die(DIAG_FAILED, NULL, "the file of a body: %s",
			    strerror(errno));
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (n);
}

void
json_file(int fd, const char *field, json_t *object, FILE *out)
{
	char bytes[PIECE], text[BASE64_SIZE(PIECE)], *line = json_dumps(object, STYLE);
	size_t n;

	(void)fwrite(line, 1, strlen(line) - 1, out); /* without its brace */
	(void)fprintf(out, ",\"%s\":\"", field);
	free(line);
	while (!ferror(out) && (n = read_piece(fd, bytes, sizeof(bytes))) > 0) {
		n = base64_encode(bytes, n, text);
		(void)fwrite(text, 1, n, out);
	}
	(void)fputs("\"}\n", out);
}

int
json_blob(struct q *q, const struct q_msg *m, json_t *object, FILE *out)
{
	int fd, rc;

	if ((rc = q_msg_open(q, m, &fd)) != 0)
		return (rc);
	json_file(fd, "body_base64", object, out);
	(void)close(fd); /* it was only read */
	return (0);
}

int
json_message(struct q *q, const struct q_msg *m, unsigned what, FILE *out)
{
	json_t *object = describe(m, what), *body;
	int rc;

	if (what & JSON_BODY && m->blob && !m->damaged) {
		rc = json_blob(q, m, object, out);
		json_decref(object);
		return (rc);
	}
	if (what & JSON_BODY && m->body != NULL && !m->damaged) {
		if ((body = json_stringn(m->body, m->body_size)) != NULL)
			json_set(object, "body", body);
		else
			json_set(
			    object, "body_base64", json_base64(m->body, m->body_size));
	}
	json_line(object, out);
	return (0);
}

static int
put_piece(const char *data, size_t size, void *out)
{
	return (fwrite_unlocked(data, 1, size, out) == size ? 0 : -1);
}

void
json_line(json_t *value, FILE *out)
{
	(void)json_dump_callback(
	    value, put_piece, out, STYLE); /* the stream keeps its error */
	(void)putc('\n', out);
	json_decref(value);
}
