/* SPDX-License-Identifier: ISC */
/* A text that is a receipt is the only text of that receipt. */
#include <stdlib.h>
#include <string.h>

#include "q.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[Q_MAX_RECEIPT];
	struct q_receipt r;

	memcpy(text, data, size);
	text[size] = '\0';
	if (q_receipt_parse(text, &r) == 0) {
		q_receipt_format(&r, again);
		if (strcmp(again, text) != 0)
			abort();
	}
	free(text);
	return (0);
}
