/* SPDX-License-Identifier: ISC */
/* A text is no time, or one that reads the same when it is written in RFC 3339. */
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[TEXT_TIME];
	int64_t now = 1800000000000000000, when, same;

	memcpy(text, data, size);
	text[size] = '\0';
	if (parse_time(text, now, &when) == NULL &&
	    (when < 0 || parse_time(text_time(again, when), now, &same) != NULL ||
		same != when))
		abort();
	free(text);
	return (0);
}
