/* SPDX-License-Identifier: ISC */
/* A failure or done record that is read is written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "event.h"
#include "hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size), again[FAILURE_MAX];
	struct failure f;
	struct done d;

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
	free(record);
	return (0);
}
