/* SPDX-License-Identifier: ISC */
/* A failure, done, key, result or log record that is read is written again as the same
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "event.h"
#include "hash.h"
#include "log.h"
#include "outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size), again[FAILURE_MAX];
	struct failure f;
	struct done d;
	struct q_event e;
	struct unique u;
	struct outcome o;
	uint8_t hash[16] = { [7] = 1 };

	(void)failure_decode(data, size, 1, &f); /* with a checksum that is wrong */
	memcpy(record + 8, data, size);
	(void)put_be64(record, hash_record(record + 8, size, 1));
	if (failure_decode(record, 8 + size, 1, &f) == 0 &&
	    (failure_encode(&f, 1, again) != 8 + size ||
		memcmp(again, record, 8 + size) != 0))
		abort();
	if (done_decode(record, 8 + size, 1, &d) == 0) {
		done_encode(&d, 1, again);
		if (8 + size != DONE_SIZE || memcmp(again, record, DONE_SIZE) != 0)
			abort();
	}
	if (unique_decode(record, 8 + size, hash, &u) == 0) {
		unique_encode(&u, hash, again);
		if (8 + size != UNIQUE_SIZE || memcmp(again, record, UNIQUE_SIZE) != 0)
			abort();
	}
	if (log_decode(record, 8 + size, 1, &e) == 0 &&
	    (log_encode(&e, 1, again) != 8 + size ||
		memcmp(again, record, 8 + size) != 0))
		abort();
	if (outcome_decode(record, 8 + size, 1, &o) == 0) {
		uint8_t *copy = malloc(8 + size);

		if (outcome_size(&o) != 8 + size)
			abort();
		outcome_encode(&o, 1, copy);
		if (memcmp(copy, record, 8 + size) != 0)
			abort();
		free(copy);
	}
	free(record);
	return (0);
}
