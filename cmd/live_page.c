/* SPDX-License-Identifier: ISC */
/* One queue on qwatch's board: its numbers, charts, and some of its messages. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "chart.h"
#include "forecast.h"
#include "live_put.h"
#include "text.h"

#include "live_screen.h"

enum {
	LABEL = 8,       /* columns of the scale beside a chart */
	CHART_LEAST = 1, /* rows */
	CHART_MOST = 8,
	MESSAGES = 4, /* rows for messages that charts leave at least */
	SAMPLES = LIVE_SAMPLES,
};

/* What is drawn on: the rows from the next to the last. */
struct page {
	const struct live_queue *q;
	const struct live_detail *d;
	int row, last, width;
	q_time wall;
};

static struct live_place
line(const struct page *p, enum live_look look)
{
	return ((struct live_place){ p->row, 0, p->width, look });
}

/* ---- numbers ---- */

static void
draw_counts(struct page *p)
{
	const struct q_stat *st = &p->q->stat;
	struct live_place at = line(p, LIVE_PLAIN);

	for (enum q_state s = Q_READY; s < Q_STATES; s++) {
		char n[CELLS_TEXT];
		int used;

		at.look = s == Q_DEAD && st->count[s] > 0 ? LIVE_BAD : LIVE_PLAIN;
		used = live_put(
		    at, "%s %s   ", q_state_name(s), cells_count(n, st->count[s]));
		at.column += used;
		at.width -= used;
	}
	if (st->paused_in != 0 || st->paused_out != 0) {
		at.look = LIVE_WARN;
		(void)live_put(at, "paused: %s", cells_paused(st));
	}
	p->row++;
}

static const char *
seconds(char buf[TEXT_DURATION], const struct q_histogram *h, double value)
{
	return (h->count < FORECAST_LEAST ? "-" : text_seconds(buf, value));
}

static void
draw_rates(struct page *p)
{
	char in[3][CELLS_TEXT], out[3][CELLS_TEXT], drain[CELLS_TEXT];
	char wait[TEXT_DURATION], service[TEXT_DURATION];
	const struct q_stat *st = &p->q->stat;

	if (st->history_damaged) {
		(void)live_put(line(p, LIVE_BAD),
		    "times and rates are damaged; they begin anew with the next "
		    "change");
		p->row++;
		return;
	}
	for (int i = 0; i < 3; i++) {
		(void)cells_rate(in[i], st->rate_in[i]);
		(void)cells_rate(out[i], st->rate_out[i]);
	}
	(void)live_put(line(p, LIVE_PLAIN),
	    "in/s %s %s %s   out/s %s %s %s   over 1, 5 and 15 min", in[0], in[1],
	    in[2], out[0], out[1], out[2]);
	p->row++;
	(void)live_put(line(p, LIVE_PLAIN), "wait %s   service %s   drain %s",
	    seconds(wait, &st->wait, q_histogram_quantile(&st->wait, 0.5)),
	    seconds(service, &st->service, q_histogram_mean(&st->service)),
	    cells_drain(drain, st));
	p->row++;
}

/* ---- charts ---- */

/* A chart under its name and newest number, with its scale at the left. */
static void
draw_chart(const char *name, struct live_place at, int rows, const double *samples,
    size_t n, const char *last)
{
	char top_text[CELLS_TEXT];
	size_t shown = live_put_samples(at.width - LABEL);
	size_t skip = n > shown ? n - shown : 0;
	double top = chart_top(samples + skip, n - skip);
	struct live_place label = { at.row, at.column, LABEL - 1, LIVE_DIM };

	(void)live_put((struct live_place){ at.row, at.column + LABEL, at.width - LABEL,
			   LIVE_HEAD },
	    "%s %s", name, last);
	label.row++;
	live_put_right(
	    label, cells_count(top_text, top < 1e18 ? (uint64_t)top : UINT64_MAX));
	label.row = at.row + rows;
	if (rows > 1)
		live_put_right(label, "0");
	at = (struct live_place){ at.row + 1, at.column + LABEL, at.width - LABEL,
		LIVE_CHART };
	live_put_chart(at, rows, samples, n, top);
}

/* How far back the charts go. */
static void
draw_span(const struct page *p, int row, int width)
{
	size_t shown = live_put_samples(width - LABEL);
	const struct live_ring *r = &p->q->ring;
	const struct live_sample *newest = live_ring_at(r, 0), *first;
	char span[TEXT_DURATION];

	if (newest == NULL)
		return;
	first = live_ring_at(r, (shown < r->count ? shown : r->count) - 1);
	if (first != NULL && first != newest)
		(void)live_put((struct live_place){ row, LABEL, width, LIVE_DIM },
		    "the last %s", text_duration(span, newest->when - first->when));
}

static const char *
newest(char buf[CELLS_TEXT], const double *samples, size_t n)
{
	return (cells_rate(buf, n > 0 ? samples[n - 1] : NAN));
}

