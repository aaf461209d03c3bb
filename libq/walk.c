/* SPDX-License-Identifier: ISC */
/* Walking the trees of a data file, trusting none of its pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

#include "walk.h"

/* Pages at the end that LMDB may have numbered, but not written, since they are free
 * again: no more than a transaction may change. */
enum { TAIL_MOST = 1 << 17 };

/* What a walk has met, to be compared with what the tree says of itself. */
struct met {
	uint64_t branches, leaves, runs, rows;
	unsigned depth; /* of its leaves */
	int (*compare)(const uint8_t *, size_t, const uint8_t *, size_t);
};

/* Keys of a subtree: from low on, before high; NULL is no bound. */
struct range {
	const uint8_t *low, *high;
	size_t low_size, high_size;
};

static int
compare_bytes(const uint8_t *a, size_t as, const uint8_t *b, size_t bs)
{
	int order = memcmp(a, b, as < bs ? as : bs);

	return (order != 0 ? order : as < bs ? -1 : as > bs);
}

static int
found(struct walk *w, uint64_t page, const char *what)
{
	if (w->code != 0)
		return (w->code);
	return (w->found != NULL ? w->found(w, page, what) : 0);
}

/* NULL, or why not. What a disk does not give any more is damaged; any other error says
 * nothing about the page, and ends the walk. */
static const char *
read_at(struct walk *w, uint64_t page, void *out, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(w->fd, (uint8_t *)out + got, size - got,
		    (off_t)(page * w->page + got));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EIO)
			w->code = fail_sys("data.mdb");
		if (n <= 0)
			return (
			    n == 0 ? "is behind the end of the file" : strerror(errno));
		got += (size_t)n;
	}
	return (NULL);
}

/* The second is where the first ends, by its own word: how large a page is follows from
 * the machine that made the file. */
int
walk_meta(int fd, uint64_t number, struct page_meta *meta)
{
	uint8_t page[PAGE_LEAST];
	struct page_meta m;
	int code = 0;

	for (size_t size = PAGE_LEAST; size <= PAGE_MOST && code == 0; size *= 2) {
		struct walk w = { .fd = fd, .page = size };
		const char *why = read_at(&w, number, page, sizeof(page));

		code = w.code;
		if (why != NULL || !page_meta(page, sizeof(page), number, &m) ||
		    (number > 0 && m.page != size))
			continue;
		*meta = m;
		return (0);
	}
	if (code != 0)
		return (code);
	return (fail(Q_ECORRUPT, "meta page %d is damaged", (int)number));
}

