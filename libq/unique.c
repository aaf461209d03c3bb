/* SPDX-License-Identifier: ISC */
/* Rows of keys, and how long they are known. */
#include <string.h>

#include "bytes.h"
#include "event.h"
#include "hash.h"
#include "life.h"

#include "unique.h"

void
unique_hash(const struct txn *t, const char *key, size_t size, uint8_t hash[16])
{
	hash_name(key, size, t->meta.uuid, hash);
}

void
unique_origin(const struct txn *t, const struct q_origin *origin, uint8_t hash[16])
{
	/* The NUL keeps it apart from every key. */
	uint8_t name[1 + 16 + 8 + 8] = { 0 };

	(void)put_be64(put_be64(put_bytes(name + 1, origin->queue, 16), origin->id),
	    (uint64_t)origin->pushed);
	hash_name(name, sizeof(name), t->meta.uuid, hash);
}

/* 0: the table's cursor stands on the row; *code is whether what it says is whole. */
static int
get(struct txn *t, const uint8_t hash[16], struct unique *u, int *code)
{
	struct key k = key_unique(hash);
	struct span v;
	int rc = txn_get(t, T_UNIQUE, key_span(&k), &v);

	*code = rc == 0 ? unique_decode(v.data, v.size, hash, u) : rc;
	return (rc);
}

int
unique_find(struct txn *t, const uint8_t hash[16], uint64_t *id)
{
	struct unique u;
	struct state s;
	int rc;

	*id = 0;
	(void)get(t, hash, &u, &rc);
	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (u.until != 0) {
		*id = u.until > t->now.wall ? u.id : 0;
		return (0);
	}
	rc = life_get(t, u.id, &s);
	if (rc == 0 && s.state != Q_DEAD)
		*id = u.id;
	/* Of one that cannot be read it is not known that it waits. */
	return (rc == STORE_NONE || rc == Q_ECORRUPT ? 0 : rc);
}

int
unique_put(struct txn *t, const uint8_t hash[16], uint64_t id, q_time until)
{
	const struct unique u = { id, until };
	struct key k = key_unique(hash), e;
	uint8_t record[UNIQUE_SIZE];
	int rc;

	unique_encode(&u, hash, record);
	rc =
	    txn_put(t, T_UNIQUE, key_span(&k), (struct span){ record, sizeof(record) });
	if (rc != 0 || until == 0)
		return (rc);
	e = key_expiry(EXPIRY_KEY, (uint64_t)until, get_be64(hash));
	return (txn_put(t, T_EXPIRY, key_span(&e), (struct span){ NULL, 0 }));
}

int
unique_end(struct txn *t, const uint8_t hash[16], uint64_t id, bool done)
{
	q_time window = (q_time)t->meta.option[Q_OPT_WINDOW];
	struct unique u;
	int code, rc = get(t, hash, &u, &code);

	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (code == 0 && u.id != id) /* a later one has it */
		return (0);
	if (done && window > 0)
		return (unique_put(t, hash, id, time_add(t->now.wall, window)));
	return (txn_drop(t, T_UNIQUE));
}

int
unique_forget(struct txn *t, const uint8_t hash[16])
{
	struct unique u;
	struct key k;
	int code, rc = get(t, hash, &u, &code);

	if (rc != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (code == 0 && u.until != 0) {
		k = key_expiry(EXPIRY_KEY, (uint64_t)u.until, get_be64(hash));
		if ((rc = txn_del(t, T_EXPIRY, key_span(&k))) != 0 && rc != STORE_NONE)
			return (rc);
	}
	return (txn_drop(t, T_UNIQUE));
}

int
unique_expire(struct txn *t, uint64_t prefix)
{
	uint8_t from[16] = { 0 };
	struct span key, v;
	struct unique u;
	struct key k;
	int rc;

	(void)put_be64(from, prefix);
	k = key_unique(from);
	key = key_span(&k);
	for (rc = txn_seek(t, T_UNIQUE, &key, &v);
	     rc == 0 && key.size == k.size && memcmp(key.data, from, 8) == 0;
	     rc = txn_next(t, T_UNIQUE, &key, &v)) {
		rc = unique_decode(v.data, v.size, key.data, &u);
		if (rc == 0 && u.until != 0 && u.until <= t->now.wall)
			return (txn_drop(t, T_UNIQUE));
	}
	return (rc == STORE_NONE ? 0 : rc);
}
