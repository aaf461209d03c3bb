/* SPDX-License-Identifier: ISC */
#ifndef BOARD_H
#define BOARD_H

/* What queues hold: a table for people, an object each for programs. */

#include <stdio.h>

#include "q.h"

struct board_row {
	const char *queue;
	struct q_stat stat;
};

/* Print the table. Errors of out stay in the stream. */
void board_print(const struct board_row *rows, size_t n, q_time now, FILE *out);
/* Print a row as a JSON object, one line. Errors of out stay in the stream. */
void board_json(const struct board_row *row, q_time now, FILE *out);

#endif
