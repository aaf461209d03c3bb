/* SPDX-License-Identifier: ISC */
#ifndef EVENT_LINE_H
#define EVENT_LINE_H

/* What happened to a queue, as a line for people or a JSON object. */

#include <stdio.h>

#include "q.h"

/* Errors of out stay in the stream. */
void event_line(const char *queue, const struct q_event *event, FILE *out);
void event_json(const char *queue, const struct q_event *event, FILE *out);
/* What no event tells: "missed", with how many if that is known, "damaged", "removed",
 * "created". */
void event_json_note(const char *queue, const char *what, uint64_t n, FILE *out);

#endif