int
walk_open(struct walk *w, int fd, const struct page_meta *meta)
{
	off_t end = lseek(fd, 0, SEEK_END);
	uint64_t most = end > 0 ? (uint64_t)end / meta->page : 0;

	*w = (struct walk){ .fd = fd, .page = meta->page, .pages = meta->last + 1 };
	if (w->pages > most + TAIL_MOST) /* cut, or damaged: no more than there is */
		w->pages = most;
	w->there = w->pages < most ? w->pages : most;
	if (end == -1)
		return (fail_sys("data.mdb"));
	if ((w->seen = calloc((size_t)w->pages + 1, 1)) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	return (0);
}

bool
walk_is_cut(const struct walk *w)
{
	return (memchr(w->seen + w->there, WALK_USED, (size_t)(w->pages - w->there)) !=
		NULL);
}

void
walk_close(struct walk *w)
{
	free(w->seen);
	free(w->value);
	w->seen = w->value = NULL;
}

/* Note that these pages are used: NULL, or why they cannot be. */
static const char *
claim(struct walk *w, uint64_t page, uint64_t n, enum walk_use use)
{
	if (page < 2 || page >= w->pages || n > w->pages - page)
		return ("is named, but beyond the end");
	for (uint64_t i = 0; i < n; i++)
		if (w->seen[page + i] != WALK_UNUSED)
			return (w->seen[page + i] != use ? "is both free and in use"
				: use == WALK_FREE       ? "is free twice"
							 : "is in use twice");
	memset(w->seen + page, use, (size_t)n);
	return (NULL);
}

/* The value of a row that has pages of its own, into w->value if it is asked for. */
static const char *
read_run(struct walk *w, struct met *met, const struct page_row *r)
{
	uint64_t n = page_run(w->page, r->size);
	uint8_t head[PAGE_LEAST], *p;
	const char *why;
	struct page run;

	if (r->page >= w->pages || read_at(w, r->page, head, sizeof(head)) != NULL)
		return ("is named, but cannot be read");
	if ((why = page_decode(head, w->page, r->page, &run)) != NULL)
		return (why);
	if (run.kind != PAGE_RUN || run.run < n)
		return ("is damaged (not the pages of a large value)");
	if ((why = claim(w, r->page, run.run, WALK_USED)) != NULL)
		return (why);
	met->runs += run.run;
	if (w->row == NULL)
		return (NULL);
	if (w->room < n * w->page) {
		if ((p = realloc(w->value, (size_t)n * w->page)) == NULL)
			return ("is too large for the memory there is");
		w->value = p;
		w->room = (size_t)n * w->page;
	}
	return (read_at(w, r->page, w->value, (size_t)n * w->page));
}

static int
visit_row(struct walk *w, struct met *met, const struct page_row *r)
{
	struct span key = { r->key, r->key_size },
		    value = { r->value, (size_t)r->size };
	const char *why;

	met->rows++;
	if (r->is_run) {
		if ((why = read_run(w, met, r)) != NULL)
			return (found(w, r->page, why));
		if (w->row != NULL)
			value.data = w->value + page_run_head();
	}
	return (w->row != NULL ? w->row(w, key, value) : 0);
}

/* Whether a key is in its place: after the one before, and within the range. */
static bool
in_order(const struct met *met, const struct range *in, const struct page_row *before,
    const struct page_row *r)
{
	if (before->key != NULL &&
	    met->compare(before->key, before->key_size, r->key, r->key_size) >= 0)
		return (false);
	return ((in->low == NULL ||
		    met->compare(in->low, in->low_size, r->key, r->key_size) <= 0) &&
		(in->high == NULL ||
		    met->compare(r->key, r->key_size, in->high, in->high_size) < 0));
}

static int
visit_leaf(struct walk *w, struct met *met, uint64_t number, const struct page *p,
    const struct range *in)
{
	struct page_row before = { 0 }, r;
	bool said = false;
	int rc = 0;

	met->leaves++;
	for (unsigned i = 0; i < p->rows && rc == 0; i++) {
		if (!page_row(p, i, &r))
			continue; /* page_check() has said so */
		if (in != NULL && !in_order(met, in, &before, &r) && !said) {
			said = true;
			rc = found(w, number, "is damaged (keys out of order)");
		}
		before = r;
		if (rc == 0)
			rc = visit_row(w, met, &r);
	}
	return (rc);
}

static int visit(struct walk *w, struct met *met, uint64_t number, unsigned depth,
    const struct range *in);

static int
visit_branch(struct walk *w, struct met *met, uint64_t number, const struct page *p,
    unsigned depth, const struct range *in)
{
	struct page_row before = { 0 }, r, next;
	int rc = p->rows < 2 ? found(w, number, "is damaged (too few rows)") : 0;

	met->branches++;
	for (unsigned i = 0; i < p->rows && rc == 0; i++) {
		struct range below = *in;

		if (!page_row(p, i, &r))
			continue;
		if (i > 0) { /* the first has no key: it is the least there is */
			if (!in_order(met, in, &before, &r))
				rc = found(w, number, "is damaged (keys out of order)");
			below.low = r.key;
			below.low_size = r.key_size;
			before = r;
		}
		if (i + 1 < p->rows && page_row(p, i + 1, &next)) {
			below.high = next.key;
			below.high_size = next.key_size;
		}
		if (rc == 0)
			rc = visit(w, met, r.page, depth + 1, &below);
	}
	return (rc);
}

/* The range's keys are in the pages above, which are kept meanwhile. */
static int
visit(struct walk *w, struct met *met, uint64_t number, unsigned depth,
    const struct range *in)
{
	const char *why = claim(w, number, 1, WALK_USED);
	uint8_t *data;
	struct page p;
	int rc = 0;

	if (why == NULL && depth > PAGE_DEEPEST)
		why = "is too far down";
	if (why != NULL)
		return (found(w, number, why));
	if ((data = malloc(w->page)) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	if ((why = read_at(w, number, data, w->page)) != NULL ||
	    (why = page_decode(data, w->page, number, &p)) != NULL) {
		rc = found(w, number, why);
	} else if (p.kind == PAGE_RUN) {
		rc = found(w, number, "is damaged (the pages of a large value)");
	} else {
		if ((why = page_check(&p)) != NULL)
			rc = found(w, number, why);
		if (rc == 0 && p.kind == PAGE_BRANCH) {
			rc = visit_branch(w, met, number, &p, depth, in);
		} else if (rc == 0) {
			if (met->depth != 0 && met->depth != depth)
				rc = found(w, number, "is not as deep as others");
			met->depth = depth;
			if (rc == 0)
				rc = visit_leaf(w, met, number, &p, in);
		}
	}
	free(data);
	return (rc);
}

int
walk_tree(struct walk *w, enum table table, const struct page_tree *t, bool numbers)
{
	struct met met = { .compare = numbers ? page_compare_numbers : compare_bytes };
	const struct range all = { 0 };
	int rc = 0;

	w->table = table;
	if (t->root != PAGE_NONE)
		rc = visit(w, &met, t->root, 1, &all);
	if (rc == 0 && (met.rows != t->rows || met.depth != t->depth ||
			   met.branches != t->branches || met.leaves != t->leaves ||
			   met.runs != t->runs))
		rc = found(w, 0, "does not have the rows and pages it should");
	return (rc);
}

static int
free_row(struct walk *w, struct span key, struct span value)
{
	uint64_t room = value.size / sizeof(size_t), n;
	const char *why;
	int rc = 0;

	(void)key;
	n = room > 0 ? page_number(value.data, 0) : 0;
	if (room == 0 || n >= room)
		return (found(w, 0, "has a damaged row"));
	for (uint64_t i = 1; i <= n && rc == 0; i++) {
		uint64_t page = page_number(value.data, i);

		if ((why = claim(w, page, 1, WALK_FREE)) != NULL)
			rc = found(w, page, why);
	}
	return (rc);
}

int
walk_free(struct walk *w, const struct page_tree *t)
{
	int (*row)(struct walk *, struct span, struct span) = w->row;
	int rc;

	w->row = free_row;
	rc = walk_tree(w, TABLES, t, true);
	w->row = row;
	return (rc);
}

int
walk_stray(struct walk *w, uint64_t number)
{
	struct met met = { .compare = compare_bytes };
	uint8_t *data = malloc(w->page);
	struct page p;
	int rc = 0;

	if (data == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	if (read_at(w, number, data, w->page) == NULL &&
	    page_decode(data, w->page, number, &p) == NULL && p.kind == PAGE_LEAF)
		rc = visit_leaf(w, &met, number, &p, NULL);
	free(data);
	return (rc == 0 ? w->code : rc);
}
