/* SPDX-License-Identifier: ISC */
/*
 * Looking: counts, lists and single messages, under the shared lock and without
 * changing anything. What has fallen due but was not promoted yet is shown as a take
 * would find it.
 */
#include <string.h>
#include <sys/stat.h>

#include "batch.h"
#include "bytes.h"
#include "due.h"
#include "error.h"
#include "group.h"
#include "hold.h"
#include "life.h"
#include "queue.h"

#include "look.h"

enum {
	LOOK_MOST = 10000, /* rows fallen due that a count looks at one by one */
	LIST_ROWS = 1000,  /* looked at under one lock */
	LIST_DEFAULT = 256,
};

static bool
lease_over(struct txn *t, uint64_t id, const struct state *s)
{
	uint64_t last;
	bool same;

	/* What cannot be known does not end a lease. */
	if (due_same_boot(t, &same) != 0)
		return (false);
	if (!same || s->boot != t->meta.boot.number)
		return (true);
	if (s->due == HELD)
		return (!hold_alive(t, id, &last) && !hold_is_coming(t, s));
	if (s->flags & ST_OWNED &&
	    !hold_owner_alive(s->pid, s->owner_start, s->owner_ns))
		return (true);
	return (s->due <= (uint64_t)t->now.boot);
}

static bool
expired(struct txn *t, uint64_t id, const struct state *s)
{
	struct key k = key_id(id);
	struct message m;
	struct span v;

	return (s->flags & ST_EXPIRES && txn_get(t, T_BODY, key_span(&k), &v) == 0 &&
		message_decode(v.data, v.size, id, &m) == 0 &&
		m.expires <= t->now.wall);
}

enum q_state
look_state(struct txn *t, uint64_t id, const struct state *s)
{
	enum q_state state = s->state;

	if (state == Q_LEASED && lease_over(t, id, s))
		state = life_attempts(s) >= life_max_attempts(t, s) ? Q_DEAD : Q_READY;
	else if (state == Q_DELAYED && s->due <= (uint64_t)t->now.wall)
		state = Q_READY;
	if (state != Q_LEASED && state != Q_DEAD && expired(t, id, s))
		return ((enum q_state)0);
	return (state);
}

