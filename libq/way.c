/* SPDX-License-Identifier: ISC */
/* Ways down the trees of a data file, in memory. */
#include <string.h>

#include "way.h"

const struct span way_first = { NULL, 0 };

bool
way_look(struct sight *s, uint64_t number, bool whole, struct page *p)
{
	uint64_t *seen = &s->seen[number % SIGHT_SEEN];
	size_t size = s->page;

	s->bad = number;
	if (number < 2 || number > s->last ||
	    page_decode(s->map + number * size, size, number, p) != NULL ||
	    p->kind == PAGE_RUN || p->rows < (p->kind == PAGE_BRANCH ? 2 : 1))
		return (false);
	if (!whole || *seen == number)
		return (true);
	if (page_check(p) != NULL)
		return (false);
	*seen = number;
	return (true);
}

/* By the same steps as LMDB's: so those that it meets are looked at. The first of a
 * branch has no key, and is the least there is. */
bool
way_find(const struct page *p, struct span key, unsigned *at, bool *is)
{
	int low = p->kind == PAGE_BRANCH, high = (int)p->rows - 1, order = -1;
	struct page_row r;

	*is = false;
	while (low <= high) {
		unsigned middle = (unsigned)(low + high) / 2;

		if (!page_row(p, middle, &r))
			return (false);
		order = span_compare(key, (struct span){ r.key, r.key_size });
		if (order == 0) {
			*at = middle;
			*is = true;
			return (true);
		}
		if (order > 0)
			low = (int)middle + 1;
		else
			high = (int)middle - 1;
	}
	*at = low > 0 ? (unsigned)low - 1 : 0;
	return (true);
}

/* From the page that w->step[from] is to be. */
static bool
descend(struct sight *s, unsigned depth, uint64_t number, unsigned from,
    const struct span *key, bool whole, struct way *w)
{
	struct page_row row;
	bool is;

	if (depth == 0 || depth > PAGE_DEEPEST)
		return (false);
	for (w->n = from; w->n < depth; w->n++) {
		struct step *step = &w->step[w->n];

		step->number = number;
		if (!way_look(s, number, whole, &step->page) ||
		    (step->page.kind == PAGE_LEAF) != (w->n + 1 == depth))
			return (false);
		if (step->page.kind == PAGE_LEAF)
			continue;
		if (key == NULL)
			step->at = step->page.rows - 1;
		else if (key->data == NULL)
			step->at = 0;
		else if (!way_find(&step->page, *key, &step->at, &is))
			return (false);
		if (!page_row(&step->page, step->at, &row))
			return (false);
		number = row.page;
	}
	return (true);
}

bool
way_go(struct sight *s, uint64_t root, unsigned depth, const struct span *key,
    bool whole, struct way *w)
{
	return (descend(s, depth, root, 0, key, whole, w));
}

bool
way_look_around(struct sight *s, const struct way *w)
{
	struct page_row row;
	struct way side;

	for (unsigned i = 0; i + 1 < w->n; i++) {
		const struct step *step = &w->step[i];

		if (step->at > 0 &&
		    (!page_row(&step->page, step->at - 1, &row) ||
			!descend(s, w->n, row.page, i + 1, NULL, true, &side)))
			return (false);
		if (step->at + 1 < step->page.rows &&
		    (!page_row(&step->page, step->at + 1, &row) ||
			!descend(s, w->n, row.page, i + 1, &way_first, true, &side)))
			return (false);
	}
	return (true);
}

bool
way_next(struct sight *s, struct way *w)
{
	unsigned depth = w->n;
	struct page_row row;

	for (unsigned i = w->n - 1; i-- > 0;) {
		struct step *step = &w->step[i];

		if (step->at + 1 == step->page.rows)
			continue;
		step->at++;
		return (page_row(&step->page, step->at, &row) &&
			descend(s, depth, row.page, i + 1, &way_first, true, w));
	}
	return (false);
}