static void
draw_charts(struct page *p)
{
	double samples[SAMPLES];
	char last[CELLS_TEXT];
	const struct live_ring *r = &p->q->ring;
	const struct q_stat *st = &p->q->stat;
	size_t n;
	int half = p->width / 2, rows = (p->last - p->row - MESSAGES) / 4;

	if (rows < CHART_LEAST)
		return;
	if (rows > CHART_MOST)
		rows = CHART_MOST;
	n = live_ring_depth(r, samples, SAMPLES);
	draw_chart("waiting", line(p, LIVE_PLAIN), rows, samples, n,
	    cells_count(last, st->count[Q_READY] + st->count[Q_BLOCKED]));
	p->row += rows + 1;
	n = live_ring_in(r, samples, SAMPLES);
	draw_chart("in/s", (struct live_place){ p->row, 0, half - 1, LIVE_PLAIN }, rows,
	    samples, n, newest(last, samples, n));
	n = live_ring_out(r, samples, SAMPLES);
	draw_chart("out/s",
	    (struct live_place){ p->row, half, p->width - half, LIVE_PLAIN }, rows,
	    samples, n, newest(last, samples, n));
	p->row += rows + 1;
	draw_span(p, p->row, p->width);
	p->row++;
}

/* ---- messages ---- */

static void
draw_head(struct page *p, const char *text, size_t shown, uint64_t all)
{
	if (p->row > p->last)
		return;
	if (shown < all)
		(void)live_put(
		    line(p, LIVE_HEAD), "%s (%zu of %" PRIu64 ")", text, shown, all);
	else
		(void)live_put(line(p, LIVE_HEAD), "%s", text);
	p->row++;
}

static q_time
age(const struct page *p, q_time since)
{
	return (p->wall > since ? p->wall - since : 0);
}

static void
draw_body(struct live_place at, const struct live_message *m)
{
	if (m->damaged)
		(void)live_put(at, "(damaged)");
	else if (m->blob)
		(void)live_put(at, "(a file)");
	else
		(void)live_put_bytes(at, m->body, m->body_size);
}

static void
draw_oldest(struct page *p)
{
	const struct live_message *m = &p->d->oldest;
	struct live_place at = line(p, LIVE_HEAD);
	char old[TEXT_DURATION];

	if (m->id == 0 || p->row > p->last)
		return;
	at.column = live_put(at, "longest waiting  ");
	at.width -= at.column;
	at.look = LIVE_PLAIN;
	at.column += live_put(
	    at, "%8" PRIu64 " %8s  ", m->id, text_duration(old, age(p, m->since)));
	at.width = p->width - at.column;
	draw_body(at, m);
	p->row++;
}

/* Its lease: how long it lasts, or whose it is. */
static void
draw_leased(struct page *p, int rows)
{
	size_t count = p->d->leased_count;

	if (count == 0 || rows < 2)
		return;
	if (count > (size_t)rows - 1)
		count = (size_t)rows - 1;
	draw_head(p, "leased", count, p->q->stat.count[Q_LEASED]);
	for (size_t i = 0; i < count && p->row <= p->last; i++, p->row++) {
		const struct live_message *m = &p->d->leased[i];
		struct live_place at = line(p, m->damaged ? LIVE_BAD : LIVE_PLAIN);
		char old[TEXT_DURATION], left[TEXT_DURATION] = "held";

		if (m->due != Q_FOREVER)
			(void)text_duration(
			    left, m->due > p->wall ? m->due - p->wall : 0);
		at.column = live_put(at, "%8" PRIu64 " %8s  pid %-7ld %8s  ", m->id,
		    text_duration(old, age(p, m->since)), (long)m->pid,
		    m->ahead ? "ahead" : left);
		at.width = (p->width - at.column) / 2;
		if (m->command[0] != '\0') {
			(void)live_put_bytes(at, m->command, strlen(m->command));
			at.column += at.width + 1;
		}
		at.width = p->width - at.column;
		draw_body(at, m);
	}
}

static void
draw_failures(struct page *p)
{
	size_t count = p->d->failure_count;

	if (count == 0)
		return;
	draw_head(p, "newest failures", 0, 0);
	for (size_t i = 0; i < count && p->row <= p->last; i++, p->row++) {
		const struct live_failure *f = &p->d->failure[i];
		struct live_place at = line(p, LIVE_PLAIN);
		char old[TEXT_DURATION], when[TEXT_TIME];

		(void)text_time(when, f->when);
		at.look = f->state == Q_DEAD ? LIVE_BAD : LIVE_PLAIN;
		at.column = live_put(at, "%8" PRIu64 " %8s  %.8sZ  %u/%u %-7s  ", f->id,
		    text_duration(old, age(p, f->when)), when + 11, f->attempt,
		    f->max_attempts, q_state_name(f->state));
		at.width -= at.column;
		(void)live_put_bytes(at, f->reason, strlen(f->reason));
	}
}

void
live_page_draw(const struct live_screen *s, const struct live_queue *q, int first,
    int last, q_time wall)
{
	struct page p = { q, &s->detail, first, last, live_put_columns(), wall };
	int failures = s->detail.failure_count > 0 ? 3 : 0;

	if (q->health >= LIVE_DAMAGED) {
		(void)live_put(line(&p, LIVE_BAD), "%s", q->why);
		return;
	}
	if (q->seen == 0)
		return;
	draw_counts(&p);
	draw_rates(&p);
	draw_charts(&p);
	draw_oldest(&p);
	draw_leased(&p, last - p.row + 1 - failures);
	draw_failures(&p);
}
