/* SPDX-License-Identifier: ISC */
/* The life of a message: from state to state, and its end. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "event.h"
#include "group.h"
#include "message.h"
#include "note.h"
#include "policy.h"
#include "result.h"
#include "unique.h"

#include "life.h"

enum { FAILURES_KEPT = 32 };

static const enum counter counters[Q_STATES] = {
	[Q_READY] = COUNT_READY,
	[Q_DELAYED] = COUNT_DELAYED,
	[Q_BLOCKED] = COUNT_BLOCKED,
	[Q_LEASED] = COUNT_LEASED,
	[Q_DEAD] = COUNT_DEAD,
};

void
life_count_in(struct txn *t, const struct state *s, uint64_t n)
{
	life_count(t, counters[s->state], n);
	if (s->state == Q_LEASED && s->flags & ST_AHEAD)
		life_count(t, COUNT_AHEAD, n);
	if (t->meta.counter[COUNT_LEASED] == 0)
		t->meta.counter[COUNT_AHEAD] = 0;
}

int
life_get(struct txn *t, uint64_t id, struct state *s)
{
	struct extent e;
	int rc = extent_find(t, id, &e);

	if (rc != 0)
		return (rc);
	e.s.size = extent_size(&e, (unsigned)(id - e.first));
	e.s.shared = e.count > 1;
	*s = e.s;
	return (0);
}

static struct extent
of_one(uint64_t id, const struct state *s)
{
	return ((struct extent){ .first = id, .count = 1, .s = *s });
}

int
life_leave(struct txn *t, uint64_t id, const struct state *s)
{
	struct extent e = of_one(id, s);
	int rc = s->shared ? extent_alone(t, id) : 0;

	return (rc == 0 ? life_leave_extent(t, &e) : rc);
}

int
life_leave_extent(struct txn *t, const struct extent *e)
{
	life_count_in(t, &e->s, (uint64_t)0 - e->count);
	return (extent_unlist(t, e));
}

int
life_list(struct txn *t, uint64_t id, const struct state *s)
{
	struct extent e = of_one(id, s);

	life_count_in(t, s, 1);
	return (extent_list(t, &e));
}

int
life_write(struct txn *t, uint64_t id, const struct state *s)
{
	struct extent e = of_one(id, s);
	int rc = s->shared ? extent_alone(t, id) : 0;

	return (rc == 0 ? extent_write(t, &e) : rc);
}

int
life_enter_extent(struct txn *t, struct extent *e)
{
	int rc;

	e->s.changed = t->now.wall;
	life_count_in(t, &e->s, e->count);
	t->readied += e->s.state == Q_READY ? e->count : 0;
	rc = extent_list(t, e);
	return (rc == 0 ? extent_write(t, e) : rc);
}

int
life_enter(struct txn *t, uint64_t id, struct state *s)
{
	s->changed = t->now.wall;
	return (life_keep(t, id, s));
}

int
life_keep(struct txn *t, uint64_t id, struct state *s)
{
	int rc = life_list(t, id, s);

	t->readied += s->state == Q_READY;
	return (rc == 0 ? life_write(t, id, s) : rc);
}

void
life_count(struct txn *t, enum counter counter, uint64_t n)
{
	if (t->meta.counter[counter] != COUNT_UNKNOWN)
		t->meta.counter[counter] += n;
	t->meta_changed |= 1U << META_REC_COUNTERS;
}

static int
forget_failures(struct txn *t, uint64_t id)
{
	struct key k = key_failure(id, 0);
	struct span key = key_span(&k), v;
	int rc;

	while ((rc = txn_seek(t, T_FAILURE, &key, &v)) == 0 && key.size == k.size &&
	       memcmp(key.data, k.b, 8) == 0) {
		if ((rc = txn_drop(t, T_FAILURE)) != 0)
			return (rc);
		key = key_span(&k);
	}
	return (rc == STORE_NONE ? 0 : rc);
}

/* What the message record says there is elsewhere. */
static int
forget_parts(struct txn *t, uint64_t id, const struct state *s, enum counter how)
{
	struct key k = key_id(id);
	uint8_t hash[16];
	struct message m;
	struct span v;
	int rc;

	if ((rc = txn_get(t, T_BODY, key_span(&k), &v)) != 0)
		return (rc);
	/* A damaged one keeps its row until its time, when nothing is found for it. */
	if (message_decode(v.data, v.size, id, &m) != 0)
		return (0);
	if (s->flags & ST_KEYED) {
		unique_hash(t, m.key, m.key_size, hash);
		if ((rc = unique_end(t, hash, id, how == COUNT_DONE)) != 0)
			return (rc);
	}
	if (!(s->flags & ST_EXPIRES))
		return (0);
	k = key_expiry(EXPIRY_TTL, (uint64_t)m.expires, id);
	rc = txn_del(t, T_EXPIRY, key_span(&k));
	return (rc == STORE_NONE ? 0 : rc);
}

