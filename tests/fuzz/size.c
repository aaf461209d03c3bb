/* SPDX-License-Identifier: ISC */
/* A text is no size, or one that can be written in bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[32], shown[TEXT_SIZE];
	uint64_t bytes, same;

	memcpy(text, data, size);
	text[size] = '\0';
	if (parse_size(text, &bytes) == NULL) {
		snprintf(again, sizeof(again), "%" PRIu64, bytes);
		if (parse_size(again, &same) != NULL || same != bytes)
			abort();
		(void)text_size(shown, bytes);
	}
	free(text);
	return (0);
}
