/* SPDX-License-Identifier: ISC */
/* What queues hold. */
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "json.h"
#include "text.h"

#include "board.h"

struct column {
	const char *name;
	enum q_state state; /* the cell is the count of this; or, if 0: */
	char *(*cell)(const struct board_row *row, q_time now); /* a new text */
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
	char age[TEXT_DURATION];

	if (row->stat.oldest == 0)
		return (strdup("-"));
	return (strdup(text_duration(age, now - row->stat.oldest)));
}

static char *
size_cell(const struct board_row *row, q_time now)
{
	char size[TEXT_SIZE];

	(void)now;
	return (strdup(text_size(size, row->stat.bytes)));
}

static const struct column columns[] = {
	{ "QUEUE", .cell = queue_cell },
	{ "READY", Q_READY },
	{ "DELAYED", Q_DELAYED },
	{ "BLOCKED", Q_BLOCKED },
	{ "LEASED", Q_LEASED },
	{ "DEAD", Q_DEAD },
	{ "OLDEST", .cell = oldest_cell },
	{ "SIZE", .cell = size_cell },
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

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
add_row(struct libscols_table *table, const struct board_row *row, q_time now)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (line == NULL)
		no_memory();
	for (size_t i = 0; i < COLUMNS; i++) {
		char *text = cell(&columns[i], row, now);

		if (text == NULL || scols_line_refer_data(line, i, text) != 0)
			no_memory();
		if (columns[i].state == Q_DEAD && row->stat.count[Q_DEAD] > 0 &&
		    scols_cell_set_color(scols_line_get_cell(line, i), "red") != 0)
			no_memory();
	}
}

void
board_print(const struct board_row *rows, size_t n, q_time now, FILE *out)
{
	struct libscols_table *table = scols_new_table();
	const char *plain = getenv("NO_COLOR");

	if (table == NULL)
		no_memory();
	for (size_t i = 0; i < COLUMNS; i++)
		if (scols_table_new_column(
			table, columns[i].name, 0, i > 0 ? SCOLS_FL_RIGHT : 0) == NULL)
			no_memory();
	/* These cannot fail: there is a table. What needs escaping we have escaped. */
	(void)scols_table_set_stream(table, out);
	(void)scols_table_enable_noencoding(table, 1);
	if (isatty(fileno(out)) && (plain == NULL || *plain == '\0'))
		(void)scols_table_enable_colors(table, 1);
	for (size_t i = 0; i < n; i++)
		add_row(table, &rows[i], now);
	if (scols_print_table(table) != 0 && !ferror(out))
		no_memory();
	scols_unref_table(table);
}

static void
set_count(json_t *object, const char *name, uint64_t n)
{
	json_set(object, name, json_integer((json_int_t)n));
}

/* Fields that are always there: null says that there is nothing of which to tell it. */
static void
set_times(json_t *object, const struct q_stat *st, q_time now)
{
	char when[TEXT_TIME];

	json_set(object, "oldest_seconds",
	    st->oldest == 0 ? json_null()
			    : json_real((double)(now - st->oldest) / (double)Q_SECOND));
	json_set(object, "next_due",
	    st->next_due == 0 ? json_null()
			      : json_string(text_time(when, st->next_due)));
}

static void
set_uuid(json_t *object, const uint8_t uuid[16])
{
	char text[40], *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	json_set(object, "uuid", json_string(text));
}

void
board_json(const struct board_row *row, q_time now, FILE *out)
{
	const struct q_stat *st = &row->stat;
	json_t *object = json_object();

	if (object == NULL)
		no_memory();
	json_set(object, "queue", json_text(row->queue));
	for (int state = Q_READY; state < Q_STATES; state++)
		set_count(object, q_state_name((enum q_state)state), st->count[state]);
	set_count(object, "done", st->done);
	set_count(object, "expired", st->expired);
	set_count(object, "purged", st->purged);
	set_count(object, "pushed", st->pushed);
	set_count(object, "delivered", st->delivered);
	set_count(object, "failed", st->failed);
	set_times(object, st, now);
	set_count(object, "bytes", st->bytes);
	set_count(object, "disk_bytes", st->disk);
	set_uuid(object, st->uuid);
	json_line(object, out);
}
