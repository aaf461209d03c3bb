/* SPDX-License-Identifier: ISC */
/* A text is no duration, or one that is not negative and can be written in nanoseconds.
 */
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
	char *text = malloc(size + 1), again[32], shown[TEXT_DURATION];
	int64_t ns, same = -1;

	memcpy(text, data, size);
	text[size] = '\0';
	if (parse_duration(text, &ns) == NULL) {
		snprintf(again, sizeof(again), "%" PRId64 "ns", ns);
		if (ns < 0 || parse_duration(again, &same) != NULL || same != ns)
			abort();
		(void)text_duration(shown, ns);
	}
	free(text);
	return (0);
}
