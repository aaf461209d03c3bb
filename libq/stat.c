/* SPDX-License-Identifier: ISC */
/*
 * Counting: a queue in numbers, under the shared lock and without changing anything.
 * What has fallen due but was not promoted yet is counted as a take would find it.
 */
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "due.h"
#include "life.h"
#include "look.h"
#include "queue.h"

enum { ROWS_MOST = 10000 }; /* fallen due, looked at one by one */

struct recount {
	struct q_stat *st;
	uint64_t ready; /* the first that is ready, and not listed so; or 0 */
};

/* Count message id as what it is, not as where it is still listed. */
static int
recount(struct txn *t, uint64_t id, enum q_state listed, struct recount *c)
{
	enum q_state now;
	struct state s;
	int rc = life_get(t, id, &s);

	if (rc != 0)
		return (rc == STORE_NONE || rc == Q_ECORRUPT || rc == STORE_BROKEN
			    ? 0
			    : rc);
	/* By its TTL, a message is met here that the rows of delays show only later. */
	if (listed == Q_READY && s.state == Q_DELAYED && s.due > (uint64_t)t->now.wall)
		listed = Q_DELAYED;
	if (listed == Q_READY && s.state == Q_BLOCKED)
		listed = Q_BLOCKED;
	if (s.state != listed || (now = look_state(t, id, &s)) == listed)
		return (0);
	c->st->count[listed]--;
	if (now == 0)
		c->st->expired++;
	else
		c->st->count[now]++;
	if (now == Q_READY && (c->ready == 0 || id < c->ready))
		c->ready = id;
	return (0);
}

