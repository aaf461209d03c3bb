/* SPDX-License-Identifier: ISC */
/* Numbers of a queue, and untrusted text, as cells of a table. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "forecast.h"
#include "text.h"

#include "cells.h"

_Static_assert((int)CELLS_TEXT >= (int)TEXT_DURATION, "a duration is a cell");

const char *
cells_rate(char buf[CELLS_TEXT], double rate)
{
	if (isnan(rate))
		return (memcpy(buf, "-", sizeof("-")));
	snprintf(buf, CELLS_TEXT, "%.*f", rate < 10 ? 2 : rate < 1000 ? 1 : 0, rate);
	return (buf);
}

const char *
cells_count(char buf[CELLS_TEXT], uint64_t n)
{
	static const char units[] = " kMGTPE";
	double value = (double)n;
	size_t unit = 0;

	if (n < 1000000) {
		snprintf(buf, CELLS_TEXT, "%" PRIu64, n);
		return (buf);
	}
	/* From 999.95 on, the digits would be those of 1000.0. */
	for (; value >= 999.95; unit++)
		value /= 1000;
	snprintf(buf, CELLS_TEXT, "%.1f%c", value, units[unit]);
	return (buf);
}

/* To three digits, when there are many. */
static const char *
growth(char buf[CELLS_TEXT], double value)
{
	char count[CELLS_TEXT];

	if (value < 99999.5)
		snprintf(buf, CELLS_TEXT, "+%.0f/min", value);
	else if (value < 999500)
		snprintf(buf, CELLS_TEXT, "+%.0fk/min", value / 1000);
	else
		snprintf(buf, CELLS_TEXT, "+%.10s/min",
		    cells_count(
			count, value < 1e18 ? (uint64_t)value + 500 : UINT64_MAX));
	return (buf);
}

const char *
cells_drain(char buf[CELLS_TEXT], const struct q_stat *st)
{
	struct measured m;
	double value;

	forecast_measure(st, &m);
	switch (forecast_drift_of(&m, &value)) {
	case DRIFT_DRAINS:
		return (text_seconds(buf, value));
	case DRIFT_GROWS:
		return (growth(buf, value));
	case DRIFT_STEADY:
		return (memcpy(buf, "steady", sizeof("steady")));
	case DRIFT_NONE:
	case DRIFT_UNKNOWN:
		break;
	}
	return (memcpy(buf, "-", sizeof("-")));
}

const char *
cells_paused(const struct q_stat *st)
{
	static const char *const names[] = { "-", "in", "out", "both" };

	return (names[(st->paused_in != 0 ? 1 : 0) + (st->paused_out != 0 ? 2 : 0)]);
}

/* One character of escaped text: its bytes, and its columns or -1. */
static size_t
character(const char *s, size_t n, bool utf8, int *columns)
{
	mbstate_t state = { 0 };
	wchar_t c = 0;
	size_t len = 1;

	*columns = 1;
	if ((unsigned char)*s < 0x80)
		return (1);
	if (utf8) {
		len = mbrtowc(&c, s, n, &state);
		if (len > n) /* (size_t)-1 and -2 */
			return (*columns = -1, 1);
		*columns = wcwidth(c);
		return (len);
	}
	while (len < n && ((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	*columns = -1;
	return (len);
}

/* Where a text is written to: what is used of its bytes and columns. */
struct fit {
	char *buf;
	size_t size, used;
	size_t width, columns;
};

static bool
put(struct fit *f, const char *s, size_t n, size_t columns)
{
	if (f->used + n >= f->size || f->columns + columns > f->width)
		return (false);
	memcpy(f->buf + f->used, s, n);
	f->used += n;
	f->columns += columns;
	return (true);
}

/* All of it; false if it does not fit. */
static bool
put_all(struct fit *f, const char *s, size_t n, bool utf8)
{
	for (size_t step; n > 0; s += step, n -= step) {
		int columns;

		step = character(s, n, utf8, &columns);
		if (columns < 0 ? !put(f, "?", 1, 1)
				: !put(f, s, step, (size_t)columns))
			return (false);
	}
	return (true);
}

size_t
cells_fit(char *buf, size_t size, const void *bytes, size_t n, size_t width, bool utf8)
{
	const char *mark = utf8 ? "…" : ">";
	struct fit f = { buf, size, 0, width, 0 };
	char safe[2048];
	size_t shown = text_escape(safe, sizeof(safe), bytes, n);

	if (shown < n || !put_all(&f, safe, strlen(safe), utf8)) {
		struct fit cut = { buf, size - strlen(mark) * (size > strlen(mark)), 0,
			width > 0 ? width - 1 : 0, 0 };

		(void)put_all(&cut, safe, strlen(safe), utf8);
		cut.size = size;
		cut.width = width;
		(void)put(&cut, mark, strlen(mark), 1);
		f = cut;
	}
	f.buf[f.used] = '\0';
	return (f.columns);
}
