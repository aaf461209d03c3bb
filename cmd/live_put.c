/* SPDX-License-Identifier: ISC */
/* Text and charts on the screen of qwatch's board, by curses. */
#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "chart.h"
#include "live_term.h"

#include "live_put.h"

enum { LINE = 2048, CHART_MOST = 512 };

static const struct {
	attr_t attributes;
	short colour; /* the number of a pair, which is one more */
} looks[] = {
	[LIVE_PLAIN] = { A_NORMAL, -1 },
	[LIVE_HEAD] = { A_BOLD, -1 },
	[LIVE_SELECTED] = { A_REVERSE, -1 },
	[LIVE_BAD] = { A_BOLD, COLOR_RED },
	[LIVE_WARN] = { A_BOLD, COLOR_YELLOW },
	[LIVE_DIM] = { A_DIM, -1 },
	[LIVE_CHART] = { A_NORMAL, COLOR_CYAN },
};
_Static_assert(sizeof(looks) / sizeof(looks[0]) == LIVE_LOOKS, "a look is missing");

static bool utf8, colour;
static enum chart_style spark_style, chart_style;

void
live_put_start(void)
{
	utf8 = live_term_utf8();
	colour = live_term_colour();
	spark_style = live_term_fonts() ? CHART_BLOCK : CHART_ASCII;
	chart_style = live_term_fonts() ? CHART_BRAILLE : CHART_ASCII;
	for (short c = COLOR_RED; colour && c <= COLOR_CYAN; c++)
		(void)init_pair((short)(c + 1), c, -1);
}

/* Errors of curses below are of places outside of the screen: nothing is there then. */

void
live_put_begin(void)
{
	(void)erase();
}

void
live_put_end(void)
{
	(void)wnoutrefresh(stdscr);
	live_term_show();
}

int
live_put_rows(void)
{
	return (LINES);
}

int
live_put_columns(void)
{
	return (COLS);
}

static void
use(enum live_look look)
{
	short pair = colour && looks[look].colour >= 0 ? (short)(looks[look].colour + 1)
	                                               : (short)0;

	(void)attr_set(looks[look].attributes, pair, NULL);
}

/* Where it would leave the screen it ends. */
static size_t
room(struct live_place at)
{
	int left = live_put_columns() - at.column;

	if (at.row < 0 || at.row >= live_put_rows() || at.column < 0 || left <= 0 ||
	    at.width <= 0)
		return (0);
	return ((size_t)(at.width < left ? at.width : left));
}

int
live_put_bytes(struct live_place at, const void *bytes, size_t n)
{
	char text[LINE];
	size_t width = room(at), used;

	if (width == 0)
		return (0);
	used = cells_fit(text, sizeof(text), bytes, n, width, utf8);
	use(at.look);
	(void)move(at.row, at.column);
	(void)addstr(text);
	return ((int)used);
}

int
live_put(struct live_place at, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return (live_put_bytes(at, text, strlen(text)));
}

void
live_put_right(struct live_place at, const char *text)
{
	int n = (int)strlen(text);

	if (n < at.width) {
		at.column += at.width - n;
		at.width = n;
	}
	(void)live_put_bytes(at, text, strlen(text));
}

void
live_put_bar(struct live_place at)
{
	size_t width = room(at);

	use(at.look);
	(void)move(at.row, at.column);
	(void)hline(' ' | looks[at.look].attributes, (int)width);
}

size_t
live_put_samples(int width)
{
	return (chart_samples(chart_style, width > 0 ? (size_t)width : 0));
}

static void
put_rows(enum chart_style style, struct live_place at, int rows, const double *samples,
    size_t n, double top)
{
	char text[CHART_CELL * CHART_MOST + 1];
	size_t width = room(at);
	struct chart c = { style, width < CHART_MOST ? width : CHART_MOST, (size_t)rows,
		top };

	use(at.look);
	for (int i = 0; i < rows && width > 0; i++) {
		(void)move(at.row + i, at.column);
		(void)addstr(chart_row(&c, samples, n, (size_t)i, text));
	}
}

void
live_put_chart(
    struct live_place at, int rows, const double *samples, size_t n, double top)
{
	if (rows > 0)
		put_rows(chart_style, at, rows, samples, n, top);
}

void
live_put_spark(struct live_place at, const double *samples, size_t n)
{
	size_t shown = chart_samples(spark_style, room(at));
	size_t skip = n > shown ? n - shown : 0;

	put_rows(spark_style, at, 1, samples, n, chart_top(samples + skip, n - skip));
}
