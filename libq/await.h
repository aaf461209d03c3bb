/* SPDX-License-Identifier: ISC */
#ifndef AWAIT_H
#define AWAIT_H

/* The wait of who has posted a request (slot.h). */

#include "slot.h"

enum await_end {
	AWAIT_ANSWERED, /* await_read() */
	AWAIT_LOCKED, /* the lock is the caller's; a holder that died may have had it */
};

/* 0 and how a posted request's wait ended; or a code, and the request was withdrawn
 * unless the message says otherwise. */
int await_slot(struct q *q, enum await_end *end);
/* Q_EBUSY, and the sentence that says that a request may have been done. */
int await_unknown(struct q *q);
/* The size of the answer, 0 if it was lost; the slot is free again. */
size_t await_read(struct q *q, uint8_t *answer, size_t room);

#endif
