/* SPDX-License-Identifier: ISC */
/* Keys of the tables: big-endian numbers in order of significance. */
#include "bytes.h"

#include "txn.h"

/* p is where the key's last field ends. */
static void
end_at(struct key *k, const uint8_t *p)
{
	k->size = (size_t)(p - k->b);
}

struct key
key_id(uint64_t id)
{
	struct key k;

	end_at(&k, put_be64(k.b, id));
	return (k);
}

struct key
key_ready(uint8_t rank, uint64_t id)
{
	struct key k;

	k.b[0] = rank;
	end_at(&k, put_be64(k.b + 1, id));
	return (k);
}

struct key
key_time(uint64_t time, uint64_t id)
{
	struct key k;

	end_at(&k, put_be64(put_be64(k.b, time), id));
	return (k);
}

struct key
key_lease(uint32_t boot, uint64_t deadline, uint64_t id)
{
	struct key k;

	end_at(&k, put_be64(put_be64(put_be32(k.b, boot), deadline), id));
	return (k);
}

struct key
key_expiry(uint8_t kind, uint64_t time, uint64_t id)
{
	struct key k;

	k.b[0] = kind;
	end_at(&k, put_be64(put_be64(k.b + 1, time), id));
	return (k);
}

struct key
key_failure(uint64_t id, uint32_t delivery)
{
	struct key k;

	end_at(&k, put_be32(put_be64(k.b, id), delivery));
	return (k);
}

struct key
key_group(const uint8_t group[16], uint64_t id)
{
	struct key k;

	end_at(&k, put_be64(put_bytes(k.b, group, 16), id));
	return (k);
}

struct key
key_unique(const uint8_t hash[16])
{
	struct key k;

	end_at(&k, put_bytes(k.b, hash, 16));
	return (k);
}

struct key
key_slot(uint64_t generation, unsigned slot)
{
	struct key k;

	end_at(&k, put_be16(put_be64(k.b, generation), (uint16_t)slot));
	return (k);
}
