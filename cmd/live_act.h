/* SPDX-License-Identifier: ISC */
#ifndef LIVE_ACT_H
#define LIVE_ACT_H

/* What the board of qwatch does to a queue: pause, resume, redrive. */

#include "live_keys.h"
#include "live_model.h"

/*
 * Whether there is anything to do, and we may: then what to ask is in text, of
 * LIVE_WORD bytes; else, why not.
 */
bool live_act_ask(const struct live_queue *q, enum live_command command, char *text);
/* Do it; text is what was done, or why not, which is false. */
bool live_act_do(const char *name, enum live_command command, char *text);

#endif