/* The rows of a table from a key on, as long as their time (at offset) has come. */
static int
recount_rows(struct txn *t, enum table table, struct key from, size_t offset,
    uint64_t until, enum q_state listed, struct recount *c)
{
	struct span key = key_span(&from), v;
	int rc = txn_seek(t, table, &key, &v);
	unsigned n;

	for (unsigned i = 0; rc == 0 && i < ROWS_MOST; i += n) {
		const uint8_t *k = key.data;
		uint64_t id = get_be64(k + key.size - 8);

		if (get_be64(k + offset) > until ||
		    (table == T_EXPIRY && k[0] != from.b[0]))
			return (0);
		n = table == T_EXPIRY ? 1 : look_together(t, id);
		for (unsigned of = 0; of < n && i + of < ROWS_MOST && rc == 0; of++)
			rc = recount(t, id + of, listed, c);
		if (rc == 0)
			rc = txn_next(t, table, &key, &v);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

static int
recount_all(struct txn *t, struct recount *c)
{
	struct q_stat *st = c->st;
	uint64_t wall = (uint64_t)t->now.wall;
	struct key ttl = key_expiry(EXPIRY_TTL, 0, 0);
	bool same;
	int rc;

	/* After a reboot every lease is over: those beyond the bound need no look. */
	if (st->count[Q_LEASED] > ROWS_MOST && due_same_boot(t, &same) == 0 && !same) {
		st->count[Q_READY] += st->count[Q_LEASED] - ROWS_MOST;
		st->count[Q_LEASED] = ROWS_MOST;
	}
	/* Held leases are at the end of the table; all are looked at, up to the bound.
	 */
	if ((rc = recount_rows(
		 t, T_LEASED, key_lease(0, 0, 0), 4, HELD, Q_LEASED, c)) != 0 ||
	    (rc = recount_rows(t, T_EXPIRY, ttl, 1, wall, Q_READY, c)) != 0)
		return (rc);
	return (recount_rows(t, T_DELAYED, key_time(0, 0), 0, wall, Q_DELAYED, c));
}

static int
pushed_at(struct txn *t, uint64_t id, q_time *pushed)
{
	struct key k = key_id(id);
	struct message m;
	struct span v;
	int rc = txn_get(t, T_BODY, key_span(&k), &v);

	if (rc != 0 || message_decode(v.data, v.size, id, &m) != 0)
		return (rc == STORE_NONE ? 0 : rc);
	if (*pushed == 0 || m.pushed < *pushed)
		*pushed = m.pushed;
	return (0);
}

/* The first of each priority that has not expired is the oldest of that priority. */
static int
find_oldest(struct txn *t, q_time *oldest)
{
	struct key from = key_ready(0, 0);
	struct span key, v;
	struct state s;
	int rc;

	for (unsigned i = 0;; i++) {
		uint64_t id;
		uint8_t rank;

		key = key_span(&from);
		if ((rc = txn_seek(t, T_READY, &key, &v)) != 0)
			return (rc == STORE_NONE ? 0 : rc);
		rank = *(const uint8_t *)key.data;
		id = get_be64((const uint8_t *)key.data + 1);
		if (i < ROWS_MOST && life_get(t, id, &s) == 0 &&
		    look_expired(t, id, &s)) {
			from = key_ready(rank, id + 1);
			continue;
		}
		if ((rc = pushed_at(t, id, oldest)) != 0)
			return (rc);
		if (rank == UINT8_MAX)
			return (0);
		from = key_ready((uint8_t)(rank + 1), 0);
	}
}

static int
fill_history(struct txn *t, struct q_stat *st)
{
	static const q_time windows[] = { 60 * Q_SECOND, 300 * Q_SECOND,
		900 * Q_SECOND };
	const struct rates *r = &t->tally.rates;
	int rc;

	if ((rc = tally_load(t, (1U << TALLIES) - 1)) != 0)
		return (rc);
	for (int i = 0; i < 3; i++) {
		st->rate_in[i] =
		    rates_over(r, &t->now, RATES_IN, windows[i], &st->seen_in[i]);
		st->rate_out[i] =
		    rates_over(r, &t->now, RATES_OUT, windows[i], &st->seen_out[i]);
	}
	st->leased_most = rates_most(r, &t->now);
	st->history_damaged = t->tally.damaged != 0;
	st->history_since = r->anew;
	st->wait = t->tally.hist[HIST_WAIT];
	st->service = t->tally.hist[HIST_SERVICE];
	st->total = t->tally.hist[HIST_TOTAL];
	st->gap = t->tally.hist[HIST_GAP];
	return (0);
}

static int
fill_stat(struct txn *t, struct q_stat *st)
{
	const uint64_t *c = t->meta.counter;
	struct key after = key_time(t->now.wall, UINT64_MAX);
	struct span key = key_span(&after), v;
	struct recount due = { .st = st };
	struct stat file;
	int rc;

	*st = (struct q_stat){
		.count = {
			[Q_READY] = c[COUNT_READY],
			[Q_DELAYED] = c[COUNT_DELAYED],
			[Q_BLOCKED] = c[COUNT_BLOCKED],
			[Q_LEASED] = c[COUNT_LEASED],
			[Q_DEAD] = c[COUNT_DEAD],
		},
		.pushed = c[COUNT_PUSHED],
		.done = c[COUNT_DONE],
		.expired = c[COUNT_EXPIRED],
		.purged = c[COUNT_PURGED],
		.delivered = c[COUNT_DELIVERED],
		.failed = c[COUNT_FAILED],
		.bytes = c[COUNT_BYTES],
		.released = c[COUNT_RELEASED],
		.lapsed = c[COUNT_LAPSED],
		.died = c[COUNT_DIED],
		.retried = c[COUNT_RETRIED],
		.bytes_in = c[COUNT_BYTES_IN],
		.bytes_out = c[COUNT_BYTES_OUT],
		.paused_in = t->meta.paused_in,
		.paused_out = t->meta.paused_out,
	};
	if ((rc = fill_history(t, st)) != 0)
		return (rc);
	memcpy(st->uuid, t->meta.uuid, sizeof(st->uuid));
	if (fstat(t->q->dir.data, &file) == 0)
		st->disk = (uint64_t)file.st_blocks * 512;
	if ((rc = recount_all(t, &due)) != 0 ||
	    (rc = find_oldest(t, &st->oldest)) != 0 ||
	    (due.ready != 0 && (rc = pushed_at(t, due.ready, &st->oldest)) != 0))
		return (rc);
	if ((rc = txn_seek(t, T_DELAYED, &key, &v)) == 0)
		st->next_due = (q_time)get_be64(key.data);
	return (rc == STORE_NONE ? 0 : rc);
}

int
q_stat(struct q *q, struct q_stat *out)
{
	struct q_stat st;
	struct txn t;
	int rc;

	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	if ((rc = fill_stat(&t, &st)) == 0)
		*out = st;
	txn_abort(&t);
	return (rc);
}
