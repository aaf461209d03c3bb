/* SPDX-License-Identifier: ISC */
#ifndef HASH_H
#define HASH_H

/* XXH3-64, header-only: the checksum of every stored record. */

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Seeded with the record's id, so that a record under another's key is found out. */
static inline uint64_t
hash_record(const void *data, size_t size, uint64_t id)
{
	return (XXH3_64bits_withSeed(data, size, id));
}

#endif
