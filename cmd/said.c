/* SPDX-License-Identifier: ISC */
/* Lines of a COMMAND about its messages. */
#include <string.h>

#include "said.h"

enum { STATUS_MOST = 255 };

/* Digits only, and at most that. */
static bool
number(const char **p, size_t most, size_t *out)
{
	size_t n = 0;

	if (**p < '0' || **p > '9')
		return (false);
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (size_t)(**p - '0');
		if (n > most)
			return (false);
	}
	*out = n;
	return (true);
}

static bool
blanks(const char **p)
{
	size_t n = strspn(*p, " \t");

	*p += n;
	return (n > 0);
}

static void
end_line(struct said *s, size_t lines, said_fn *fn, said_wrong_fn *wrong, void *arg)
{
	const char *p = s->line;
	size_t line, status;
	bool whole = s->used <= SAID_LINE;

	s->line[whole ? s->used : (size_t)SAID_LINE] = '\0';
	/* A NUL inside would hide what follows it. */
	whole = whole && strlen(s->line) == s->used;
	s->used = 0;
	if (whole && number(&p, lines, &line) && line > 0 && blanks(&p) &&
	    number(&p, STATUS_MOST, &status) && (blanks(&p), *p == '\0'))
		fn(arg, line, (int)status);
	else
		wrong(arg, s->line);
}

void
said_feed(struct said *s, const char *data, size_t n, size_t lines, said_fn *fn,
    said_wrong_fn *wrong, void *arg)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n') {
			end_line(s, lines, fn, wrong, arg);
			continue;
		}
		if (s->used < SAID_LINE)
			s->line[s->used] = data[i];
		if (s->used <= SAID_LINE)
			s->used++;
	}
}

void
said_end(struct said *s, size_t lines, said_fn *fn, said_wrong_fn *wrong, void *arg)
{
	if (s->used > 0)
		end_line(s, lines, fn, wrong, arg);
}
