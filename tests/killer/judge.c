/* SPDX-License-Identifier: ISC */
/* What actors have noted, taken over into what is known of each message. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "model.h"

enum { SHOWN = 20, MOST = ACTORS * NOTES * ITEMS };

struct judge *
judge_new(const char *path, struct shared *s)
{
	struct judge *g = note_room(sizeof(*g));

	g->path = path;
	g->name = path;
	g->shared = s;
	g->first = atomic_load(&s->serial);
	g->first_id = 1;
	return (g);
}

void
judge_begin(struct judge *g, const char *name)
{
	g->name = name;
}

bool
judge_has_room(const struct judge *g)
{
	uint64_t messages = atomic_load(&g->shared->serial) - g->first;

	return (messages < MESSAGES - MOST && g->deliveries < DELIVERIES - MOST);
}

void
wrong(struct judge *g, const char *format, ...)
{
	va_list ap;

	if (g->verdict.wrong++ >= SHOWN)
		return;
	va_start(ap, format);
	printf("# %s: ", g->name);
	vprintf(format, ap);
	printf("\n");
	(void)fflush(stdout);
	va_end(ap);
}

/* ---- what was noted ---- */

struct message *
message_of(struct judge *g, uint64_t serial)
{
	if (serial >= g->first && serial - g->first < MESSAGES)
		return (&g->message[serial - g->first]);
	if (serial != 0) /* else it is said already */
		wrong(g, "body %" PRIu64 " is of another round", serial);
	return (NULL);
}

void
identify(struct judge *g, uint64_t serial, struct message *m, uint64_t id)
{
	if (id == 0)
		return;
	if (m->id != 0 && m->id != id)
		wrong(g,
		    "body %" PRIu64 " is stored twice, as %" PRIu64 " and %" PRIu64,
		    serial, m->id, id);
	m->id = id;
	if (id < g->first_id || id - g->first_id >= MESSAGES) {
		wrong(g, "message %" PRIu64 " has a number of another round", id);
		return;
	}
	if (g->owner[id - g->first_id] != 0 && g->owner[id - g->first_id] != serial)
		wrong(g, "message %" PRIu64 " is body %" PRIu64 " and %" PRIu64, id,
		    g->owner[id - g->first_id], serial);
	g->owner[id - g->first_id] = serial;
}

static void
add_push(struct judge *g, unsigned actor, const struct note *n)
{
	for (unsigned i = 0; i < n->n; i++) {
		const struct item *item = &n->item[i];
		struct message *m = message_of(g, item->serial);

		if (m == NULL)
			continue;
		m->asked = true;
		m->of = n->whole ? (uint8_t)n->n : 0;
		m->at = (uint8_t)i;
		if (item->id == 0 && n->answered != 0 && n->code == 0)
			wrong(g, "body %" PRIu64 " is stored, and has no number",
			    item->serial);
		if (item->id == 0)
			continue;
		m->told = true;
		identify(g, item->serial, m, item->id);
		if (item->id < g->told[actor])
			wrong(g,
			    "body %" PRIu64 " is message %" PRIu64
			    ", behind a later one",
			    item->serial, item->id);
		g->told[actor] = item->id;
	}
}

static void
end(struct judge *g, struct message *m, uint32_t number, uint64_t when, bool dead)
{
	if (m->ended != 0 && number != 0 && m->end != 0 && m->end != number)
		wrong(g, "message %" PRIu64 " was ended by deliveries %u and %u", m->id,
		    m->end, number);
	if (m->ended == 0 || when < m->ended)
		m->ended = when;
	if (number != 0)
		m->end = number;
	m->dead = dead;
}

static struct delivery *
add_delivery(struct judge *g, struct message *m, const struct note *n,
    const struct item *item, uint64_t gone)
{
	struct delivery *d = &g->delivery[++g->deliveries];

	*d = (struct delivery){ .serial = item->serial,
		.number = item->receipt.delivery,
		.before = m->last,
		.asked = n->asked,
		.got = n->answered != 0 ? n->answered : gone,
		.got_at = n->answered != 0 ? n->answered_at : boot_time(),
		.until = n->lease == 0 ? gone : UINT64_MAX,
		.lease = n->lease == 0 ? 0 : n->asked_at + n->lease };
	m->last = g->deliveries;
	return (d);
}

