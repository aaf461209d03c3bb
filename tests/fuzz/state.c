/* SPDX-License-Identifier: ISC */
/* A state record that is read is written again as the same bytes; so are its parts. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct extent *e, const uint8_t *record, size_t size)
{
	uint8_t copy[STATE_MOST];

	if (state_encode(e, copy) != size || memcmp(copy, record, size) != 0)
		abort();
}

static void
look_at_parts(const struct extent *e)
{
	for (unsigned n = 1; n <= e->count; n++) {
		struct extent part = extent_part(e, e->count - n, n), got;
		uint8_t record[STATE_MOST];
		size_t size = state_encode(&part, record);

		if (state_decode(record, size, part.first, &got) != 0 ||
		    got.count != n ||
		    extent_size(&got, n - 1) != extent_size(e, e->count - 1))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size);
	struct extent e;

	(void)state_decode(data, size, 1, &e); /* with a checksum that is wrong */
	memcpy(record + 8, data, size);
	(void)put_be64(record, hash_record(record + 8, size, 1));
	if (state_decode(record, 8 + size, 1, &e) == 0) {
		again(&e, record, 8 + size);
		look_at_parts(&e);
	}
	free(record);
	return (0);
}
