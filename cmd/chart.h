/* SPDX-License-Identifier: ISC */
#ifndef CHART_H
#define CHART_H

/*
 * Numbers over time as rows of characters. A column is filled from the bottom: zero is
 * the lowest mark, so that it differs from what is not known, which is blank, and what
 * is more than zero is higher than that, however little it is.
 */

#include <stddef.h>

enum chart_style {
	CHART_ASCII,   /* four heights a cell, a sample a column */
	CHART_BLOCK,   /* eight, and one */
	CHART_BRAILLE, /* four, and two */
};

enum { CHART_CELL = 3 }; /* bytes of a cell */

struct chart {
	enum chart_style style;
	size_t width, height; /* in cells */
	double top;           /* the value that fills a column; more than 0 */
};

/* How many samples fit into so many cells. */
size_t chart_samples(enum chart_style style, size_t width);
/* A round number that none exceeds: 1, 2, 5, 10, ... What is not finite does not count.
 */
double chart_top(const double *samples, size_t n);
/*
 * Row 0 is the highest. The last sample is at the right end; of too many, the first are
 * left out. NAN is a sample that is not known. Writes width cells and a NUL into buf,
 * which has room for CHART_CELL * width + 1 bytes, and returns it.
 */
const char *chart_row(
    const struct chart *c, const double *samples, size_t n, size_t row, char *buf);

#endif
