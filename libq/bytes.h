/* SPDX-License-Identifier: ISC */
#ifndef BYTES_H
#define BYTES_H

/*
 * Stored numbers: big-endian, so that LMDB's byte order of keys is numeric order.
 * A reader of untrusted bytes fails once and stays failed: check bad at the end.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t *
put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return (p + 2);
}

/* Shifts would say the same, but compilers do not make one store of them everywhere. */
static inline uint8_t *
put_be32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
	return (p + sizeof(v));
}

static inline uint8_t *
put_be64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
	return (p + sizeof(v));
}

static inline uint8_t *
put_bytes(uint8_t *p, const void *data, size_t size)
{
	if (size > 0)
		memcpy(p, data, size);
	return (p + size);
}

static inline uint16_t
get_be16(const uint8_t *p)
{
	return ((uint16_t)(p[0] << 8 | p[1]));
}

static inline uint32_t
get_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (be32toh(v));
}

static inline uint64_t
get_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (be64toh(v));
}

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

/* The next size bytes, or NULL when there are fewer. */
static inline const uint8_t *
read_bytes(struct reader *r, size_t size)
{
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - p) < size) {
		r->bad = true;
		return (NULL);
	}
	r->p += size;
	return (p);
}

static inline uint8_t
read_8(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 1);

	return (p != NULL ? *p : 0);
}

static inline uint16_t
read_be16(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 2);

	return (p != NULL ? get_be16(p) : 0);
}

static inline uint32_t
read_be32(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 4);

	return (p != NULL ? get_be32(p) : 0);
}

static inline uint64_t
read_be64(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 8);

	return (p != NULL ? get_be64(p) : 0);
}

#endif
