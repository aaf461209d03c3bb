/* SPDX-License-Identifier: ISC */
#ifndef JSON_STAT_H
#define JSON_STAT_H

/* What a queue holds, as a JSON object on a line. */

#include <stdio.h>

#include "board.h"

/* Errors of out stay in the stream. */
void json_stat(const struct board_row *row, q_time now, FILE *out);

#endif
