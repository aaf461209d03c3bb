/* SPDX-License-Identifier: ISC */
/* What queues hold. */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "diag.h"
#include "forecast.h"
#include "text.h"

#include "board.h"

struct column {
	const char *name;
	char *(*cell)(const struct board_row *row, q_time now); /* a new text */
	enum q_state state; /* without that: the cell is the count of this */
	int spare; /* the place, from 1, in which it leaves a narrow terminal; 0: never
	            */
};

static _Noreturn void
no_memory(void)
{
	diag_die(DIAG_FAILED, NULL, "out of memory");
}

static char *
queue_cell(const struct board_row *row, q_time now)
{
	size_t n = strlen(row->queue), room = 4 * n + 16; /* "\xHH" is four for one */
	char *shown = malloc(room);

	(void)now;
	if (shown != NULL)
		(void)text_escape(shown, room, row->queue, n);
	return (shown);
}

static char *
oldest_cell(const struct board_row *row, q_time now)
{
	/* The clock may have been set back since it was pushed. */
	q_time oldest = row->stat.oldest < now ? row->stat.oldest : now;
	char age[TEXT_DURATION];

	if (row->stat.oldest == 0)
		return (strdup("-"));
	return (strdup(text_duration(age, now - oldest)));
}

static char *
number(double n)
{
	char text[CELLS_TEXT];

	return (strdup(cells_rate(text, n)));
}

static char *
in_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (number(row->stat.rate_in[0]));
}

static char *
out_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (number(row->stat.rate_out[0]));
}

static char *
seconds(const struct q_histogram *h, double value)
{
	char text[TEXT_DURATION];

	return (strdup(h->count < FORECAST_LEAST ? "-" : text_seconds(text, value)));
}

static char *
wait50_cell(const struct board_row *row, q_time now)
{
	const struct q_histogram *h = &row->stat.wait;

	(void)now;
	return (seconds(h, q_histogram_quantile(h, 0.5)));
}

static char *
wait99_cell(const struct board_row *row, q_time now)
{
	const struct q_histogram *h = &row->stat.wait;

	(void)now;
	return (seconds(h, q_histogram_quantile(h, 0.99)));
}

static char *
service_cell(const struct board_row *row, q_time now)
{
	const struct q_histogram *h = &row->stat.service;

	(void)now;
	return (seconds(h, q_histogram_mean(h)));
}

static char *
load_cell(const struct board_row *row, q_time now)
{
	struct measured m;
	struct forecast f;

	(void)now;
	forecast_measure(&row->stat, &m);
	forecast_model(&m.load, &f);
	return (number(f.utilisation));
}

static char *
drain_cell(const struct board_row *row, q_time now)
{
	char text[CELLS_TEXT];

	(void)now;
	return (strdup(cells_drain(text, &row->stat)));
}

static char *
paused_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (strdup(cells_paused(&row->stat)));
}

static const struct column columns[] = {
	{ "QUEUE", .cell = queue_cell }, { "READY", .state = Q_READY },
	{ "DELAYED", .state = Q_DELAYED },
	{ "BLOCKED", .state = Q_BLOCKED, .spare = 5 }, { "LEASED", .state = Q_LEASED },
	{ "DEAD", .state = Q_DEAD }, { "OLDEST", .cell = oldest_cell },
	{ "IN/S", .cell = in_cell }, { "OUT/S", .cell = out_cell },
	{ "WAIT50", .cell = wait50_cell, .spare = 3 },
	{ "WAIT99", .cell = wait99_cell, .spare = 1 },
	{ "SERVICE", .cell = service_cell, .spare = 2 },
	{ "LOAD", .cell = load_cell, .spare = 4 }, { "DRAIN", .cell = drain_cell },
	{ "PAUSED", .cell = paused_cell }, /* the last: left out where none is */
};

enum { SPARE = 5 };

static char *
size_text(uint64_t bytes)
{
	char size[TEXT_SIZE];

	return (strdup(text_size(size, bytes)));
}

static char *
bodies_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (size_text(row->stat.bytes));
}

static char *
allocated_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (size_text(row->usage.allocated));
}

static char *
used_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (size_text(row->usage.used));
}

