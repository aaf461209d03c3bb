/* SPDX-License-Identifier: ISC */
/* A parcel of requests that is read can be written, and is then read as the same. */
#include <stdlib.h>
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct parcel parcel, again;
	uint8_t first[CTL_PAYLOAD], second[CTL_PAYLOAD];
	size_t n, m;

	if (size > CTL_PAYLOAD || wire_get_parcel(data, size, &parcel) != 0)
		return (0);
	n = wire_put_parcel(parcel.request, parcel.n, &parcel.sender, first);
	/* Numbers that were written as 0 need no room: it can only be shorter. */
	if (n == 0 || n > size || wire_get_parcel(first, n, &again) != 0)
		abort();
	m = wire_put_parcel(again.request, again.n, &again.sender, second);
	if (m != n || memcmp(first, second, n) != 0)
		abort();
	return (0);
}
