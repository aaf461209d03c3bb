/* SPDX-License-Identifier: ISC */
#ifndef HANDOVER_H
#define HANDOVER_H

/*
 * The next stage. What a COMMAND printed becomes messages of another queue, and only
 * then its message is acknowledged. Whoever dies in between leaves a message that is
 * delivered again, and whose output is then found to be there already.
 */

#include "q.h"

struct handover {
	const char *name; /* of the queue; NULL: there is no next stage */
	bool lines;       /* a message a line, not the whole */
	struct q *q;
	uint8_t from[16];      /* the queue our messages are of */
	struct q_origin *over; /* acknowledged, to be forgotten */
	size_t over_count, over_room;
};

/* Open the queue of that name. Ends the process if it is not another one than from. */
void handover_open(struct handover *h, const char *name, bool lines, struct q *from);
/* Forget what is over, and close. */
void handover_close(struct handover *h);
/*
 * Store what is in fd as coming of m; nothing, if it is empty. 0, or a code: with one
 * that is temporary, nothing was stored.
 */
int handover_push(struct handover *h, const struct q_msg *m, int fd);
/* Message m is acknowledged: it is not delivered again. */
void handover_done(struct handover *h, const struct q_msg *m);

#endif
