/* SPDX-License-Identifier: ISC */
#ifndef METRICS_H
#define METRICS_H

/* Queues in the text format of Prometheus, which OpenMetrics grew out of. */

#include <stddef.h>
#include <stdio.h>

#include "board.h"

/* A queue that could not be read is not up. Errors of out stay in the stream. */
void metrics_print(const struct board_row *rows, size_t n, q_time now, FILE *out);
/*
 * The same into a file, readable for all, that takes the place of an earlier one when
 * it is complete; a device, a pipe or a link is written to. 0, or -1 after saying why.
 */
int metrics_write(const struct board_row *rows, size_t n, q_time now, const char *file);

#endif