unsigned
look_together(struct txn *t, uint64_t id)
{
	struct extent e;

	return (extent_find(t, id, &e) == 0 && e.first == id ? e.count : 1);
}

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

	for (unsigned i = 0; rc == 0 && i < LOOK_MOST; i += n) {
		const uint8_t *k = key.data;
		uint64_t id = get_be64(k + key.size - 8);

		if (get_be64(k + offset) > until ||
		    (table == T_EXPIRY && k[0] != from.b[0]))
			return (0);
		n = table == T_EXPIRY ? 1 : look_together(t, id);
		for (unsigned of = 0; of < n && i + of < LOOK_MOST && rc == 0; of++)
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
	if (st->count[Q_LEASED] > LOOK_MOST && due_same_boot(t, &same) == 0 && !same) {
		st->count[Q_READY] += st->count[Q_LEASED] - LOOK_MOST;
		st->count[Q_LEASED] = LOOK_MOST;
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
		if (i < LOOK_MOST && life_get(t, id, &s) == 0 && expired(t, id, &s)) {
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

static bool
has_header(const struct message *m, const char *wanted)
{
	const char *end = m->headers_size > 0 ? m->headers + m->headers_size : NULL;
	size_t n = strlen(wanted);

	for (const char *p = m->headers; end != NULL && p < end; p += strlen(p) + 1)
		if (strncmp(p, wanted, n) == 0 &&
		    (p[n] == '\0' || (p[n] == '=' && strchr(wanted, '=') == NULL)))
			return (true);
	return (false);
}

/* What cannot be read is of no group, has no header, and was pushed at no time. */
static bool
chosen(const struct q_list *by, const struct message *m)
{
	if (by->before == 0 && by->group == NULL && by->header == NULL)
		return (true);
	if (m == NULL || (by->before != 0 && m->pushed >= by->before))
		return (false);
	if (by->group != NULL &&
	    (m->group == NULL || strlen(by->group) != m->group_size ||
		memcmp(by->group, m->group, m->group_size) != 0))
		return (false);
	return (by->header == NULL || has_header(m, by->header));
}

int
look_add(struct txn *t, struct q_batch *b, uint64_t id, const struct q_list *by,
    unsigned parts, size_t preview)
{
	struct key k = key_id(id);
	struct state s = { .state = Q_DEAD };
	struct message m;
	struct span v;
	bool has;
	int rc = life_get(t, id, &s);

	if (rc == 0) {
		s.state = look_state(t, id, &s);
		rc = txn_get(t, T_BODY, key_span(&k), &v);
		if (rc == 0)
			rc = message_decode(v.data, v.size, id, &m);
		else if (rc == STORE_NONE)
			rc = Q_ECORRUPT;
	}
	if (rc != 0 && rc != Q_ECORRUPT && rc != STORE_BROKEN)
		return (rc);
	if (s.state == 0)
		return (STORE_NONE);
	if ((by->state != 0 && s.state != by->state) ||
	    !chosen(by, rc == 0 ? &m : NULL))
		return (0);
	rc = batch_add(t, b, id, &s, rc == 0 ? &m : NULL, parts, preview);
	if (rc == 0 && s.state == Q_DEAD && s.flags & ST_GROUPED &&
	    group_has(t, id, &s, &has) == 0)
		b->msg[b->count - 1].passed = !has;
	/* A delivery that may be taken back as if it had not been is nobody's. */
	if (rc == 0 && s.flags & ST_AHEAD)
		b->msg[b->count - 1].receipt = (struct q_receipt){ 0 };
	return (rc);
}

/* One locked stretch of q_list(). *end: there is no more. */
static int
list_rows(struct txn *t, struct q_list *args, size_t n, struct q_batch *b, bool *end)
{
	unsigned parts = args->preview > 0 ? BATCH_BODY : 0;
	struct key from;
	struct span key, v;
	int rc = 0;

	for (int i = 0; i < LIST_ROWS && b->count < n; i++) {
		uint64_t id;

		if (args->after == UINT64_MAX) {
			*end = true;
			return (0);
		}
		from = key_id(args->after + 1);
		key = key_span(&from);
		if ((rc = txn_seek(t, T_BODY, &key, &v)) != 0) {
			*end = rc == STORE_NONE;
			return (*end ? 0 : rc);
		}
		id = get_be64(key.data);
		rc = look_add(t, b, id, args, parts, args->preview);
		if (rc != 0 && rc != STORE_NONE)
			return (rc);
		args->after = id;
	}
	return (0);
}

int
q_list(struct q *q, struct q_list *args, struct q_batch **batch)
{
	size_t n = args->n != 0 ? args->n : (size_t)LIST_DEFAULT;
	struct q_list at = *args;
	struct q_batch *b = NULL;
	bool end = false;
	struct txn t;
	int rc;

	if ((rc = batch_new(&b)) != 0)
		return (rc);
	while (rc == 0 && !end && b->count < n) {
		if ((rc = txn_begin(q, &t)) != 0)
			break;
		rc = list_rows(&t, &at, n, b, &end);
		txn_abort(&t);
	}
	if (rc == 0 && b->count == 0)
		rc = fail(Q_EMPTY, "no more messages");
	if (rc != 0) {
		q_batch_free(b);
		return (rc);
	}
	*args = at;
	*batch = b;
	return (0);
}

int
q_get(struct q *q, uint64_t id, struct q_batch **batch)
{
	static const struct q_list any;
	struct q_batch *b = NULL;
	struct txn t;
	int rc;

	if ((rc = batch_new(&b)) != 0)
		return (rc);
	if ((rc = txn_begin(q, &t)) == 0) {
		rc = look_add(&t, b, id, &any, BATCH_BODY | BATCH_FAILURES, SIZE_MAX);
		txn_abort(&t);
	}
	if (rc == STORE_NONE)
		rc = fail(Q_ENOENT, "no such message (done, expired or purged)");
	if (rc != 0)
		q_batch_free(b);
	else
		*batch = b;
	return (rc);
}
