/* SPDX-License-Identifier: ISC */
/* The messages a handle holds: needed again when the file that shows it is replaced. */
#include <stdlib.h>

#include "error.h"
#include "q.h"

#include "held.h"

enum { ROOM_MIN = 16 };

/* Drop the empty runs, once they are half of all. */
static void
compact(struct held *h)
{
	size_t n = 0;

	if (h->empty * 2 <= h->count)
		return;
	for (size_t i = 0; i < h->count; i++)
		if (h->run[i].n > 0)
			h->run[n++] = h->run[i];
	h->count = n;
	h->empty = h->next = 0;
}

static int
append(struct held *h, uint64_t first, uint64_t n)
{
	struct run *p;

	if (h->run == NULL || h->count == h->room) {
		size_t room = h->room == 0 ? (size_t)ROOM_MIN : 2 * h->room;

		if ((p = reallocarray(h->run, room, sizeof(*p))) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		h->run = p;
		h->room = room;
	}
	h->run[h->count++] = (struct run){ first, n };
	return (0);
}

int
held_add(struct held *h, uint64_t first, uint64_t n)
{
	struct run *last;

	compact(h);
	last = h->count > 0 ? &h->run[h->count - 1] : NULL;
	if (last != NULL && last->n > 0 && last->first + last->n == first) {
		last->n += n;
		return (0);
	}
	return (append(h, first, n));
}

/* The run that has id. They are mostly let go in the order in which they were taken. */
static struct run *
find(struct held *h, uint64_t id)
{
	for (size_t i = 0; i < h->count; i++) {
		size_t at = (h->next + i) % h->count;
		struct run *r = &h->run[at];

		if (id >= r->first && id - r->first < r->n) {
			h->next = at;
			return (r);
		}
	}
	return (NULL);
}

bool
held_has(struct held *h, uint64_t id)
{
	return (find(h, id) != NULL);
}

/* Take n ids from first on, all of them in it, out of a run. */
static void
cut(struct held *h, struct run *r, uint64_t first, uint64_t n)
{
	uint64_t before = first - r->first, after = r->n - before - n;

	if (before > 0 && after > 0) {
		size_t at = (size_t)(r - h->run);

		if (append(h, first + n, after) != 0)
			return;
		r = &h->run[at];
		after = 0;
	}
	if (before == 0)
		r->first += n;
	r->n = before + after;
	h->empty += r->n == 0;
}

void
held_remove(struct held *h, uint64_t first, uint64_t n)
{
	while (n > 0) {
		struct run *r = find(h, first);
		uint64_t some = 1;

		if (r != NULL) {
			some = r->n - (first - r->first);
			some = some < n ? some : n;
			cut(h, r, first, some);
		}
		first += some;
		n -= some;
	}
}

void
held_free(struct held *h)
{
	free(h->run);
	*h = (struct held){ 0 };
}
