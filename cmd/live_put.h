/* SPDX-License-Identifier: ISC */
#ifndef LIVE_PUT_H
#define LIVE_PUT_H

/* Text and charts at places of the screen; what does not fit is cut. */

#include <stdbool.h>
#include <stddef.h>

enum live_look {
	LIVE_PLAIN,
	LIVE_HEAD,
	LIVE_SELECTED,
	LIVE_BAD,
	LIVE_WARN,
	LIVE_DIM,
	LIVE_CHART,
	LIVE_LOOKS
};

/* A rectangle of one row. */
struct live_place {
	int row, column, width;
	enum live_look look;
};

/* Once, when the terminal was taken. */
void live_put_start(void);
/* Begin a new picture. Only what differs from the last one is sent. */
void live_put_begin(void);
void live_put_end(void);
int live_put_rows(void);
int live_put_columns(void);

/* Untrusted bytes; returns the columns that are used. */
int live_put_bytes(struct live_place at, const void *bytes, size_t n);
__attribute__((format(printf, 2, 3))) int live_put(
    struct live_place at, const char *fmt, ...);
/* At its right end. */
void live_put_right(struct live_place at, const char *text);
/* The whole width in a look, before it is written on. */
void live_put_bar(struct live_place at);
/* The last of n samples, as high as rows, below top. spark: one row, coarse. */
void live_put_chart(
    struct live_place at, int rows, const double *samples, size_t n, double top);
void live_put_spark(struct live_place at, const double *samples, size_t n);
/* How many samples a chart of that width shows. */
size_t live_put_samples(int width);

#endif
