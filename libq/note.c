/* SPDX-License-Identifier: ISC */
/* Notes of what a transaction does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"
#include "log.h"
#include "queue.h"

#include "note.h"

enum { ROOM_MIN = 8 };

/* Time does it, whoever finds out: nobody is named. */
static const bool by_time[Q_EVENTS] = {
	[Q_EVENT_LAPSED] = true,
	[Q_EVENT_READY] = true,
	[Q_EVENT_EXPIRED] = true,
};

static const char *const names[Q_EVENTS] = {
	[Q_EVENT_PUSHED] = "pushed",
	[Q_EVENT_DELIVERED] = "delivered",
	[Q_EVENT_BEGUN] = "begun",
	[Q_EVENT_RETURNED] = "returned",
	[Q_EVENT_ACKNOWLEDGED] = "acknowledged",
	[Q_EVENT_RELEASED] = "released",
	[Q_EVENT_EXTENDED] = "extended",
	[Q_EVENT_FAILED] = "failed",
	[Q_EVENT_LAPSED] = "lapsed",
	[Q_EVENT_DEAD] = "dead",
	[Q_EVENT_READY] = "ready",
	[Q_EVENT_EXPIRED] = "expired",
	[Q_EVENT_REDRIVEN] = "redriven",
	[Q_EVENT_PURGED] = "purged",
	[Q_EVENT_PAUSED] = "paused",
	[Q_EVENT_RESUMED] = "resumed",
	[Q_EVENT_SET] = "set",
	[Q_EVENT_MOVED] = "moved",
};

const char *
q_event_name(enum q_event_kind kind)
{
	return ((unsigned)kind < Q_EVENTS ? names[kind] : NULL);
}

/* As much as there is room for. */
static void
copy_text(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

void
note_begin(struct txn *t)
{
	struct notes *n = &t->q->notes;

	n->count = n->why_id = n->lapsed_id = 0;
	n->full = false;
	t->logging = log_wanted(t);
	t->noting = t->logging || t->q->ctl.map != NULL;
	if (!t->noting)
		return;
	n->pid = getpid();
	copy_text(n->command, sizeof(n->command), program_invocation_short_name);
}

void
note_free(struct q *q)
{
	free(q->notes.list);
	q->notes = (struct notes){ 0 };
}

/* The place of the next; NULL without memory for any: it is lost, and counted. */
static struct q_event *
another(struct notes *n)
{
	size_t room = n->room == 0 ? (size_t)ROOM_MIN : 2 * n->room;
	struct q_event *list;

	if (n->count >= n->room && n->room < NOTES_MOST && !n->full) {
		list = reallocarray(n->list, room, sizeof(*list));
		n->full =
		    list == NULL; /* from then on, round and round in what is there */
		if (!n->full) {
			n->list = list;
			n->room = room;
		}
	}
	return (n->room > 0 ? &n->list[n->count & (n->room - 1)] : NULL);
}

static void
name_who(const struct txn *t, struct q_event *e, const struct state *s)
{
	const struct notes *n = &t->q->notes;

	if (e->kind == Q_EVENT_LAPSED)
		t->q->notes.lapsed_id = e->id;
	if (by_time[e->kind] ||
	    (e->kind == Q_EVENT_DEAD && t->q->notes.lapsed_id == e->id)) {
		e->uid = (uid_t)-1;
		e->pid = e->kind == Q_EVENT_LAPSED && s != NULL ? (pid_t)s->pid : 0;
		return;
	}
	e->uid = t->uid;
	e->pid = t->command != NULL ? (pid_t)t->pid : n->pid;
	copy_text(e->command, sizeof(e->command),
	    t->command != NULL ? t->command : n->command);
}

void
note_add(struct txn *t, enum q_event_kind kind, uint64_t id, const struct state *s,
    q_time due, const char *detail)
{
	struct q_event e = { .when = t->now.wall, .kind = kind, .id = id, .due = due };
	struct notes *n = &t->q->notes;
	struct q_event *place;

	e.attempt = s != NULL ? life_attempts(s) : 0;
	name_who(t, &e, s);
	if (detail == NULL && kind == Q_EVENT_DEAD && n->why_id == id)
		detail = n->why;
	if (detail != NULL)
		copy_text(e.detail, sizeof(e.detail), detail);
	if (t->logging)
		log_add(t, &e);
	if (t->q->ctl.map == NULL)
		return;
	if ((place = another(n)) != NULL)
		*place = e;
	n->count++;
}

void
note_add_reason(struct txn *t, uint64_t id, const char *reason)
{
	struct notes *n = &t->q->notes;

	n->why_id = id;
	copy_text(n->why, sizeof(n->why), reason);
}

/* The longest unit that says it without a fraction. */
static void
put_duration(char *text, size_t size, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ns % units[i].ns == 0) {
			(void)snprintf(text, size, "%llu%s",
			    (unsigned long long)(ns / units[i].ns), units[i].name);
			return;
		}
	(void)snprintf(text, size, "%lluns", (unsigned long long)ns);
}

void
note_add_option(struct txn *t, enum q_option option, uint64_t value)
{
	const struct q_option_info *info = q_option_info(option);
	char detail[Q_EVENT_DETAIL];
	int n = snprintf(detail, sizeof(detail), "%s=", info->name);
	char *rest = detail + n;
	size_t room = sizeof(detail) - (size_t)n;

	if (info->kind == Q_CHOICE)
		(void)snprintf(rest, room, "%s", info->choices[value - info->min]);
	else if (info->kind == Q_DURATION)
		put_duration(rest, room, value);
	else
		(void)snprintf(rest, room, "%llu", (unsigned long long)value);
	note_add(t, Q_EVENT_SET, 0, NULL, 0, detail);
}
