/* SPDX-License-Identifier: ISC */
/* What became of a message, as a JSON object on a line. */
#include <jansson.h>
#include <unistd.h>

#include "json.h"
#include "json_headers.h"

#include "json_result.h"

/* All but the output. */
static json_t *
describe(const char *queue, const struct q_result *r)
{
	json_t *o = json_object();

	json_set(o, "queue", json_text(queue));
	json_set_count(o, "id", r->id);
	json_set(o, "state", json_string(r->state == Q_DEAD ? "dead" : "done"));
	json_set_time(o, "ended", r->when);
	if (r->state == Q_DEAD) {
		json_set(o, "how", json_string(q_how_name(r->how)));
		json_set(o, "reason", json_text(r->reason));
	}
	if (r->state == Q_DEAD && r->how == Q_HOW_EXITED)
		json_set_count(o, "exit_status", (uint64_t)r->status);
	if (r->state == Q_DEAD && r->how == Q_HOW_KILLED)
		json_set_count(o, "signal", (uint64_t)r->status);
	if (r->lost)
		json_set(o, "lost", json_true());
	else
		json_set_count(o, "size", r->size);
	return (o);
}

int
json_result(struct q *q, const char *queue, const struct q_result *r, FILE *out)
{
	json_t *o, *text;
	int fd, rc;

	if (r->blob && (rc = q_result_open(q, r, &fd)) != 0)
		return (rc);
	o = describe(queue, r);
	if (r->blob) {
		json_file(fd, "output_base64", o, out);
		json_decref(o);
		(void)close(fd); /* it was only read */
		return (0);
	}
	if (r->lost)
		json_set(o, "output", json_null());
	else if ((text = json_stringn(r->output, (size_t)r->size)) != NULL)
		json_set(o, "output", text);
	else
		json_set(o, "output_base64", json_base64(r->output, (size_t)r->size));
	json_line(o, out);
	return (0);
}

void
json_result_event(const char *queue, const struct q_event *e, FILE *out)
{
	bool done = e->kind == Q_EVENT_ACKNOWLEDGED;
	json_t *o = json_object();

	json_set(o, "queue", json_text(queue));
	json_set_count(o, "id", e->id);
	json_set(o, "state", json_string(done ? "done" : q_event_name(e->kind)));
	if (e->when != 0)
		json_set_time(o, "ended", e->when);
	else
		json_set(o, "ended", json_null());
	if (e->kind == Q_EVENT_MOVED)
		json_set(o, "to", json_text(e->detail));
	json_set(o, "output", json_null());
	json_line(o, out);
}
