/* SPDX-License-Identifier: ISC */
/* A message record that is read is written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size), *again;
	struct message m;

	if (size > 3)
		(void)message_decode(
		    data, size, 1, &m); /* with a checksum that is wrong */
	memcpy(record + 8, data, size);
	if (size > 3)
		record[11] = 0; /* unused: readers do not look at it */
	(void)put_be64(record, hash_record(record + 8, size, 1));
	if (message_decode(record, 8 + size, 1, &m) == 0) {
		again = malloc(message_size(&m));
		message_encode(&m, 1, again);
		if (message_size(&m) != 8 + size ||
		    memcmp(again, record, 8 + size) != 0)
			abort();
		free(again);
	}
	free(record);
	return (0);
}
