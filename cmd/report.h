/* SPDX-License-Identifier: ISC */
#ifndef REPORT_H
#define REPORT_H

/* What is measured of a queue, and what queueing theory says of it. */

#include <stdbool.h>
#include <stdio.h>

#include "board.h"

struct report {
	double workers;     /* how many there are; 0: as measured */
	double target_wait; /* seconds; negative: none */
	bool json;
};

/* Print it, for people or as JSON. Errors of out stay in the stream. */
void report_print(
    const struct report *how, const struct board_row *row, q_time now, FILE *out);

#endif