static void
add_take(struct judge *g, const struct note *n, uint64_t gone)
{
	for (unsigned i = 0; i < n->n; i++) {
		const struct item *item = &n->item[i];
		struct message *m = message_of(g, item->serial);
		struct delivery *d;

		if (m == NULL)
			continue;
		identify(g, item->serial, m, item->id);
		d = add_delivery(g, m, n, item, gone);
		if (n->printed && n->lease == 0) {
			if (d->got > m->printed)
				m->printed = d->got;
			d->until = 0;
			if (n->answered != 0)
				end(g, m, 0, n->answered, false);
		}
		if (n->ordered && item->id <= g->ordered)
			wrong(g, "message %" PRIu64 " was delivered after %" PRIu64,
			    item->id, g->ordered);
		if (n->ordered)
			g->ordered = item->id;
	}
}

static struct delivery *
delivery_of(struct judge *g, const struct message *m, uint32_t number)
{
	for (uint32_t i = m->last; i != 0; i = g->delivery[i].before)
		if (g->delivery[i].number == number)
			return (&g->delivery[i]);
	return (NULL);
}

static void
extend(const struct note *n, struct delivery *d)
{
	q_time end = n->asked_at + n->lease;

	if (d->lease != 0 && (n->answered != 0 || end < d->lease))
		d->lease = end;
}

/* A receipt is refused only if its lease may have been lost. */
static void
refused(struct judge *g, const struct note *n, const struct item *item,
    const struct delivery *d)
{
	if (d->settlements == 0 && (d->lease == 0 || n->answered_at < d->lease))
		wrong(g, "message %" PRIu64 ": receipt of delivery %u was refused (%s)",
		    item->id, d->number, q_strerror(item->code));
}

/* What was asked for may have been done, unless it was refused. */
static void
settled(const struct note *n, struct delivery *d)
{
	d->settlements++;
	if (n->verb == Q_EXTEND)
		extend(n, d);
	else if (n->asked < d->until)
		d->until = n->asked;
}

static void
add_settle(struct judge *g, const struct note *n)
{
	bool ends = n->verb == Q_ACK || n->verb == Q_KILL;

	for (unsigned i = 0; i < n->n; i++) {
		const struct item *item = &n->item[i];
		struct message *m = message_of(g, item->serial);
		struct delivery *d =
		    m == NULL ? NULL : delivery_of(g, m, item->receipt.delivery);

		if (d == NULL)
			continue;
		if (n->answered != 0 && item->code != 0) {
			refused(g, n, item, d);
			continue;
		}
		if (n->answered == 0 && ends && d->number > m->perhaps)
			m->perhaps = d->number;
		if (n->answered != 0 && ends)
			end(g, m, d->number, n->answered, n->verb == Q_KILL);
		if (n->answered != 0 && item->again && d->settlements == 0)
			wrong(g, "message %" PRIu64 " was settled before, by nobody",
			    item->id);
		settled(n, d);
	}
}

void
judge_add(struct judge *g, unsigned actor, struct journal *j, uint64_t ended)
{
	unsigned count = atomic_load(&j->count);

	if (j->left != 0)
		ended = j->left;
	for (unsigned i = 0; i < count; i++) {
		const struct note *n = &j->note[i];

		if (n->what == PUSH)
			add_push(g, actor, n);
		else if (n->what == TAKE && (n->answered != 0 || n->printed))
			add_take(g, n, ended);
		else if (n->what == SETTLE)
			add_settle(g, n);
	}
	if (j->said[0] != '\0')
		wrong(g, "%s", j->said);
	j->said[0] = '\0';
	j->left = 0;
	atomic_store(&j->count, 0);
}