static char *
free_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (size_text(row->usage.free));
}

static char *
blobs_cell(const struct board_row *row, q_time now)
{
	char *text;

	(void)now;
	return (asprintf(&text, "%" PRIu64, row->usage.blobs) == -1 ? NULL : text);
}

static char *
blob_bytes_cell(const struct board_row *row, q_time now)
{
	(void)now;
	return (size_text(row->usage.blob_bytes));
}

static const struct column size_columns[] = {
	{ "QUEUE", .cell = queue_cell },
	{ "BODIES", .cell = bodies_cell },
	{ "ALLOCATED", .cell = allocated_cell },
	{ "USED", .cell = used_cell },
	{ "FREE", .cell = free_cell },
	{ "FILES", .cell = blobs_cell },
	{ "IN FILES", .cell = blob_bytes_cell },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t
columns_for(const struct board_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].stat.paused_in != 0 || rows[i].stat.paused_out != 0)
			return (COUNT(columns));
	return (COUNT(columns) - 1);
}

static char *
cell(const struct column *c, const struct board_row *row, q_time now)
{
	char *text;

	if (c->cell != NULL)
		return (c->cell(row, now));
	if (asprintf(&text, "%" PRIu64, row->stat.count[c->state]) == -1)
		return (NULL);
	return (text);
}

static void
add_row(struct libscols_table *table, const struct column *column, size_t count,
    const struct board_row *row, q_time now)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (line == NULL)
		no_memory();
	for (size_t i = 0; i < count; i++) {
		char *text = cell(&column[i], row, now);

		if (text == NULL || scols_line_refer_data(line, i, text) != 0)
			no_memory();
		if (column[i].state == Q_DEAD && row->stat.count[Q_DEAD] > 0 &&
		    scols_cell_set_color(scols_line_get_cell(line, i), "red") != 0)
			no_memory();
	}
}

/* Whether what is written there may have colours. */
static bool
has_colours(FILE *out)
{
	const char *plain = getenv("NO_COLOR"), *term = getenv("TERM");

	return (isatty(fileno(out)) && (plain == NULL || *plain == '\0') &&
		term != NULL && *term != '\0' && strcmp(term, "dumb") != 0);
}

static size_t
width(struct libscols_table *table)
{
	char *text = NULL;
	size_t n;

	if (scols_print_table_to_string(table, &text) != 0)
		no_memory();
	n = strcspn(text, "\n"); /* all but names of queues is ASCII */
	free(text);
	return (n);
}

/* A line that does not fit a terminal is two, of which nobody can read a column. */
static void
fit(struct libscols_table *table, const struct column *column, size_t count)
{
	size_t room = scols_table_get_termwidth(table);

	for (int next = 1; next <= SPARE && width(table) > room; next++)
		for (size_t i = 0; i < count; i++)
			if (column[i].spare == next)
				(void)scols_column_set_flags(
				    scols_table_get_column(table, i), SCOLS_FL_HIDDEN);
}

static void
print(const struct column *column, size_t count, const struct board_row *rows, size_t n,
    q_time now, FILE *out)
{
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		no_memory();
	for (size_t i = 0; i < count; i++)
		if (scols_table_new_column(
			table, column[i].name, 0, i > 0 ? SCOLS_FL_RIGHT : 0) == NULL)
			no_memory();
	/* These cannot fail: there is a table. What needs escaping we have escaped. */
	(void)scols_table_set_stream(table, out);
	(void)scols_table_enable_noencoding(table, 1);
	for (size_t i = 0; i < n; i++)
		add_row(table, column, count, &rows[i], now);
	if (isatty(fileno(out)))
		fit(table, column, count);
	if (has_colours(out))
		(void)scols_table_enable_colors(table, 1);
	if (scols_print_table(table) != 0 && !ferror(out))
		no_memory();
	scols_unref_table(table);
}

void
board_print(const struct board_row *rows, size_t n, q_time now, FILE *out)
{
	print(columns, columns_for(rows, n), rows, n, now, out);
}

void
board_sizes(const struct board_row *rows, size_t n, q_time now, FILE *out)
{
	print(size_columns, COUNT(size_columns), rows, n, now, out);
}
