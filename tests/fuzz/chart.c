/* SPDX-License-Identifier: ISC */
/* Any numbers make rows of the width that was asked for, and nothing more. */
#include <stdlib.h>
#include <string.h>

#include "chart.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct chart c;
	double *samples;
	size_t n;

	if (size < 3)
		return (0);
	c.style = (enum chart_style)(data[0] % 3);
	c.width = data[1] % MOST;
	c.height = 1 + data[2] % 8;
	n = (size - 3) / sizeof(*samples);
	samples = malloc(n * sizeof(*samples) + 1);
	memcpy(samples, data + 3, n * sizeof(*samples));
	c.top = chart_top(samples, n);
	if (!(c.top >= 1))
		abort();
	for (size_t row = 0; row < c.height; row++) {
		char *buf = malloc(CHART_CELL * c.width + 1);
		size_t cells = 0;

		for (const char *p = chart_row(&c, samples, n, row, buf); *p != '\0';
		     p++)
			cells += ((unsigned char)*p & 0xc0) != 0x80;
		if (cells != c.width)
			abort();
		free(buf);
	}
	free(samples);
	return (0);
}
