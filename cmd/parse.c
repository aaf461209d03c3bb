/* SPDX-License-Identifier: ISC */
/*
 * Numbers, durations, sizes and times as people type them. No locale, no floating point
 * and no allocation: every start of a command pays for what is done here. The time zone
 * is loaded only for times that are local.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text.h"

#include "parse.h"

#define SECOND ((int64_t)1000000000)

enum { QUOTED = 64 };

static _Thread_local char error[256];

/* Text, cut and made visible, and why it will not do. */
static const char *
refuse(const char *text, const char *quote, const char *why)
{
	char shown[QUOTED];
	size_t n = strlen(text);
	bool cut = text_escape(shown, sizeof(shown), text, n) < n;

	snprintf(error, sizeof(error), "%s%s%s%s %s", quote, shown, cut ? "..." : "",
	    quote, why);
	return (error);
}

static bool
digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* All digits at *s, and past them; false if they are too many for *n. */
static bool
number(const char **s, uint64_t *n)
{
	bool fits = true;

	for (*n = 0; digit(**s); (*s)++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(**s - '0'), n))
			fits = false;
	return (fits);
}

/* A fraction at *s in units of scale, cut to whole ones; without a '.' it is 0. */
static bool
fraction(const char **s, int64_t scale, int64_t *n)
{
	*n = 0;
	if (**s != '.')
		return (true);
	if (!digit(*++*s))
		return (false);
	for (; digit(**s); (*s)++) {
		scale /= 10;
		*n += (**s - '0') * scale;
	}
	return (true);
}

/* "-12" as its sign and amount; false: too many digits. *end is NULL if it is none. */
static bool
integer(const char *text, bool *negative, uint64_t *n, const char **end)
{
	const char *s = text + (*text == '-');
	bool some = digit(*s), fits = number(&s, n);

	*negative = *text == '-' && *n != 0;
	*end = some && *s == '\0' ? s : NULL;
	return (fits);
}

const char *
parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	const char *end;
	char why[80];
	uint64_t value;
	bool negative, fits = integer(text, &negative, &value, &end);

	if (end == NULL)
		return (refuse(text, "'", "is not a number"));
	if (fits && !negative && value >= min && value <= max) {
		*n = value;
		return (NULL);
	}
	snprintf(why, sizeof(why), "is not between %" PRIu64 " and %" PRIu64, min, max);
	return (refuse(text, "", why));
}

const char *
parse_int(const char *text, int64_t min, int64_t max, int64_t *n)
{
	const char *end;
	char why[80];
	uint64_t amount;
	bool negative, fits = integer(text, &negative, &amount, &end);
	int64_t value;

	if (end == NULL)
		return (refuse(text, "'", "is not a number"));
	if (fits && amount <= INT64_MAX) {
		value = negative ? -(int64_t)amount : (int64_t)amount;
		if (value >= min && value <= max) {
			*n = value;
			return (NULL);
		}
	}
	snprintf(why, sizeof(why), "is not between %" PRId64 " and %" PRId64, min, max);
	return (refuse(text, "", why));
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", SECOND },
	{ "m", 60 * SECOND }, /* behind "ms", of which it is the beginning */
	{ "h", 3600 * SECOND }, { "d", 86400 * SECOND }, { "w", 604800 * SECOND },
	{ "",
	    SECOND }, /* matches always; last, as the largest, so nothing precedes it */
};

/* "1.5h" at *s, and past it: its unit and value; NULL if it is none. */
static const struct unit *
part(const char **s, int64_t *ns, bool *fits)
{
	const struct unit *u = units;
	const char *point;
	uint64_t whole;
	int64_t rest;

	if (!digit(**s))
		return (NULL);
	*fits = number(s, &whole);
	point = *s;
	if (**s == '.')
		*s += 1 + strspn(*s + 1, "0123456789");
	while (strncmp(*s, u->name, strlen(u->name)) != 0)
		u++;
	*s += strlen(u->name);
	if (!fraction(&point, u->ns, &rest))
		return (NULL);
	if (__builtin_mul_overflow(whole, u->ns, ns) ||
	    __builtin_add_overflow(*ns, rest, ns))
		*fits = false;
	return (u);
}

const char *
parse_duration(const char *text, int64_t *ns)
{
	static const char what[] = "is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)";
	const struct unit *last = units + sizeof(units) / sizeof(units[0]), *u;
	const char *s = text;
	int64_t sum = 0, value;
	bool fits = true, part_fits;

	if (text[0] == '-' && digit(text[1]))
		return (refuse(text, "'", "is negative"));
	do {
		u = part(&s, &value, &part_fits);
		if (u == NULL || u >= last)
			return (refuse(text, "'", what));
		last = u;
		fits = fits && part_fits && !__builtin_add_overflow(sum, value, &sum);
	} while (*s != '\0');
	if (!fits)
		return (refuse(text, "'", "is too long"));
	*ns = sum;
	return (NULL);
}

/* What a size's suffix multiplies by, as a shift; -1 if it is none. */
static int
suffix(const char *s)
{
	static const char letters[] = "KMGTPEkmgtpe";
	const char *letter;

	if (*s == '\0')
		return (0);
	if ((letter = strchr(letters, *s)) == NULL)
		return (-1);
	if (s[1] != '\0' && strcmp(s + 1, "iB") != 0)
		return (-1);
	return (10 * ((int)(letter - letters) % 6 + 1));
}

const char *
parse_size(const char *text, uint64_t *bytes)
{
	const char *s = text;
	uint64_t n;
	int shift;
	bool fits, some = digit(*s);

	if (text[0] == '-' && digit(text[1]))
		return (refuse(text, "'", "is negative"));
	fits = number(&s, &n);
	if (!some || (shift = suffix(s)) == -1)
		return (refuse(text, "'", "is not a size (like 100, 64K, 10M, 2G)"));
	if (!fits || n > UINT64_MAX >> shift)
		return (refuse(text, "'", "is too large"));
	*bytes = n << shift;
	return (NULL);
}

