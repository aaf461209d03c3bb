/* SPDX-License-Identifier: ISC */
/* Charts of braille, blocks or ASCII: only numbers and characters, no terminal. */
#include <math.h>
#include <stdbool.h>

#include "chart.h"

static const struct style {
	unsigned levels;  /* heights that a cell can have */
	unsigned columns; /* samples side by side in it */
} styles[] = {
	[CHART_ASCII] = { 4, 1 },
	[CHART_BLOCK] = { 8, 1 },
	[CHART_BRAILLE] = { 4, 2 },
};

size_t
chart_samples(enum chart_style style, size_t width)
{
	return (width * styles[style].columns);
}

double
chart_top(const double *samples, size_t n)
{
	static const double steps[] = { 2, 2.5, 2 }; /* 1, 2, 5, 10 */
	double most = 0, top = 1;

	for (size_t i = 0; i < n; i++)
		if (isfinite(samples[i]) && samples[i] > most)
			most = samples[i];
	for (size_t i = 0; top < most; i++)
		top *= steps[i % 3];
	return (top);
}

/* How high a sample is, in levels of all rows; 0 if it is not known. */
static size_t
height_of(const struct chart *c, double sample)
{
	size_t all = c->height * styles[c->style].levels;
	double part = sample / c->top;

	if (isnan(part))
		return (0);
	if (part <= 0)
		return (1);
	if (part >= 1)
		return (all);
	part = round(part * (double)all);
	return (part < 2 ? 2 : (size_t)part);
}

/* How much of a cell of a row is filled by the sample of a slot, from the left. */
static unsigned
fill(const struct chart *c, const double *samples, size_t n, size_t row, size_t slot)
{
	size_t slots = chart_samples(c->style, c->width), high, below;
	unsigned levels = styles[c->style].levels;

	if (slot + n < slots)
		return (0);
	high = height_of(c, samples[slot + n - slots]);
	below = (c->height - 1 - row) * levels;
	if (high <= below)
		return (0);
	return (high - below < levels ? (unsigned)(high - below) : levels);
}

/* A character of three bytes of UTF-8. */
static char *
put(char *p, unsigned character)
{
	*p++ = (char)(0xe0 | character >> 12);
	*p++ = (char)(0x80 | (character >> 6 & 0x3f));
	*p++ = (char)(0x80 | (character & 0x3f));
	return (p);
}

/* The dots of both columns, from the bottom. */
static unsigned
dots(unsigned left, unsigned right)
{
	static const unsigned char lefts[] = { 0, 0x40, 0x44, 0x46, 0x47 };
	static const unsigned char rights[] = { 0, 0x80, 0xa0, 0xb0, 0xb8 };

	return (0x2800U + (lefts[left] | rights[right]));
}

const char *
chart_row(const struct chart *c, const double *samples, size_t n, size_t row, char *buf)
{
	char *p = buf;

	for (size_t i = 0; i < c->width; i++) {
		bool two = styles[c->style].columns == 2;
		unsigned left = fill(c, samples, n, row, two ? 2 * i : i);
		unsigned right = two ? fill(c, samples, n, row, 2 * i + 1) : 0;

		if (left + right == 0)
			*p++ = ' ';
		else if (c->style == CHART_ASCII)
			*p++ = " _.:#"[left];
		else if (c->style == CHART_BLOCK)
			p = put(p, 0x2580U + left);
		else
			p = put(p, dots(left, right));
	}
	*p = '\0';
	return (buf);
}
