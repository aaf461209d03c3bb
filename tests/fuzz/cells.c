/* SPDX-License-Identifier: ISC */
/* Text that is cut has no more columns than it may, and nothing that acts. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t room, width;
	char *buf;

	if (size < 3)
		return (0);
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	room = data[0] + 1U;
	width = data[1];
	if ((buf = malloc(room)) == NULL)
		return (0);
	if (cells_fit(buf, room, data + 3, size - 3, width, data[2] & 1) > width ||
	    strlen(buf) >= room)
		abort();
	for (const char *s = buf; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f ||
		    (!(data[2] & 1) && (unsigned char)*s >= 0x80))
			abort();
	free(buf);
	return (0);
}
