/* SPDX-License-Identifier: ISC */
/* Short lines from a descriptor. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

#include "lines.h"

enum { PAUSE_MS = 1 }; /* input that makes us wait so long has paused */

void
lines_open(struct lines *l, int fd)
{
	l->fd = fd;
	l->number = 0;
	l->start = l->end = l->room = 0;
	l->ended = false;
	l->buf = NULL;
}

void
lines_close(struct lines *l)
{
	free(l->buf);
}

/* Whether the line that begins at start may be longer than there is room for. */
static bool
may_grow(const struct lines *l)
{
	return (l->room < LINES_ROOM ||
		(l->buf[l->start] == '{' && l->room < LINES_OBJECT));
}

static int
grow(struct lines *l)
{
	size_t room = l->room == 0 ? (size_t)LINES_ROOM : 2 * l->room;
	char *p = realloc(l->buf, room + 1);

	if (p == NULL)
		return (-1);
	l->buf = p;
	l->room = room;
	return (0);
}

static char *
newline(const struct lines *l)
{
	return (l->start == l->end
		    ? NULL
		    : memchr(l->buf + l->start, '\n', l->end - l->start));
}

/* One read, behind what is there: 0, or -1 with errno set. */
static int
fill(struct lines *l)
{
	ssize_t n;

	if (l->end - l->start == l->room && grow(l) != 0)
		return (-1);
	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	do
		n = read(l->fd, l->buf + l->end, l->room - l->end);
	while (n == -1 && errno == EINTR && stop_signal() == 0);
	if (n == -1)
		return (-1);
	l->ended = n == 0;
	l->end += (size_t)n;
	return (0);
}

int
lines_next(struct lines *l, char **line, size_t *size)
{
	char *stop;
	size_t n;

	while ((stop = newline(l)) == NULL && !l->ended &&
	       (l->end - l->start < l->room || may_grow(l)))
		if (fill(l) != 0)
			return (-1);
	if (l->start == l->end)
		return (0);
	n = stop != NULL ? (size_t)(stop - l->buf) - l->start : l->end - l->start;
	*line = l->buf + l->start;
	*size = n;
	l->start += n + (stop != NULL);
	/* Without a newline it was all there is: nothing is behind it to be
	 * overwritten. */
	(*line)[n] = '\0';
	l->number++;
	return (1);
}

bool
lines_paused(const struct lines *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	return (newline(l) == NULL && !l->ended && poll(&p, 1, PAUSE_MS) == 0);
}
