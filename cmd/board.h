/* SPDX-License-Identifier: ISC */
#ifndef BOARD_H
#define BOARD_H

/* What queues hold, and take on the disk, as tables for people. */

#include <stdio.h>

#include "q.h"

struct board_row {
	const char *queue;
	struct q_stat stat;
	struct q_usage usage;
	char *failed; /* why stat could not be read; NULL: it was */
};

/*
 * Print the table. Errors of out stay in the stream. What is computed from fewer than
 * FORECAST_LEAST observations is shown as unknown.
 */
void board_print(const struct board_row *rows, size_t n, q_time now, FILE *out);
/* What they take on the disk. */
void board_sizes(const struct board_row *rows, size_t n, q_time now, FILE *out);

#endif
