/* SPDX-License-Identifier: ISC */
/* Whatever a page of LMDB's has in it, its rows are read within it. */
#include <stdlib.h>
#include <string.h>

#include "page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum;

/* Each byte, so that a sanitizer sees one too far. */
static void
touch(const uint8_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		sum += p[i];
}

static void
read_rows(const struct page *p)
{
	struct page_row r;
	struct page_tree tree;

	for (unsigned i = 0; i < p->rows; i++) {
		if (!page_row(p, i, &r))
			continue;
		touch(r.key, r.key_size);
		if (r.value == NULL)
			continue;
		touch(r.value, r.size);
		(void)page_tree(r.value, r.size, &tree);
	}
	(void)page_check(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *page;
	struct page_meta meta;
	struct page p;
	size_t number;

	if (size < PAGE_LEAST)
		return (0);
	page = malloc(size);
	memcpy(page, data, size);
	memcpy(&number, page, sizeof(number));
	if (page_decode(page, size, number, &p) == NULL && p.kind != PAGE_RUN)
		read_rows(&p);
	(void)page_meta(page, size, number, &meta);
	free(page);
	return (0);
}
