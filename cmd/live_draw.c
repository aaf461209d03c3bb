/* SPDX-License-Identifier: ISC */
/* The picture of qwatch's board: its frame, the table of queues, and the help. */
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "live_put.h"
#include "text.h"

#include "live_screen.h"

enum {
	NAME_LEAST = 12, /* columns of a name, as long as others can go */
	NAME_MOST = 40,
	SPARK = 8,
	KEYS = 16, /* columns of the keys in the help */
};

/* ---- the table ---- */

struct column {
	const char *name;
	int width;
	int rank;           /* the highest goes first where the terminal is narrow */
	enum q_state state; /* the cell is the count of this; or, if 0: */
	const char *(*cell)(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall);
};

static const char *
oldest_cell(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall)
{
	if (st->oldest == 0)
		return ("-");
	return (text_duration(buf, wall > st->oldest ? wall - st->oldest : 0));
}

static const char *
in_cell(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall)
{
	(void)wall;
	return (st->history_damaged ? "?" : cells_rate(buf, st->rate_in[0]));
}

static const char *
out_cell(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall)
{
	(void)wall;
	return (st->history_damaged ? "?" : cells_rate(buf, st->rate_out[0]));
}

static const char *
drain_cell(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall)
{
	(void)wall;
	return (cells_drain(buf, st));
}

static const char *
paused_cell(char buf[CELLS_TEXT], const struct q_stat *st, q_time wall)
{
	(void)buf;
	(void)wall;
	return (cells_paused(st));
}

static const struct column columns[] = {
	{ "READY", 6, 0, Q_READY, NULL }, { "DELAYED", 7, 8, Q_DELAYED, NULL },
	{ "BLOCKED", 7, 9, Q_BLOCKED, NULL }, { "LEASED", 6, 2, Q_LEASED, NULL },
	{ "DEAD", 6, 1, Q_DEAD, NULL }, { "OLDEST", 7, 3, 0, oldest_cell },
	{ "IN/S", 6, 4, 0, in_cell }, { "OUT/S", 6, 5, 0, out_cell },
	{ "TREND", SPARK, 7, 0, NULL }, { "DRAIN", 9, 6, 0, drain_cell },
	{ "PAUSED", 6, 2, 0, paused_cell }, /* left out where none is */
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), PAUSED = COLUMNS - 1 };

/* Which columns there is room for. */
struct layout {
	bool shown[COLUMNS];
	int name; /* columns of the terminal for the name */
};

static bool
any_paused(const struct live_model *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->queue[i]->stat.paused_in != 0 ||
		    m->queue[i]->stat.paused_out != 0)
			return (true);
	return (false);
}

/* The columns that are least missed go, until there is room for a name. */
static void
lay_out(struct layout *l, const struct live_model *m, int width)
{
	int left = width;

	for (int i = 0; i < COLUMNS; i++) {
		l->shown[i] = i != PAUSED || any_paused(m);
		left -= l->shown[i] ? columns[i].width + 1 : 0;
	}
	while (left < NAME_LEAST) {
		int last = -1;

		for (int i = 0; i < COLUMNS; i++)
			if (l->shown[i] &&
			    (last == -1 || columns[i].rank > columns[last].rank))
				last = i;
		if (last == -1)
			break;
		l->shown[last] = false;
		left += columns[last].width + 1;
	}
	l->name = left < NAME_MOST ? left : (int)NAME_MOST;
}

static void
draw_heads(const struct layout *l, int row, int width)
{
	struct live_place at = { row, 0, width, LIVE_HEAD };

	(void)live_put(at, "QUEUE");
	at.column = l->name;
	for (int i = 0; i < COLUMNS; i++) {
		if (!l->shown[i])
			continue;
		at.width = columns[i].width;
		at.column += 1;
		live_put_right(at, columns[i].name);
		at.column += at.width;
	}
}

static enum live_look
look_of(const struct column *c, const struct q_stat *st)
{
	if (c->state == Q_DEAD && st->count[Q_DEAD] > 0)
		return (LIVE_BAD);
	if (c->cell == paused_cell && (st->paused_in != 0 || st->paused_out != 0))
		return (LIVE_WARN);
	return (c->state == 0 && c->cell == NULL ? LIVE_CHART : LIVE_PLAIN);
}

static void
draw_cell(const struct column *c, struct live_place at, const struct live_queue *q,
    q_time wall)
{
	double samples[SPARK];
	char buf[CELLS_TEXT];

	if (c->state != 0)
		live_put_right(at, cells_count(buf, q->stat.count[c->state]));
	else if (c->cell != NULL)
		live_put_right(at, c->cell(buf, &q->stat, wall));
	else
		live_put_spark(at, samples, live_ring_depth(&q->ring, samples, SPARK));
}

static void
draw_cells(const struct layout *l, int row, const struct live_queue *q, bool selected,
    q_time wall)
{
	struct live_place at = { .row = row, .column = l->name };

	for (int i = 0; i < COLUMNS; i++) {
		if (!l->shown[i])
			continue;
		at.width = columns[i].width;
		at.column += 1;
		at.look = selected ? LIVE_SELECTED : look_of(&columns[i], &q->stat);
		draw_cell(&columns[i], at, q, wall);
		at.column += at.width;
	}
}

static const char *
health_name(enum live_health health)
{
	static const char *const names[] = {
		[LIVE_NEW] = "",
		[LIVE_WELL] = "",
		[LIVE_BUSY] = "busy",
		[LIVE_DAMAGED] = "damaged",
		[LIVE_CLOSED] = "closed",
		[LIVE_GONE] = "gone",
	};

	return (names[health]);
}

