/* SPDX-License-Identifier: ISC */
#ifndef JSON_RESULT_H
#define JSON_RESULT_H

/* What became of a message, as a JSON object on a line. */

#include <stdio.h>

#include "q.h"

/* With its output, a blob in constant memory. 0, or the code of q_result_open(), and
 * nothing is printed then. Errors of out stay in the stream. */
int json_result(struct q *q, const char *queue, const struct q_result *r, FILE *out);
/* Of one that ended without a result: as an event told. */
void json_result_event(const char *queue, const struct q_event *e, FILE *out);

#endif
