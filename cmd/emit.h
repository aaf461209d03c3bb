/* SPDX-License-Identifier: ISC */
#ifndef EMIT_H
#define EMIT_H

/* How a taken message is written. */

#include "out.h"
#include "q.h"

struct emit {
	int form;      /* 'l' a line, '0' NUL-terminated, 'j' JSON, 0 the body alone */
	bool receipts; /* before each body: on a line, or up to a tab, or as a field */
	struct out *out;
};

/* 0, or the code of the body that could not be read; errors of the output stay there.
 */
int emit_message(const struct emit *e, struct q *q, const struct q_msg *m);
/* Write the receipt alone to a file that appears when it is complete: 0 or -1. */
int emit_receipt(const char *file, const struct q_receipt *receipt);

#endif