static void
draw_queue(const struct layout *l, int row, const struct live_queue *q, bool selected,
    q_time wall)
{
	int width = live_put_columns();
	struct live_place at = { row, 0, width, selected ? LIVE_SELECTED : LIVE_PLAIN };

	if (selected)
		live_put_bar(at);
	at.width = l->name;
	(void)live_put_bytes(at, q->name, strlen(q->name));
	at.column = l->name + 1;
	at.width = width - at.column;
	if (q->health < LIVE_DAMAGED) {
		if (q->seen != 0)
			draw_cells(l, row, q, selected, wall);
		return;
	}
	at.look = selected ? LIVE_SELECTED : LIVE_BAD;
	(void)live_put(at, "%s: %s", health_name(q->health), q->why);
}

static void
draw_table(struct live_screen *s, int first, int last, q_time wall)
{
	const struct live_model *m = &s->model;
	size_t rows = last >= first + 1 ? (size_t)(last - first) : 1;
	struct layout l;

	lay_out(&l, m, live_put_columns());
	draw_heads(&l, first, l.name);
	if (m->selected < s->top)
		s->top = m->selected;
	if (m->selected >= s->top + rows)
		s->top = m->selected - rows + 1;
	if (s->top > 0 && s->top + rows > m->count)
		s->top = m->count > rows ? m->count - rows : 0;
	for (size_t i = 0; i < rows && s->top + i < m->count; i++)
		draw_queue(&l, first + 1 + (int)i, m->queue[s->top + i],
		    s->top + i == m->selected, wall);
	if (m->count == 0 && !s->unlisted)
		(void)live_put(
		    (struct live_place){ first + 1, 0, live_put_columns(), LIVE_PLAIN },
		    "no queues in %s", s->where != NULL ? s->where : "");
}

/* ---- the frame ---- */

static void
draw_help(int first, int last)
{
	int row = first, width = live_put_columns();

	for (const struct live_key *k = live_keys; k->keys != NULL && row <= last;
	     k++, row++) {
		(void)live_put(
		    (struct live_place){ row, 1, KEYS - 2, LIVE_HEAD }, "%s", k->keys);
		(void)live_put(
		    (struct live_place){ row, KEYS, width - KEYS, LIVE_PLAIN }, "%s",
		    k->help);
	}
}

/* "4 queues, by name, every 1 s". */
static void
draw_title(const struct live_screen *s, const struct live_queue *open, q_time wall)
{
	struct live_place at = { 0, 0, live_put_columns(), LIVE_HEAD };
	char every[TEXT_DURATION], when[TEXT_TIME];

	/* 2026-11-21T14:00:00.123456789Z */
	(void)text_time(when, wall);
	when[19] = 'Z';
	when[20] = '\0';
	if (open != NULL) {
		at.column = live_put(at, "qwatch: ");
		at.width -= at.column;
		at.column += live_put_bytes(at, open->name, strlen(open->name));
	} else {
		at.column = live_put(at, "qwatch: %zu queue%s, by %s%s", s->model.count,
		    s->model.count == 1 ? "" : "s", live_model_sort_name(s->model.sort),
		    s->model.reverse ? ", reversed" : "");
	}
	at.width = live_put_columns() - at.column;
	if (s->frozen)
		at.look = LIVE_WARN;
	at.column += live_put(
	    at, s->frozen ? ", frozen" : ", every %s", text_duration(every, s->pace));
	at = (struct live_place){ 0, at.column + 1, live_put_columns() - at.column - 1,
		LIVE_DIM };
	if (at.width > 20)
		live_put_right(at, when);
}

/* What happened, or the question; of the queue that is open or selected, else. */
static void
draw_status(const struct live_screen *s, const struct live_queue *q, int row)
{
	struct live_place at = { row, 0, live_put_columns(), LIVE_PLAIN };

	if (s->asked != LIVE_NOTHING) {
		at.look = LIVE_WARN;
		(void)live_put(at, "%s y/N", s->question);
	} else if (s->status[0] != '\0') {
		at.look = s->bad ? LIVE_BAD : LIVE_PLAIN;
		(void)live_put(at, "%s", s->status);
	} else if (q != NULL && q->why[0] != '\0') {
		at.look = LIVE_BAD;
		(void)live_put(at, "%s: %s", q->name, q->why);
	}
}

static void
draw_keys(const struct live_screen *s, int row)
{
	struct live_place at = { row, 0, live_put_columns(), LIVE_DIM };

	for (const struct live_key *k = live_keys; k->keys != NULL; k++) {
		int used;

		if (k->brief == NULL ||
		    k->command == (s->open != NULL ? LIVE_OPEN : LIVE_BACK))
			continue;
		used = live_put(
		    at, "%.*s %s  ", (int)strcspn(k->keys, ","), k->keys, k->brief);
		at.column += used;
		at.width -= used;
	}
}

void
live_draw(struct live_screen *s, q_time wall)
{
	const struct live_queue *open =
	    s->open == NULL ? NULL : live_model_find(&s->model, s->open);
	int last = live_put_rows() - 3;

	live_put_begin();
	draw_title(s, open, wall);
	if (s->help)
		draw_help(1, last);
	else if (open != NULL)
		live_page_draw(s, open, 1, last, wall);
	else
		draw_table(s, 1, last, wall);
	draw_status(s, open != NULL ? open : live_model_selected(&s->model), last + 1);
	draw_keys(s, last + 2);
	live_put_end();
}
