/* SPDX-License-Identifier: ISC */
/*
 * The first messages of a state, from its index: what a screen shows every second costs
 * no more the longer the queue is.
 */
#include "batch.h"
#include "bytes.h"
#include "error.h"
#include "look.h"

/* One look: which state, of how many, and where they go. */
struct peek {
	struct txn *t;
	struct q_batch *b;
	struct q_list by;
	size_t n, preview;
};

static int
add_row(struct peek *p, struct span key)
{
	unsigned parts = p->preview > 0 ? BATCH_BODY : 0, n;
	uint64_t id;
	int rc = 0;

	if (key.size < 8)
		return (fail(Q_ECORRUPT, "data.mdb is damaged; run 'qctl check'"));
	id = get_be64((const uint8_t *)key.data + key.size - 8);
	n = p->by.state == Q_READY ? 1 : look_together(p->t, id);
	for (unsigned i = 0; i < n && p->b->count < p->n && rc == 0; i++) {
		size_t was = p->b->count;

		rc = look_add(p->t, p->b, id + i, &p->by, parts, p->preview);
		rc = rc == STORE_NONE ? 0 : rc;
		/* Of a damaged one it is not known that it is in the state. */
		if (p->b->count > was && p->b->msg[was].state != p->by.state)
			batch_cut(p->b, was);
	}
	return (rc);
}

/* Of each priority the first, found by a search behind those before it. */
static int
peek_ready(struct peek *p)
{
	struct key from = key_ready(0, 0);

	for (size_t i = 0; i < p->n; i++) {
		struct span key = key_span(&from), v;
		uint8_t rank;
		int rc;

		if ((rc = txn_seek(p->t, T_READY, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		rank = *(const uint8_t *)key.data;
		if ((rc = add_row(p, key)) != 0 || rank == UINT8_MAX)
			return (rc);
		from = key_ready((uint8_t)(rank + 1), 0);
	}
	return (0);
}

static int
peek_rows(struct peek *p, enum table table,
    int (*first)(struct txn *, enum table, struct span *, struct span *),
    int (*next)(struct txn *, enum table, struct span *, struct span *))
{
	struct span key, v;
	int rc = first(p->t, table, &key, &v);

	for (size_t i = 0; i < p->n && rc == 0; i++) {
		if ((rc = add_row(p, key)) == 0)
			rc = next(p->t, table, &key, &v);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

static int
peek_state(struct peek *p)
{
	switch (p->by.state) {
	case Q_READY:
		return (peek_ready(p));
	case Q_DELAYED:
		return (peek_rows(p, T_DELAYED, txn_first, txn_next));
	case Q_LEASED:
		return (peek_rows(p, T_LEASED, txn_first, txn_next));
	default: /* Q_DEAD */
		return (peek_rows(p, T_DEAD, txn_last, txn_prev));
	}
}

int
q_peek(
    struct q *q, enum q_state state, size_t n, size_t preview, struct q_batch **batch)
{
	struct peek p = { .by = { .state = state }, .n = n, .preview = preview };
	struct txn t;
	int rc;

	if (state != Q_READY && state != Q_DELAYED && state != Q_LEASED &&
	    state != Q_DEAD)
		return (fail(Q_EINVAL, "only ready, delayed, leased and dead messages "
				       "have an order to peek at"));
	if (n == 0)
		p.n = 1;
	else if (n > Q_MAX_PEEK)
		p.n = Q_MAX_PEEK;
	if ((rc = batch_new(&p.b)) != 0)
		return (rc);
	if ((rc = txn_begin(q, &t)) == 0) {
		p.t = &t;
		rc = peek_state(&p);
		txn_abort(&t);
	}
	if (rc == 0 && p.b->count == 0)
		rc = fail(Q_EMPTY, "there are none");
	if (rc != 0)
		q_batch_free(p.b);
	else
		*batch = p.b;
	return (rc);
}
