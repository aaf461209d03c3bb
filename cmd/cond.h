/* SPDX-License-Identifier: ISC */
#ifndef COND_H
#define COND_H

/*
 * Conditions on the numbers of a queue, as people type them: "ready>1000", "oldest>5m",
 * "bytes >= 2G", "in<1/m", "empty". The names and their units are in q(7).
 */

#include <stdbool.h>

#include "q.h"

enum cond_op { COND_GT, COND_GE, COND_LT, COND_LE, COND_EQ };

struct cond_name;

struct cond {
	const struct cond_name *name;
	enum cond_op op;
	double limit; /* messages, seconds, bytes or messages a second */
};

/* NULL, or why it is none, valid until this thread's next call. */
const char *cond_parse(const char *text, struct cond *cond);
/* Whether it is meant as one, though it may be malformed: it has an operator, or is
 * "empty". Neither can be the name of a queue but for the latter. */
bool cond_looks_like(const char *text);

/* What it is about: "ready"; and its unit as plugins of monitoring write it: "s", "B",
 * or "". */
const char *cond_name(const struct cond *cond);
const char *cond_unit(const struct cond *cond);
const char *cond_op(const struct cond *cond); /* ">" */
/* A value of the unit of cond, for people. */
enum { COND_TEXT = 64 };
const char *cond_text(char buf[COND_TEXT], const struct cond *cond, double value);

/* The number it looks at; NAN as long as too few messages were seen to tell. */
double cond_value(const struct cond *cond, const struct q_stat *st, q_time now);
/* Whether it is met. What is not known meets no condition. */
bool cond_met(const struct cond *cond, const struct q_stat *st, q_time now);
/* Whether its number comes from the times and rates, which may be damaged. */
bool cond_of_history(const struct cond *cond);

#endif
