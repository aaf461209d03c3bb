/* SPDX-License-Identifier: ISC */
/*
 * memmove() by vectors. For a move upwards that of musl has the processor's string
 * instructions run backwards, byte by byte, and so LMDB closes a gap in a page with
 * each row that it deletes.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t vector __attribute__((vector_size(16), aligned(1), may_alias));

void *
memmove(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n) { /* down, or apart */
		for (; n >= sizeof(vector); n -= sizeof(vector)) {
			*(vector *)d = *(const vector *)s;
			d += sizeof(vector);
			s += sizeof(vector);
		}
		while (n-- > 0)
			*d++ = *s++;
		return (to);
	}
	while (n % sizeof(vector) != 0) {
		n--;
		d[n] = s[n];
	}
	for (; n > 0; n -= sizeof(vector))
		*(vector *)(d + n - sizeof(vector)) =
		    *(const vector *)(s + n - sizeof(vector));
	return (to);
}
