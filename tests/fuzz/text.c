/* SPDX-License-Identifier: ISC */
/* What is shown has no control characters, and is shown the same again. */
#include <stdlib.h>
#include <string.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = size > 0 ? data[0] + 1 : 1, n;
	char *shown = malloc(room), *again = malloc(room);

	n = text_escape(shown, room, data, size);
	if (n > size || strlen(shown) >= room)
		abort();
	for (const char *s = shown; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
	n = strlen(shown);
	if (text_escape(again, room, shown, n) != n || strcmp(shown, again) != 0)
		abort();
	free(shown);
	free(again);
	return (0);
}
