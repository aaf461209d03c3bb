/* SPDX-License-Identifier: ISC */
/* Rows of extents: finding the one of a message, and parting it. */
#include "bytes.h"
#include "error.h"

#include "extent.h"

enum table
extent_place(uint64_t id, const struct state *s, struct key *k)
{
	switch (s->state) {
	case Q_READY:
		*k = key_ready(s->rank, id);
		return (T_READY);
	case Q_DELAYED:
		*k = key_time(s->due, id);
		return (T_DELAYED);
	case Q_LEASED:
		*k = key_lease(s->boot, s->due, id);
		return (T_LEASED);
	case Q_DEAD:
		*k = key_id(id);
		return (T_DEAD);
	default: /* blocked: the table group has it */
		return (TABLES);
	}
}

/* The last record under an id that is not above this one. */
static int
row_of(struct txn *t, uint64_t id, uint64_t *first, struct span *v)
{
	struct key k = key_id(id);
	struct span key = key_span(&k);
	int rc = txn_get(t, T_MSG, key, v);

	*first = id;
	if (rc != STORE_NONE)
		return (rc);
	if ((rc = txn_seek(t, T_MSG, &key, v)) == 0)
		rc = txn_prev(t, T_MSG, &key, v);
	else if (rc == STORE_NONE)
		rc = txn_last(t, T_MSG, &key, v);
	if (rc == 0 && key.size != k.size)
		rc = fail(Q_ECORRUPT, "data.mdb is damaged; run 'qctl check'");
	if (rc == 0)
		*first = get_be64(key.data);
	return (rc);
}

static int
has_body(struct txn *t, uint64_t id)
{
	struct key k = key_id(id);
	struct span v;

	return (txn_get(t, T_BODY, key_span(&k), &v));
}

int
extent_find(struct txn *t, uint64_t id, struct extent *e)
{
	uint64_t first;
	struct span v;
	int rc = row_of(t, id, &first, &v), there;

	if (rc != 0)
		return (rc);
	rc = STORE_BROKEN;
	if (!state_fits(v.data, v.size))
		(void)store_broken(first);
	else if ((rc = state_decode(v.data, v.size, first, e)) == 0)
		return (id - first < e->count ? 0 : STORE_NONE);
	/* Whether it is one of those of a damaged record, its body tells. */
	if (id - first >= EXTENT_MOST)
		return (STORE_NONE);
	if (id != first && (there = has_body(t, id)) != 0)
		return (there);
	e->first = first;
	return (rc);
}

int
extent_list(struct txn *t, const struct extent *e)
{
	struct key k;
	enum table table = extent_place(e->first, &e->s, &k);
	/* Leases that end with a process are marked, to be found among many. */
	bool owned = e->s.state == Q_LEASED && e->s.flags & ST_OWNED;

	return (table == TABLES ? 0
				: txn_append(t, table, key_span(&k),
				      (struct span){ "", owned ? 1 : 0 }));
}

int
extent_unlist(struct txn *t, const struct extent *e)
{
	struct key k;
	enum table table = extent_place(e->first, &e->s, &k);
	int rc = table == TABLES ? 0 : txn_del(t, table, key_span(&k));

	return (rc == STORE_NONE
		    ? fail(Q_ECORRUPT,
			  "message %llu is not listed as %s; "
			  "run 'qctl check'",
			  (unsigned long long)e->first, q_state_name(e->s.state))
		    : rc);
}

int
extent_write(struct txn *t, const struct extent *e)
{
	uint8_t record[STATE_MOST];
	size_t size = state_encode(e, record);
	struct key k = key_id(e->first);

	return (txn_put(t, T_MSG, key_span(&k), (struct span){ record, size }));
}

/* A part of one that is listed, as an extent of its own. */
static int
put_part(struct txn *t, const struct extent *e, unsigned from, unsigned n)
{
	struct extent part = extent_part(e, from, n);
	int rc = from > 0 ? extent_list(t, &part) : 0; /* the first is listed */

	return (rc == 0 ? extent_write(t, &part) : rc);
}

int
extent_alone(struct txn *t, uint64_t id)
{
	struct extent e;
	unsigned at;
	int rc = extent_find(t, id, &e);

	if (rc != 0 || e.count == 1)
		return (rc);
	at = (unsigned)(id - e.first);
	if (at + 1 < e.count)
		rc = put_part(t, &e, at + 1, e.count - at - 1);
	if (rc == 0)
		rc = put_part(t, &e, at, 1);
	return (rc == 0 && at > 0 ? put_part(t, &e, 0, at) : rc);
}

int
extent_cut(struct txn *t, struct extent *e, unsigned n)
{
	int rc = n < e->count ? put_part(t, e, n, e->count - n) : 0;

	*e = extent_part(e, 0, n);
	return (rc);
}

int
extent_guess(struct txn *t, uint64_t first, unsigned *count)
{
	int rc = 0;

	for (*count = 1; *count < EXTENT_MOST && first <= UINT64_MAX - *count;
	     ++*count) {
		struct key k = key_id(first + *count);
		struct span v;

		if ((rc = txn_get(t, T_MSG, key_span(&k), &v)) == 0 ||
		    rc != STORE_NONE || (rc = has_body(t, first + *count)) != 0)
			break;
	}
	return (rc == STORE_NONE ? 0 : rc);
}
