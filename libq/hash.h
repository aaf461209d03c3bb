/* SPDX-License-Identifier: ISC */
#ifndef HASH_H
#define HASH_H

/* XXH3-64, header-only: the checksum of every stored record. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Seeded with the record's id, so that a record under another's key is found out. */
static inline uint64_t
hash_record(const void *data, size_t size, uint64_t id)
{
	return (XXH3_64bits_withSeed(data, size, id));
}

/* Sixteen bytes for a name that users choose. The seed is the queue's own, so that
 * nobody finds two names of one hash beforehand. */
static inline void
hash_name(const void *name, size_t size, const uint8_t uuid[16], uint8_t out[16])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(
	    &c, XXH3_128bits_withSeed(name, size, XXH3_64bits(uuid, 16)));
	memcpy(out, c.digest, 16);
}

#endif
