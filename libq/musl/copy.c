/* SPDX-License-Identifier: ISC */
/*
 * memcpy() and memmove() by vectors. Those of musl are the processor's string
 * instructions: slow to start, which short bodies and rows feel, and backwards, for a
 * move upwards, byte by byte; and so LMDB closes a gap in a page with each row that it
 * deletes.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t vector __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));

/* A step of a long copy: read whole before any of it is written. */
struct step {
	vector v[4];
};

enum { STEP = sizeof(struct step) };

static inline void
copy_step(unsigned char *d, const unsigned char *s)
{
	const struct step *from = (const struct step *)s;
	vector a = from->v[0], b = from->v[1], c = from->v[2], e = from->v[3];
	struct step *to = (struct step *)d;

	to->v[0] = a;
	to->v[1] = b;
	to->v[2] = c;
	to->v[3] = e;
}

/* Less than a vector: the two ends of it may have bytes in common. */
static inline void
copy_short(unsigned char *d, const unsigned char *s, size_t n)
{
	if (n >= 8) {
		eight first = *(const eight *)s, last = *(const eight *)(s + n - 8);

		*(eight *)d = first;
		*(eight *)(d + n - 8) = last;
	} else if (n >= 4) {
		four first = *(const four *)s, last = *(const four *)(s + n - 4);

		*(four *)d = first;
		*(four *)(d + n - 4) = last;
	} else if (n > 0) {
		unsigned char first = s[0], middle = s[n / 2], last = s[n - 1];

		d[0] = first;
		d[n / 2] = middle;
		d[n - 1] = last;
	}
}

/* What is read last is written last: downwards, the two may have bytes in common. */
static inline void
copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
	vector end;

	if (n < sizeof(vector)) {
		copy_short(d, s, n);
		return;
	}
	end = *(const vector *)(s + n - sizeof(vector));
	for (; n > STEP; n -= STEP, d += STEP, s += STEP)
		copy_step(d, s);
	for (; n > sizeof(vector); n -= sizeof(vector)) {
		*(vector *)d = *(const vector *)s;
		d += sizeof(vector);
		s += sizeof(vector);
	}
	*(vector *)(d + n - sizeof(vector)) = end;
}

static inline void
copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
	vector begin;

	if (n < sizeof(vector)) {
		copy_short(d, s, n);
		return;
	}
	begin = *(const vector *)s;
	for (; n > STEP; n -= STEP)
		copy_step(d + n - STEP, s + n - STEP);
	for (; n > sizeof(vector); n -= sizeof(vector))
		*(vector *)(d + n - sizeof(vector)) =
		    *(const vector *)(s + n - sizeof(vector));
	*(vector *)d = begin;
}

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return (to);
}

void *
memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n) /* down, or apart */
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return (to);
}
