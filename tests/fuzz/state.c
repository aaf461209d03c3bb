/* SPDX-License-Identifier: ISC */
/* A state record that is read is written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size), again[STATE_MOST];
	struct state s;

	(void)state_decode(data, size, 1, &s); /* with a checksum that is wrong */
	memcpy(record + 8, data, size);
	if (size > 15)
		record[23] = 0; /* unused: readers do not look at it */
	(void)put_be64(record, hash_record(record + 8, size, 1));
	if (state_decode(record, 8 + size, 1, &s) == 0 &&
	    (state_encode(&s, 1, again) != 8 + size ||
		memcmp(again, record, 8 + size) != 0))
		abort();
	free(record);
	return (0);
}
