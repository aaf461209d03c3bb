/* SPDX-License-Identifier: ISC */
#ifndef ANSWER_H
#define ANSWER_H

/*
 * What became of a parcel of requests, as bytes: in the slot for its owner, and in the
 * table slot for whoever has the lock after a holder that died before he had said it.
 */

#include "apply.h"

enum { ANSWER_MAX = 2048 }; /* bytes */

enum answer {
	ANSWER_RESULTS = 1,
	ANSWER_ALONE, /* not done: the owner is to do it himself, and find out why */
	ANSWER_FAILED /* the transaction failed, maybe after it was stored */
};

/* Size of the answer to the n requests. */
size_t answer_put_results(const struct request *requests, const struct result *results,
    size_t n, uint8_t out[ANSWER_MAX]);
size_t answer_put_alone(uint8_t out[ANSWER_MAX]);
/* With the sentence of this thread's last failure. */
size_t answer_put_failed(int code, uint8_t out[ANSWER_MAX]);
/*
 * Read the answer to n requests: *code and, with ANSWER_RESULTS, the results. A refused
 * push and a failure become this thread's last. Q_EINVAL: that is no answer to them.
 */
int answer_get(const uint8_t *data, size_t size, const struct request *requests,
    struct result *results, size_t n, enum answer *answer, int *code);

/* A row of the table slot: what the last request of a slot was answered. */
struct answered {
	uint64_t ticket;
	q_time when; /* wall clock */
	const uint8_t *data;
	size_t size;
};

enum { ANSWERED_MAX = 8 + 8 + 8 + ANSWER_MAX };

size_t answered_encode(
    const struct answered *a, unsigned slot, uint8_t record[ANSWERED_MAX]);
int answered_decode(const void *record, size_t size, unsigned slot, struct answered *a);

#endif
