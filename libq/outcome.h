/* SPDX-License-Identifier: ISC */
#ifndef OUTCOME_H
#define OUTCOME_H

/* The record of what became of a message, in the table result. Layout in q(5). */

#include "q.h"

enum outcome_flag {
	OUT_BLOB = 1 << 0, /* the output is the file blob/ID.out */
	OUT_LOST = 1 << 1, /* there was output, and it could not be kept */
	OUT_KNOWN = (1 << 2) - 1,
};

struct outcome {
	q_time when, until; /* wall clock: of the end, and how long it is kept */
	uint8_t state;      /* 0: done; or Q_DEAD */
	uint8_t flags;      /* of enum outcome_flag */
	enum q_how how;     /* of a dead one: its last attempt */
	uint16_t status;    /* likewise: exit status, or signal */
	uint64_t size;      /* of the output */
	uint64_t hash;      /* of the file */
	const void *output; /* unless it is a file */
	const char *reason; /* not NUL-terminated when decoded */
	size_t reason_size;
};

/* Bytes of the record. */
size_t outcome_size(const struct outcome *o);
void outcome_encode(const struct outcome *o, uint64_t id, uint8_t *record);
/* o points into record. Q_ECORRUPT: it is not, whole, the outcome of message id. */
int outcome_decode(const void *record, size_t size, uint64_t id, struct outcome *o);

#endif
