/* SPDX-License-Identifier: ISC */
/* A histogram, and rates, that are read are written again as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(size_t got, size_t size, const uint8_t *again, const uint8_t *record)
{
	if (got != size || memcmp(again, record, size) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record = malloc(8 + size), again[HISTORY_MOST];
	struct clock now = { 0 };
	struct q_histogram h;
	struct rates r;
	uint64_t seen;

	/* With a checksum that is wrong. */
	(void)histogram_decode(data, size, 1, &h);
	(void)rates_decode(data, size, 1, &r);
	memcpy(record + 8, data, size);
	(void)put_be64(record, hash_record(record + 8, size, 1));
	size += 8;
	if (histogram_decode(record, size, 1, &h) == 0) {
		if (!histogram_fits(size))
			abort();
		same(histogram_encode(&h, 1, again), size, again, record);
		(void)q_histogram_quantile(&h, 0.99);
		(void)q_histogram_variation(&h);
		history_add(&h, (q_time)h.sum, h.count);
	}
	if (rates_decode(record, size, 1, &r) == 0) {
		if (!rates_fits(size))
			abort();
		same(rates_encode(&r, 1, again), size, again, record);
		now.wall = r.pushed;
		now.boot = r.last;
		(void)rates_over(&r, &now, RATES_IN, 900 * Q_SECOND, &seen);
		(void)rates_most(&r, &now);
		rates_add(&r, &now, RATES_OUT, 1);
	}
	free(record);
	return (0);
}
