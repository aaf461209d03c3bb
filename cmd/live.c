/* SPDX-License-Identifier: ISC */
/* The board of qwatch: looking, drawing and waiting, and what keys do. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diag.h"
#include "live_act.h"
#include "live_look.h"
#include "live_put.h"
#include "live_screen.h"
#include "live_term.h"
#include "now.h"
#include "root.h"

#include "live.h"

enum { NEEDED = 6 }; /* rows that are not of the table, and two that are */

static const q_time intervals[] = { Q_SECOND / 2, Q_SECOND, 2 * Q_SECOND, 5 * Q_SECOND,
	10 * Q_SECOND, 30 * Q_SECOND, 60 * Q_SECOND };

enum { INTERVALS = sizeof(intervals) / sizeof(intervals[0]) };

/* ---- words for the status line ---- */

static void
say(struct live_screen *s, bool bad, const char *text)
{
	snprintf(s->status, sizeof(s->status), "%s", text);
	s->bad = bad;
}

/* ---- looking ---- */

static void
open_queue(struct live_screen *s, const struct live_queue *q)
{
	free(s->open);
	s->open = NULL;
	s->detail = (struct live_detail){ 0 };
	if (q != NULL && (s->open = strdup(q->name)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
}

static void
look_for_queues(struct live_screen *s)
{
	char word[LIVE_WORD], **names;
	int status = 0;
	size_t n;

	if (s->where == NULL)
		return;
	names = root_names(&n, &status);
	s->unlisted = names == NULL;
	if (names == NULL)
		return;
	live_model_set(&s->model, names, n, live_look_drop, word);
	root_free(names);
	if (*word != '\0')
		say(s, false, word);
}

/* The queue that is open may be no longer there. */
static void
look_at_open(struct live_screen *s)
{
	struct live_queue *q;

	if (s->open == NULL)
		return;
	q = live_model_find(&s->model, s->open);
	if (q != NULL && q->health != LIVE_GONE) {
		live_detail_read(q, &s->detail);
		return;
	}
	snprintf(s->status, sizeof(s->status), "%.80s is removed", s->open);
	open_queue(s, NULL);
}

/* After a round that has begun when the process had used so much time. */
static void
adapt(struct live_screen *s, q_time before)
{
	s->pace =
	    live_model_pace(s->interval, now_of(CLOCK_PROCESS_CPUTIME_ID) - before);
}

/* How long it is until the next one is in s->pace. */
static void
look(struct live_screen *s)
{
	q_time before = now_of(CLOCK_PROCESS_CPUTIME_ID);

	look_for_queues(s);
	live_look_round(&s->model);
	look_at_open(s);
	adapt(s, before); /* for the title */
	live_draw(s, now_wall());
	adapt(s, before);
}

/* ---- keys ---- */

static void
ask(struct live_screen *s, enum live_command command)
{
	const struct live_queue *q = live_model_selected(&s->model);
	char text[LIVE_WORD];

	if (q == NULL)
		return;
	if (!live_act_ask(q, command, text)) {
		say(s, true, text);
		return;
	}
	free(s->about);
	if ((s->about = strdup(q->name)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	snprintf(s->question, sizeof(s->question), "%s", text);
	s->asked = command;
}

/* Only y is a yes. */
static void
answer(struct live_screen *s, int key)
{
	enum live_command command = s->asked;
	char text[LIVE_WORD];
	bool done;

	s->asked = LIVE_NOTHING;
	if (key != 'y' && key != 'Y') {
		say(s, false, "nothing done");
		return;
	}
	say(s, false, "working...");
	live_draw(s, now_wall());
	done = live_act_do(s->about, command, text);
	say(s, !done, text);
}

/* To the next of them; what was asked for may lie between two, or beyond. */
static void
slow_down(struct live_screen *s)
{
	for (int i = 0; i < INTERVALS; i++)
		if (intervals[i] > s->interval) {
			s->interval = s->pace = intervals[i];
			return;
		}
}

static void
speed_up(struct live_screen *s)
{
	for (int i = INTERVALS - 1; i >= 0; i--)
		if (intervals[i] < s->interval) {
			s->interval = s->pace = intervals[i];
			return;
		}
}

static void
move(struct live_screen *s, long by)
{
	live_model_move(&s->model, by);
	if (s->open != NULL)
		open_queue(s, live_model_selected(&s->model));
}

static long
a_screen(void)
{
	int rows = live_put_rows() - NEEDED + 2;

	return (rows > 1 ? rows : 1);
}

/* What a command moves the selection by; 0: it is another one. */
static long
step(enum live_command command, long count)
{
	switch (command) {
	case LIVE_UP:
		return (-1);
	case LIVE_DOWN:
		return (1);
	case LIVE_PAGE_UP:
		return (-a_screen());
	case LIVE_PAGE_DOWN:
		return (a_screen());
	case LIVE_FIRST:
		return (-count - 1);
	case LIVE_LAST:
		return (count + 1);
	default:
		return (0);
	}
}

static void
back(struct live_screen *s)
{
	if (s->help)
		s->help = false;
	else
		open_queue(s, NULL);
}

/* Whether the numbers are wanted at once. */
static bool
obey(struct live_screen *s, enum live_command command)
{
	struct live_model *m = &s->model;

	switch (command) {
	case LIVE_OPEN:
		s->help = false;
		open_queue(s, live_model_selected(m));
		return (true);
	case LIVE_BACK:
		back(s);
		break;
	case LIVE_SORT:
		live_model_sort(m, (m->sort + 1) % LIVE_SORTS, m->reverse);
		break;
	case LIVE_REVERSE:
		live_model_sort(m, m->sort, !m->reverse);
		break;
	case LIVE_PAUSE:
	case LIVE_RESUME:
	case LIVE_REDRIVE:
		ask(s, command);
		break;
	case LIVE_SLOWER:
		slow_down(s);
		return (true);
	case LIVE_FASTER:
		speed_up(s);
		return (true);
	case LIVE_FREEZE:
		s->frozen = !s->frozen;
		return (!s->frozen);
	case LIVE_HELP:
		s->help = !s->help;
		break;
	default:
		move(s, step(command, (long)m->count));
		return (s->open != NULL);
	}
	return (false);
}

/* All keys that were typed. */
static void
read_keys(struct live_screen *s, bool *quit, bool *now, bool *drawn)
{
	for (int key; !*quit && (key = live_term_key()) != 0;) {
		enum live_command command = live_keys_command(key);

		*drawn = false;
		s->status[0] = '\0';
		if (s->asked != LIVE_NOTHING) {
			answer(s, key);
			*now = true;
		} else if (command == LIVE_QUIT) {
			*quit = true;
		} else if (obey(s, command)) {
			*now = true;
		}
	}
}

/* ---- the loop ---- */

static void
watch(struct live_screen *s)
{
	q_time next = 0;
	bool quit = false;

	while (!quit && live_term_ended() == 0) {
		bool now = false, drawn = true;
		char text[LIVE_WORD];

		if (!s->frozen && now_monotonic() >= next) {
			look(s);
			next = now_monotonic() + s->pace;
		}
		live_term_wait(s->frozen ? now_monotonic() + 60 * Q_SECOND : next);
		if (live_term_changed())
			drawn = false;
		read_keys(s, &quit, &now, &drawn);
		while (live_term_said(text, sizeof(text))) {
			say(s, true, text);
			drawn = false;
		}
		if (now && s->frozen)
			look_at_open(s);
		if (now)
			next = 0;
		if (!drawn && (!now || s->frozen))
			live_draw(s, now_wall());
	}
}

static int
start(struct live_screen *s, char *const *names, size_t n)
{
	char word[LIVE_WORD], *root = NULL;
	int status = 0, rc;

	if (n == 0 && (rc = q_root(&root)) != 0) {
		diag_error(NULL, "%s", q_errmsg());
		return (diag_status(rc));
	}
	s->where = root;
	if ((status = live_look_check(names, n)) != 0 ||
	    (status = live_term_start()) != 0) {
		free(root);
		return (status);
	}
	live_put_start();
	live_model_set(&s->model, names, n, NULL, word);
	s->model.known = n > 0;
	if (n == 1)
		open_queue(s, s->model.queue[0]);
	return (0);
}

int
live_run(char *const *names, size_t n, q_time interval)
{
	struct live_screen s = { .interval = interval, .pace = interval };
	int status = start(&s, names, n), ended;

	if (status != 0)
		return (status);
	watch(&s);
	live_term_end();
	for (size_t i = 0; i < s.model.count; i++)
		live_look_drop(s.model.queue[i]);
	live_model_free(&s.model);
	free(s.open);
	free(s.about);
	free((char *)s.where);
	if ((ended = live_term_ended()) != 0) {
		(void)signal(ended, SIG_DFL);
		(void)raise(ended);
	}
	return (0);
}
