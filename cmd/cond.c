/* SPDX-License-Identifier: ISC */
/* Conditions on the numbers of a queue. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast.h"
#include "parse.h"
#include "text.h"

#include "cond.h"

enum kind { COUNT, SECONDS, BYTES, RATE, RATIO, KINDS };

struct cond_name {
	const char *name;
	double (*get)(const struct q_stat *st, q_time now);
	enum kind kind;
	bool history;
};

static double
ready(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->count[Q_READY]);
}

static double
delayed(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->count[Q_DELAYED]);
}

static double
blocked(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->count[Q_BLOCKED]);
}

static double
leased(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->count[Q_LEASED]);
}

static double
dead(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->count[Q_DEAD]);
}

/* All that still has a way to go. */
static double
pending(const struct q_stat *st, q_time now)
{
	return (ready(st, now) + delayed(st, now) + blocked(st, now) + leased(st, now));
}

static double
oldest(const struct q_stat *st, q_time now)
{
	if (st->oldest == 0 || st->oldest > now)
		return (0);
	return ((double)(now - st->oldest) / (double)Q_SECOND);
}

static double
bytes(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->bytes);
}

static double
disk(const struct q_stat *st, q_time now)
{
	(void)now;
	return ((double)st->disk);
}

static double
in(const struct q_stat *st, q_time now)
{
	(void)now;
	return (st->rate_in[0]);
}

static double
out(const struct q_stat *st, q_time now)
{
	(void)now;
	return (st->rate_out[0]);
}

static double
quantile(const struct q_histogram *h, double p)
{
	return (h->count >= FORECAST_LEAST ? q_histogram_quantile(h, p) : NAN);
}

static double
wait50(const struct q_stat *st, q_time now)
{
	(void)now;
	return (quantile(&st->wait, 0.5));
}

static double
wait99(const struct q_stat *st, q_time now)
{
	(void)now;
	return (quantile(&st->wait, 0.99));
}

static double
service(const struct q_stat *st, q_time now)
{
	struct measured m;

	(void)now;
	forecast_measure(st, &m);
	return (m.load.service);
}

static double
load(const struct q_stat *st, q_time now)
{
	struct measured m;
	struct forecast f;

	(void)now;
	forecast_measure(st, &m);
	forecast_model(&m.load, &f);
	return (f.utilisation);
}

static const struct cond_name names[] = {
	{ "ready", ready, COUNT, false },
	{ "delayed", delayed, COUNT, false },
	{ "blocked", blocked, COUNT, false },
	{ "leased", leased, COUNT, false },
	{ "dead", dead, COUNT, false },
	{ "pending", pending, COUNT, false },
	{ "oldest", oldest, SECONDS, false },
	{ "bytes", bytes, BYTES, false },
	{ "disk", disk, BYTES, false },
	{ "in", in, RATE, true },
	{ "out", out, RATE, true },
	{ "wait50", wait50, SECONDS, true },
	{ "wait99", wait99, SECONDS, true },
	{ "service", service, SECONDS, true },
	{ "load", load, RATIO, true },
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static const char operators[][3] = {
	[COND_GT] = ">",
	[COND_GE] = ">=",
	[COND_LT] = "<",
	[COND_LE] = "<=",
	[COND_EQ] = "==",
};
enum { OPERATORS = sizeof(operators) / sizeof(operators[0]) };

static _Thread_local char why[512];

static const char *
refuse(const char *text, const char *reason)
{
	char shown[64];
	bool cut = text_escape(shown, sizeof(shown), text, strlen(text)) < strlen(text);

	(void)snprintf(why, sizeof(why), "'%s%s' %s", shown, cut ? "..." : "", reason);
	return (why);
}

/* A decimal number of at most so many letters before and behind its point. */
static bool
decimal(const char *s, size_t n, double *value)
{
	char copy[32];
	size_t whole = strspn(s, "0123456789"), part = 0;

	if (whole < n && s[whole] == '.')
		part = 1 + strspn(s + whole + 1, "0123456789");
	if (whole == 0 || part == 1 || whole + part != n || n >= sizeof(copy))
		return (false);
	memcpy(copy, s, n);
	copy[n] = '\0';
	*value = strtod(copy, NULL);
	return (true);
}

static const char *
parse_rate(const char *text, double *value)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t n = strcspn(text, "/");

	if (text[n] == '\0' && decimal(text, n, value))
		return (NULL);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text[n] == '/' && text[n + 1] == units[i].unit &&
		    text[n + 2] == '\0' && decimal(text, n, value)) {
			*value /= units[i].seconds;
			return (NULL);
		}
	return (refuse(text, "is not a rate (like 10, 0.5/s, 90/m, 5/h)"));
}