/* Exactly two digits at *s, at most max. */
static bool
two(const char **s, int max, int *n)
{
	const char *p = *s;

	if (!digit(p[0]) || !digit(p[1]))
		return (false);
	*n = 10 * (p[0] - '0') + p[1] - '0';
	*s += 2;
	return (*n <= max);
}

/* The character c, and past it. */
static bool
skip(const char **s, char c)
{
	if (**s != c)
		return (false);
	(*s)++;
	return (true);
}

/* "18:00", "18:00:30.5" at *s. A second 60 is the leap second RFC 3339 allows. */
static bool
clock_time(const char **s, struct tm *tm, int64_t *ns)
{
	*ns = 0;
	tm->tm_sec = 0;
	if (!two(s, 23, &tm->tm_hour) || !skip(s, ':') || !two(s, 59, &tm->tm_min))
		return (false);
	if (!skip(s, ':'))
		return (true);
	return (two(s, 60, &tm->tm_sec) && fraction(s, SECOND, ns));
}

/* "2026-11-21" at *s, a day that exists. */
static bool
date(const char **s, struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int century, year;

	if (!two(s, 99, &century) || !two(s, 99, &year) || !skip(s, '-') ||
	    !two(s, 12, &tm->tm_mon) || !skip(s, '-') || !two(s, 31, &tm->tm_mday))
		return (false);
	year += 100 * century;
	tm->tm_year = year - 1900;
	if (tm->tm_mon-- == 0 || tm->tm_mday == 0)
		return (false);
	if (tm->tm_mon == 1 && tm->tm_mday == 29)
		return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	return (tm->tm_mday <= days[tm->tm_mon]);
}

/* "Z" or "+02:00" at *s, as seconds east. */
static bool
zone(const char **s, int64_t *east)
{
	int hours, minutes;
	int64_t sign;

	*east = 0;
	if (skip(s, 'Z') || skip(s, 'z'))
		return (true);
	sign = **s == '-' ? -1 : 1;
	if (!skip(s, '+') && !skip(s, '-'))
		return (false);
	if (!two(s, 23, &hours) || !skip(s, ':') || !two(s, 59, &minutes))
		return (false);
	*east = sign * (hours * 3600 + minutes * 60);
	return (true);
}

/* Seconds since 1970 of a time in UTC, not by timegm(), which would load the time zone.
 */
static int64_t
utc(const struct tm *tm)
{
	/* Years that start in March: the leap day is their last. */
	int64_t y = tm->tm_year + 1900 - (tm->tm_mon < 2), m = (tm->tm_mon + 10) % 12;
	int64_t day = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	              tm->tm_mday - 719469;

	return (((day * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec);
}

/* "2026-11-21", "2026-11-21 18:00", "2026-11-21T18:00:00.5+02:00". */
static bool
dated(const char *s, int64_t *seconds, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t east;

	*ns = 0;
	if (!date(&s, &tm))
		return (false);
	if (skip(&s, 'T') || skip(&s, 't') || skip(&s, ' ')) {
		if (!clock_time(&s, &tm, ns))
			return (false);
		if (*s != '\0') {
			if (!zone(&s, &east))
				return (false);
			*seconds = utc(&tm) - east;
			return (*s == '\0');
		}
	}
	*seconds = mktime(&tm);
	return (*s == '\0');
}

/* "18:00", "tomorrow", "tomorrow 18:00": the first such time after now. */
static bool
next(const char *s, int64_t now, int64_t *seconds, int64_t *ns)
{
	static const char tomorrow[] = "tomorrow";
	time_t today = now / SECOND;
	struct tm tm, at;
	int day = 0;

	*ns = 0;
	if (localtime_r(&today, &tm) == NULL)
		return (false);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	if (strncmp(s, tomorrow, strlen(tomorrow)) == 0) {
		s += strlen(tomorrow);
		day = 1;
	}
	if ((day == 0 || skip(&s, ' ')) && !clock_time(&s, &tm, ns))
		return (false);
	do {
		at = tm; /* mktime() changes what it is given */
		at.tm_mday += day;
		*seconds = mktime(&at);
	} while (day++ == 0 &&
		 (*seconds < today || (*seconds == today && *ns <= now % SECOND)));
	return (*s == '\0');
}

/* "@1790000000.5" */
static bool
epoch(const char *s, int64_t *seconds, int64_t *ns)
{
	uint64_t n;

	s++;
	if (!digit(*s))
		return (false);
	*seconds = number(&s, &n) && n <= INT64_MAX ? (int64_t)n : INT64_MAX;
	return (fraction(&s, SECOND, ns) && *s == '\0');
}

const char *
parse_time(const char *text, int64_t now, int64_t *when)
{
	int64_t seconds, ns, value;
	bool good;

	if (text[0] == '@')
		good = epoch(text, &seconds, &ns);
	else if (strlen(text) >= 10 && text[4] == '-')
		good = dated(text, &seconds, &ns);
	else
		good = next(text, now, &seconds, &ns);
	if (!good)
		return (refuse(text, "'",
		    "is not a time (like 18:00, tomorrow, 2026-11-21T18:00:00Z, "
		    "@1790000000)"));
	if (seconds < 0 || __builtin_mul_overflow(seconds, SECOND, &value) ||
	    __builtin_add_overflow(value, ns, &value))
		return (refuse(text, "'", "is not between the years 1970 and 2262"));
	*when = value;
	return (NULL);
}