int
life_drop_file(struct txn *t, uint64_t id, bool output)
{
	struct file *p = reallocarray(t->files, t->file_count + 1, sizeof(*p));

	if (p == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	t->files = p;
	p[t->file_count++] = (struct file){ id, output };
	return (0);
}

static const enum q_event_kind ends[] = {
	[COUNT_DONE] = Q_EVENT_ACKNOWLEDGED,
	[COUNT_EXPIRED] = Q_EVENT_EXPIRED,
	[COUNT_PURGED] = Q_EVENT_PURGED,
};

static int
drop_row(struct txn *t, enum table table, uint64_t id)
{
	struct key k = key_id(id);
	int rc = txn_del(t, table, key_span(&k));

	return (rc == STORE_NONE
		    ? fail(Q_ECORRUPT, "message %llu is not whole; run 'qctl check'",
			  (unsigned long long)id)
		    : rc);
}

/*
 * LMDB fills a leaf of which less than a quarter is in use from the one beside it, a
 * row at a time, or joins the two if that is as empty: so all are thinned out to a
 * quarter before the first goes below.
 */
static int
drop_bodies(struct txn *t, const struct extent *e, size_t n)
{
	int rc = 0;

	for (unsigned last = 0; last < 2; last++)
		for (size_t k = 0; k < n; k++)
			for (unsigned i = 0; i < e[k].count && rc == 0; i++)
				if ((i % 4 == 3) == last)
					rc = drop_row(t, T_BODY, e[k].first + i);
	return (rc);
}

/* The rows that each message has, and the books. */
static int
drop_all(struct txn *t, const struct extent *e, size_t n, enum counter how,
    enum q_event_kind kind, const char *detail)
{
	int rc = 0;

	for (size_t k = 0; k < n && rc == 0; k++) {
		rc = drop_row(t, T_MSG, e[k].first);
		for (unsigned i = 0; i < e[k].count; i++) {
			note(t, kind, e[k].first + i, &e[k].s, 0, detail);
			life_count(t, COUNT_BYTES, (uint64_t)0 - extent_size(&e[k], i));
		}
		life_count(t, how, e[k].count);
	}
	return (rc == 0 ? drop_bodies(t, e, n) : rc);
}

int
life_end_extents(struct txn *t, const struct extent *e, size_t n, enum counter how)
{
	return (drop_all(t, e, n, how, ends[how], NULL));
}

int
life_end_as(struct txn *t, uint64_t id, const struct state *s, enum counter how,
    enum q_event_kind kind, const char *detail)
{
	struct extent e = of_one(id, s);
	int rc = 0;

	if (s->flags & ST_FAILED)
		rc = forget_failures(t, id);
	if (rc == 0 && s->flags & (ST_EXPIRES | ST_KEYED))
		rc = forget_parts(t, id, s, how);
	if (rc == 0 && s->flags & ST_BLOB)
		rc = life_drop_file(t, id, false);
	if (rc == 0)
		rc = drop_all(t, &e, 1, how, kind, detail);
	return (rc == 0 ? group_leave(t, id, s) : rc);
}

int
life_end(struct txn *t, uint64_t id, const struct state *s, enum counter how)
{
	return (life_end_as(t, id, s, how, ends[how], NULL));
}

int
life_die(struct txn *t, uint64_t id, struct state *s)
{
	int rc;

	s->state = Q_DEAD;
	note(t, Q_EVENT_DEAD, id, s, 0, NULL);
	life_count(t, COUNT_DIED, 1);
	if ((rc = life_enter(t, id, s)) != 0 ||
	    (rc = result_put(t, id, s, true, NULL)) != 0)
		return (rc);
	return (group_dead(t, id, s));
}

q_time
life_lease_end(const struct txn *t, const struct state *s)
{
	q_time end;

	if (s->due > INT64_MAX)
		return (Q_FOREVER);
	end = time_add(t->now.wall, (q_time)s->due - t->now.boot);
	return (end < Q_FOREVER ? end : Q_FOREVER - 1);
}

uint32_t
life_attempts(const struct state *s)
{
	uint32_t begun = s->delivery - s->uncounted;

	return (s->flags & ST_AHEAD && begun > 0 ? begun - 1 : begun);
}

uint32_t
life_max_attempts(const struct txn *t, const struct state *s)
{
	return (s->max_attempts != 0 ? s->max_attempts
				     : (uint32_t)t->meta.option[Q_OPT_MAX_ATTEMPTS]);
}

int
life_revive(struct txn *t, uint64_t id, struct state *s)
{
	int rc = result_forget(t, id);

	return (rc == 0 ? group_join(t, id, s) : rc);
}

int
life_retry(struct txn *t, uint64_t id, struct state *s, q_time due)
{
	bool ended = false, was_dead = s->state == Q_DEAD;
	int rc;

	if (life_attempts(s) >= life_max_attempts(t, s))
		return (life_die(t, id, s));
	if ((rc = life_expire(t, id, s, &ended)) != 0 || ended)
		return (rc);
	s->state = due > t->now.wall ? Q_DELAYED : Q_READY;
	if (s->state == Q_DELAYED)
		s->due = (uint64_t)due;
	if (was_dead && (rc = life_revive(t, id, s)) != 0)
		return (rc);
	return (life_enter(t, id, s));
}

/* No more than FAILURES_KEPT of one message. */
static int
forget_oldest_failure(struct txn *t, uint64_t id)
{
	struct key first = key_failure(id, 0);
	struct span key = key_span(&first), v;
	int n = 0, rc;

	for (rc = txn_seek(t, T_FAILURE, &key, &v);
	     rc == 0 && memcmp(key.data, first.b, 8) == 0;
	     rc = txn_next(t, T_FAILURE, &key, &v))
		n++;
	if ((rc != 0 && rc != STORE_NONE) || n <= FAILURES_KEPT)
		return (rc == STORE_NONE ? 0 : rc);
	key = key_span(&first);
	rc = txn_seek(t, T_FAILURE, &key, &v);
	return (rc == 0 ? txn_drop(t, T_FAILURE) : rc);
}

int
life_fail(struct txn *t, uint64_t id, struct state *s, const char *reason,
    const struct q_report *report)
{
	uint8_t record[FAILURE_MAX];
	struct failure f = { .when = t->now.wall, .pid = s->pid, .reason = reason };
	struct key k = key_failure(id, s->delivery);
	size_t size;
	int rc;

	f.report = *report;
	f.reason_size = strnlen(reason, Q_MAX_REASON);
	if (report->host != NULL)
		f.host_size = strnlen(report->host, FAILURE_HOST_MOST);
	if (report->output_size > Q_MAX_OUTPUT) {
		f.report.output += report->output_size - Q_MAX_OUTPUT;
		f.report.output_size = Q_MAX_OUTPUT;
	}
	if (report->command_size > Q_MAX_COMMAND)
		f.report.command_size = 0;
	s->flags |= ST_FAILED;
	note_reason(t, id, reason);
	size = failure_encode(&f, id, record);
	rc = txn_put(t, T_FAILURE, key_span(&k), (struct span){ record, size });
	return (rc == 0 ? forget_oldest_failure(t, id) : rc);
}

int
life_fail_between(struct txn *t, uint64_t id, struct state *s, const char *reason,
    const struct q_report *report)
{
	s->delivery++;
	s->uncounted++;
	return (life_fail(t, id, s, reason, report));
}

int
life_lapse(struct txn *t, uint64_t id, struct state *s, const char *reason)
{
	static const struct q_report lapsed = { .how = Q_HOW_LAPSED };
	int rc;

	if ((rc = life_leave(t, id, s)) != 0)
		return (rc);
	note(t, Q_EVENT_LAPSED, id, s, 0, reason);
	life_count(t, COUNT_LAPSED, 1);
	if (s->flags & ST_AHEAD) {
		s->uncounted++;
	} else {
		if ((rc = life_fail(t, id, s, reason, &lapsed)) != 0)
			return (rc);
		s->in_a_row = 0;
	}
	s->flags = (uint16_t)((s->flags & ~(ST_OWNED | ST_AHEAD)) | ST_LAPSED);
	return (life_retry(t, id, s, 0));
}

int
life_expire(struct txn *t, uint64_t id, const struct state *s, bool *ended)
{
	struct key k = key_id(id);
	struct message m;
	struct span v;
	int rc;

	*ended = false;
	if (!(s->flags & ST_EXPIRES))
		return (0);
	if ((rc = txn_get(t, T_BODY, key_span(&k), &v)) != 0)
		return (rc);
	/* A damaged one does not expire: its taker shall meet it. */
	if (message_decode(v.data, v.size, id, &m) != 0 || m.expires > t->now.wall)
		return (0);
	*ended = true;
	return (life_end(t, id, s, COUNT_EXPIRED));
}
