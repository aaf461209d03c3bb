/* SPDX-License-Identifier: ISC */
/* An answer, or a row that keeps one, says no more than was asked. */
#include <stdlib.h>

#include "answer.h"
#include "bytes.h"
#include "hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct q_push messages[2];
	struct q_pushed ids[2];
	const struct request requests[] = { { .op = OP_SETTLE },
		{ .op = OP_PUSH,
		    .push = { .messages = messages, .n = 2, .pushed = ids } } };
	struct result results[2];
	uint8_t *row = malloc(8 + size);
	struct answered a;
	enum answer answer;
	int code;

	(void)answered_decode(data, size, 1, &a); /* with a checksum that is wrong */
	memcpy(row + 8, data, size);
	(void)put_be64(row, hash_record(row + 8, size, 1));
	if (answered_decode(row, 8 + size, 1, &a) == 0) {
		data = a.data;
		size = a.size;
	}
	if (answer_get(data, size, requests, results, 2, &answer, &code) == 0 &&
	    answer == ANSWER_RESULTS &&
	    (results[1].pushed.stored > 2 || results[0].settled.code > 0))
		abort();
	free(row);
	return (0);
}