static const char *
parse_limit(enum kind kind, const char *text, double *value)
{
	const char *failed;
	uint64_t n = 0;
	int64_t ns;

	if (kind == RATE)
		return (parse_rate(text, value));
	if (kind == RATIO)
		return (decimal(text, strlen(text), value)
			    ? NULL
			    : refuse(text, "is not a number (like 1, 0.8)"));
	if (kind == SECONDS) {
		if ((failed = parse_duration(text, &ns)) == NULL)
			*value = (double)ns / (double)Q_SECOND;
		return (failed);
	}
	failed =
	    kind == BYTES ? parse_size(text, &n) : parse_count(text, 0, UINT64_MAX, &n);
	if (failed == NULL)
		*value = (double)n;
	return (failed);
}

static const struct cond_name *
find(const char *text, size_t n)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strlen(names[i].name) == n && memcmp(names[i].name, text, n) == 0)
			return (&names[i]);
	return (NULL);
}

static const char *
no_name(const char *text, size_t n)
{
	char list[256] = "", shown[80];
	size_t used = 0;

	for (size_t i = 0; i < NAMES; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
		    i > 0 ? ", " : "", names[i].name);
	(void)snprintf(shown, sizeof(shown), "%.*s", n < 64 ? (int)n : 64, text);
	(void)refuse(shown, "is not one of ");
	(void)snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s", list);
	return (why);
}

const char *
cond_parse(const char *text, struct cond *cond)
{
	size_t n = strcspn(text, "<>= "), op = OPERATORS;
	const char *s = text + n, *failed;
	struct cond c = { .name = find(text, n) };

	if (strcmp(text, "empty") == 0) {
		*cond = (struct cond){ find("pending", 7), COND_EQ, 0 };
		return (NULL);
	}
	s += strspn(s, " ");
	for (size_t i = 0; i < OPERATORS; i++)
		if (strncmp(s, operators[i], strlen(operators[i])) == 0 &&
		    (op == OPERATORS || strlen(operators[i]) > strlen(operators[op])))
			op = i;
	if (op == OPERATORS)
		return (refuse(text, "is not a condition (like ready>1000, oldest>5m, "
				     "bytes>=2G, in<1/m, empty)"));
	if (c.name == NULL)
		return (no_name(text, n));
	s += strlen(operators[op]);
	s += strspn(s, " ");
	if ((failed = parse_limit(c.name->kind, s, &c.limit)) != NULL)
		return (failed);
	c.op = (enum cond_op)op;
	*cond = c;
	return (NULL);
}

bool
cond_looks_like(const char *text)
{
	size_t n = strcspn(text, "<>=");

	return (strcmp(text, "empty") == 0 ||
		(text[n] != '\0' && memchr(text, '/', n) == NULL));
}

const char *
cond_name(const struct cond *cond)
{
	return (cond->name->name);
}

const char *
cond_unit(const struct cond *cond)
{
	static const char *const units[KINDS] = { [SECONDS] = "s", [BYTES] = "B" };
	const char *unit = units[cond->name->kind];

	return (unit != NULL ? unit : "");
}

const char *
cond_op(const struct cond *cond)
{
	return (operators[cond->op]);
}

const char *
cond_text(char buf[COND_TEXT], const struct cond *cond, double value)
{
	char text[TEXT_SIZE > TEXT_DURATION ? TEXT_SIZE : TEXT_DURATION];

	if (isnan(value))
		return (memcpy(buf, "unknown", sizeof("unknown")));
	switch (cond->name->kind) {
	case SECONDS:
		(void)snprintf(buf, COND_TEXT, "%s", text_seconds(text, value));
		break;
	case BYTES:
		/* The most that a limit can be is rounded up, to one more than fits. */
		(void)snprintf(buf, COND_TEXT, "%s",
		    text_size(text, value < 0x1p64 ? (uint64_t)value : UINT64_MAX));
		break;
	case RATE:
		(void)snprintf(buf, COND_TEXT, "%.4g/s", value);
		break;
	default:
		(void)snprintf(buf, COND_TEXT, "%.15g", value);
	}
	return (buf);
}

double
cond_value(const struct cond *cond, const struct q_stat *st, q_time now)
{
	if (cond->name->history && st->history_damaged)
		return (NAN);
	return (cond->name->get(st, now));
}

bool
cond_met(const struct cond *cond, const struct q_stat *st, q_time now)
{
	double value = cond_value(cond, st, now);

	switch (cond->op) {
	case COND_GT:
		return (value > cond->limit);
	case COND_GE:
		return (value >= cond->limit);
	case COND_LT:
		return (value < cond->limit);
	case COND_LE:
		return (value <= cond->limit);
	case COND_EQ:
		return (value == cond->limit);
	}
	return (false);
}

bool
cond_of_history(const struct cond *cond)
{
	return (cond->name->history);
}
