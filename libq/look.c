/* SPDX-License-Identifier: ISC */
/*
 * Looking: lists and single messages, under the shared lock and without changing
 * anything. What has fallen due but was not promoted yet is shown as a take would find
 * it.
 */
#include <string.h>

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
	LIST_ROWS = 1000, /* looked at under one lock */
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

bool
look_expired(struct txn *t, uint64_t id, const struct state *s)
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
	if (state != Q_LEASED && state != Q_DEAD && look_expired(t, id, s))
		return ((enum q_state)0);
	return (state);
}

unsigned
look_together(struct txn *t, uint64_t id)
{
	struct extent e;

	return (extent_find(t, id, &e) == 0 && e.first == id ? e.count : 1);
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

static bool
chosen(const struct q_list *by, const struct message *m)
{
	if (by->before != 0 && m->pushed >= by->before)
		return (false);
	if (by->group != NULL &&
	    (m->group == NULL || strlen(by->group) != m->group_size ||
		memcmp(by->group, m->group, m->group_size) != 0))
		return (false);
	return (by->header == NULL || has_header(m, by->header));
}

int
look_gone(struct txn *t, uint64_t id)
{
	struct key k = key_id(id);
	struct span key = key_span(&k), v;
	bool hidden = false;
	int rc = txn_scan(t, T_BODY, &key, &v, &hidden);

	if (rc == 0 && span_compare(key, key_span(&k)) == 0)
		return (fail(Q_ECORRUPT, "message %llu is damaged; run 'qctl check'",
		    (unsigned long long)id));
	if (hidden)
		return (txn_hidden(T_BODY));
	return (rc == 0 ? STORE_NONE : rc);
}

int
look_get(struct txn *t, uint64_t id, struct state *s)
{
	int rc = life_get(t, id, s);

	return (rc == STORE_NONE ? look_gone(t, id) : rc);
}

int
look_add(struct txn *t, struct q_batch *b, uint64_t id, const struct q_list *by,
    unsigned parts, size_t preview)
{
	struct key k = key_id(id);
	struct state s = { .state = Q_DEAD };
	struct message m;
	struct span v;
	bool has, known;
	int rc = life_get(t, id, &s);

	known = rc == 0;
	if (rc == STORE_NONE && (rc = txn_get(t, T_BODY, key_span(&k), &v)) == 0)
		rc = Q_ECORRUPT;
	if (known) {
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
	/* What cannot be read may be of those that are wanted. */
	if ((known && by->state != 0 && s.state != by->state) ||
	    (rc == 0 && !chosen(by, &m)))
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
		if ((rc = txn_scan(t, T_BODY, &key, &v, &args->hidden)) != 0) {
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
	/* What came before damage is given; the next call meets it first. */
	if (rc == Q_ECORRUPT && b->count > 0)
		rc = 0;
	if (rc == 0 && b->count == 0)
		rc = at.hidden ? txn_hidden(T_BODY) : fail(Q_EMPTY, "no more messages");
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
		if (rc == STORE_NONE)
			rc = look_gone(&t, id);
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
