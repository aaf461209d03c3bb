/* SPDX-License-Identifier: ISC */
/* Events as lines: TIME QUEUE ID EVENT, and what else there is as NAME=VALUE. */
#include <jansson.h>
#include <string.h>

#include "json.h"
#include "text.h"

#include "event_line.h"

/* What the time and the text of an event are. The text comes last: it may have spaces.
 */
static const struct {
	const char *due, *detail;
} fields[Q_EVENTS] = {
	[Q_EVENT_PUSHED] = { "due", "key" },
	[Q_EVENT_DELIVERED] = { "until", "detail" },
	[Q_EVENT_RELEASED] = { "due", "reason" },
	[Q_EVENT_EXTENDED] = { "until", "reason" },
	[Q_EVENT_FAILED] = { "due", "reason" },
	[Q_EVENT_LAPSED] = { "due", "reason" },
	[Q_EVENT_DEAD] = { "due", "reason" },
	[Q_EVENT_PAUSED] = { "due", "gate" },
	[Q_EVENT_RESUMED] = { "due", "gate" },
	[Q_EVENT_SET] = { "due", "option" },
	[Q_EVENT_MOVED] = { "due", "to" },
};

static const char *
due_name(enum q_event_kind kind)
{
	return (fields[kind].due != NULL ? fields[kind].due : "due");
}

static const char *
detail_name(enum q_event_kind kind)
{
	return (fields[kind].detail != NULL ? fields[kind].detail : "detail");
}

/* Nothing with a space in it can be taken for another field. */
static void
print_word(const char *text, FILE *out)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		text_print(out, text, n);
		text += n;
		if (*text != '\0') {
			(void)fputs("\\x20", out);
			text++;
		}
	}
}

void
event_line(const char *queue, const struct q_event *e, FILE *out)
{
	char time[TEXT_TIME];

	(void)fprintf(out, "%s ", text_time(time, e->when));
	print_word(queue, out);
	if (e->id != 0)
		(void)fprintf(out, " %llu", (unsigned long long)e->id);
	else
		(void)fputs(" -", out);
	(void)fprintf(out, " %s", q_event_name(e->kind));
	if (e->attempt != 0)
		(void)fprintf(out, " attempt=%u", (unsigned)e->attempt);
	if (e->due != 0)
		(void)fprintf(
		    out, " %s=%s", due_name(e->kind), text_time(time, e->due));
	if (*e->command != '\0') {
		(void)fputs(" by=", out);
		print_word(e->command, out);
	}
	if (e->pid != 0)
		(void)fprintf(out, " pid=%ld", (long)e->pid);
	if (e->uid != (uid_t)-1)
		(void)fprintf(out, " uid=%lu", (unsigned long)e->uid);
	if (*e->detail != '\0') {
		(void)fprintf(out, " %s=", detail_name(e->kind));
		text_print(out, e->detail, strlen(e->detail));
	}
	(void)putc('\n', out);
}

static json_t *
text_or_null(const char *text)
{
	return (*text != '\0' ? json_text(text) : json_null());
}

static json_t *
time_or_null(q_time when)
{
	char time[TEXT_TIME];

	return (when != 0 ? json_text(text_time(time, when)) : json_null());
}

void
event_json(const char *queue, const struct q_event *e, FILE *out)
{
	json_t *o = json_object();

	json_set(o, "time", time_or_null(e->when));
	json_set(o, "queue", json_text(queue));
	json_set(o, "id", e->id != 0 ? json_integer((json_int_t)e->id) : json_null());
	json_set(o, "event", json_text(q_event_name(e->kind)));
	json_set(o, "attempt", json_integer(e->attempt));
	json_set(o, due_name(e->kind), time_or_null(e->due));
	json_set(o, "command", text_or_null(e->command));
	json_set(o, "pid", e->pid != 0 ? json_integer(e->pid) : json_null());
	json_set(o, "uid", e->uid != (uid_t)-1 ? json_integer(e->uid) : json_null());
	json_set(o, detail_name(e->kind), text_or_null(e->detail));
	json_line(o, out);
}

void
event_json_note(const char *queue, const char *what, uint64_t n, FILE *out)
{
	json_t *o = json_object();

	json_set(o, "queue", json_text(queue));
	json_set(o, "event", json_text(what));
	if (strcmp(what, "missed") == 0)
		json_set(o, "count",
		    n != UINT64_MAX ? json_integer((json_int_t)n) : json_null());
	json_line(o, out);
}
