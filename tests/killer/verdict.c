/* SPDX-License-Identifier: ISC */
/*
 * Whether what actors were told, and what is left in the queue, add up: nothing lost,
 * nothing invented, nothing twice, nothing after its end, one holder at a time.
 */
#include <inttypes.h>
#include <string.h>

#include "left.h"

static bool
exists(const struct message *m)
{
	return (m->id != 0 || m->last != 0 || m->left);
}

/* The number of the last delivery that anybody has seen. */
static uint32_t
seen(const struct judge *g, const struct message *m)
{
	uint32_t most = 0;

	for (uint32_t i = m->last; i != 0; i = g->delivery[i].before)
		if (g->delivery[i].number > most)
			most = g->delivery[i].number;
	return (most);
}

static void
judge_stored(struct judge *g, const struct message *m, uint64_t serial)
{
	unsigned there = 0;

	if (exists(m) && !m->asked)
		wrong(g, "body %" PRIu64 " was pushed by nobody", serial);
	for (unsigned i = 0; m->at == 0 && i < m->of; i++)
		there += exists(m + i);
	if (there > 0 && there < m->of)
		wrong(g,
		    "%u of %u bodies from %" PRIu64 " on are stored, of one commit",
		    there, m->of, serial);
}

/* A command has printed it, and nobody has come after it. */
static bool
may_be_printed(const struct judge *g, const struct message *m)
{
	for (uint32_t i = m->last; i != 0; i = g->delivery[i].before)
		if (g->delivery[i].asked > m->printed)
			return (false);
	return (m->printed != 0);
}

static void
judge_ended(struct judge *g, const struct message *m)
{
	bool may_be_done = (m->ended != 0 && !m->dead) || may_be_printed(g, m) ||
	                   (m->perhaps != 0 && m->perhaps >= seen(g, m));

	if (!m->left && !may_be_done)
		wrong(g, "message %" PRIu64 " is lost", m->id);
	if (m->left && m->ended != 0 && !m->dead)
		wrong(g, "message %" PRIu64 " is there, after its acknowledgement",
		    m->id);
	for (uint32_t i = m->last; i != 0 && m->ended != 0; i = g->delivery[i].before)
		if (g->delivery[i].asked > m->ended ||
		    (m->end != 0 && g->delivery[i].number > m->end))
			wrong(g, "message %" PRIu64 " was delivered after its end",
			    m->id);
}

/* Whether b came after a, and its taker was answered while a was in force. */
static bool
overlap(const struct delivery *a, const struct delivery *b)
{
	bool after = a->number != 0 && b->number != 0 ? a->number < b->number
	                                              : a->got < b->asked;

	return (after && b->got < a->until && (a->lease == 0 || b->got_at < a->lease));
}

static void
judge_held(struct judge *g, const struct message *m)
{
	for (uint32_t i = m->last; i != 0; i = g->delivery[i].before) {
		for (uint32_t j = m->last; j != 0; j = g->delivery[j].before) {
			const struct delivery *a = &g->delivery[i];
			const struct delivery *b = &g->delivery[j];

			if (overlap(a, b))
				wrong(g,
				    "message %" PRIu64 " was given away (%u, %u) "
				    "while somebody had it",
				    m->id, a->number, b->number);
			if (i < j && a->number != 0 && a->number == b->number)
				wrong(g,
				    "message %" PRIu64
				    " has two deliveries of number %u",
				    m->id, a->number);
		}
	}
}

static void
count(struct verdict *v, const struct message *m)
{
	v->pushed++;
	v->stored_untold += !m->told;
	v->ended_untold += !m->left && m->ended == 0;
}

struct verdict
judge_round(struct judge *g)
{
	struct verdict v;

	left_take(g);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &g->message[i];

		judge_stored(g, m, g->first + i);
		if (!exists(m))
			continue;
		judge_ended(g, m);
		judge_held(g, m);
		count(&g->verdict, m);
	}
	g->verdict.delivered = g->deliveries;
	v = g->verdict;
	g->verdict = (struct verdict){ 0 };
	g->first = atomic_load(&g->shared->serial);
	g->deliveries = 0;
	g->ordered = 0;
	memset(g->told, 0, sizeof(g->told));
	memset(g->message, 0, sizeof(g->message));
	memset(g->owner, 0, sizeof(g->owner));
	return (v);
}
