/* SPDX-License-Identifier: ISC */
/* Which of the words there are a misspelt one is likely to be. */
#include <stdint.h>
#include <string.h>

#include "near.h"

enum { CANDIDATE = 32 }; /* bytes, with the NUL; longer ones are not near */

static size_t
least_of(size_t a, size_t b)
{
	return (a < b ? a : b);
}

/* The least number of letters to change, add, leave out, or exchange with the next,
 * between a and b. */
static size_t
distance(const char *a, size_t n, const char *b)
{
	size_t rows[3][CANDIDATE], m = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (m >= CANDIDATE)
		return (SIZE_MAX);
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least_of(last[j], row[j - 1]) + 1;
			row[j] = least_of(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return (last[m]);
}

/* Two letters may be wrong, of short words one. */
void
near_try(struct near *near, const char *candidate)
{
	size_t most = near->n < 4 ? 1 : 2, d;

	d = distance(near->word, near->n, candidate);
	if (d > most || (near->found != NULL && d >= near->least))
		return;
	near->found = candidate;
	near->least = d;
}
