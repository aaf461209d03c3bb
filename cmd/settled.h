/* SPDX-License-Identifier: ISC */
#ifndef SETTLED_H
#define SETTLED_H

/* What became of a receipt, for people and for programs. */

#include <stdio.h>

#include "q.h"

struct settled {
	const char *name; /* of the queue */
	const struct q_settle *how;
	const struct q_receipt *receipt;
	const struct q_settled *result;
};

/*
 * Say on stderr what is worth a line: why it was refused, that it was late, and with -v
 * what has happened. Returns the exit status for it.
 */
int settled_report(const struct settled *s);

/* Print a JSON object, one line. Errors stay in the stream. */
void settled_json(const struct settled *s, FILE *out);

#endif
