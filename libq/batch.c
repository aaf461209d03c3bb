/* SPDX-License-Identifier: ISC */
/* Batches: copies of messages, so that nobody points into the map. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "event.h"
#include "hold.h"
#include "life.h"
#include "policy.h"
#include "receipt.h"

#include "batch.h"

struct chunk {
	struct chunk *next;
	size_t used, size;
	uint8_t data[];
};

enum { CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

int
batch_new(struct q_batch **batch)
{
	if ((*batch = calloc(1, sizeof(**batch))) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	return (0);
}

size_t
q_batch_count(const struct q_batch *b)
{
	return (b->count);
}

const struct q_msg *
q_batch_get(const struct q_batch *b, size_t i)
{
	return (&b->msg[i]);
}

void
q_batch_free(struct q_batch *b)
{
	if (b == NULL)
		return;
	for (struct chunk *c = b->chunks, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(b->msg);
	free(b);
}

void
batch_cut(struct q_batch *b, size_t count)
{
	b->count = count;
}

static void *
alloc(struct q_batch *b, size_t size)
{
	struct chunk *c = b->chunks;
	size_t room;

	size = (size + 7) & ~(size_t)7;
	if (c == NULL || c->size - c->used < size) {
		room = c == NULL             ? CHUNK_MIN
		       : c->size < CHUNK_MAX ? c->size * 4
		                             : CHUNK_MAX;
		if (room < size)
			room = size;
		if ((c = malloc(sizeof(*c) + room)) == NULL)
			return (NULL);
		*c = (struct chunk){ .next = b->chunks, .size = room };
		b->chunks = c;
	}
	c->used += size;
	return (c->data + c->used - size);
}

/* A copy with a NUL behind it, which body and texts are promised. */
static int
copy(struct q_batch *b, const void *data, size_t size, const void **out)
{
	uint8_t *p = alloc(b, size + 1);

	if (p == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	*put_bytes(p, data, size) = '\0';
	*out = p;
	return (0);
}

/* A public copy of one failure record. */
static int
copy_failure(struct q_batch *b, const struct failure *f, struct q_failure *out)
{
	const struct q_report *r = &f->report;
	const void *reason = NULL, *host = NULL, *output = NULL, *command = NULL;
	int rc;

	if ((rc = copy(b, f->reason, f->reason_size, &reason)) != 0 ||
	    (rc = copy(b, f->report.host, f->host_size, &host)) != 0 ||
	    (rc = copy(b, r->output, r->output_size, &output)) != 0 ||
	    (rc = copy(b, r->command, r->command_size, &command)) != 0)
		return (rc);
	out->when = f->when;
	out->pid = (pid_t)f->pid;
	out->reason = reason;
	out->report = f->report;
	out->report.host = host;
	out->report.output = output;
	out->report.command = command;
	return (0);
}

static int
add_failures(struct txn *t, struct q_batch *b, struct q_msg *m)
{
	struct key from = key_failure(m->id, 0);
	struct span key = key_span(&from), v;
	struct q_failure *list = NULL, *more;
	size_t n = 0;
	int rc;

	for (rc = txn_seek(t, T_FAILURE, &key, &v);
	     rc == 0 && memcmp(key.data, from.b, 8) == 0;
	     rc = txn_next(t, T_FAILURE, &key, &v)) {
		struct failure f;

		if ((rc = failure_decode(v.data, v.size, m->id, &f)) != 0)
			return (rc);
		if ((more = alloc(b, (n + 1) * sizeof(*list))) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		if (n > 0)
			memcpy(more, list, n * sizeof(*list));
		list = more;
		if ((rc = copy_failure(b, &f, &list[n])) != 0)
			return (rc);
		list[n++].delivery = get_be32((const uint8_t *)key.data + 8);
	}
	m->failures = list;
	m->failure_count = n;
	return (rc == STORE_NONE ? 0 : rc);
}

/* When the present state ends, as time of day; leases are kept on the boot clock. */
static q_time
due_of(const struct txn *t, const struct state *s)
{
	if (s->state == Q_BLOCKED && s->due <= (uint64_t)t->now.wall)
		return (0); /* it waits for its group alone */
	if (s->state == Q_DELAYED || s->state == Q_BLOCKED)
		return ((q_time)s->due);
	return (s->state == Q_LEASED ? life_lease_end(t, s) : 0);
}

int
batch_room(struct q_batch *b, size_t n)
{
	struct q_msg *p;

	if (n <= b->room)
		return (0);
	if ((p = reallocarray(b->msg, n, sizeof(*p))) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	b->msg = p;
	b->room = n;
	return (0);
}

static int
room_for_one(struct q_batch *b)
{
	return (b->count < b->room ? 0 : batch_room(b, b->room == 0 ? 1 : b->room * 2));
}

static int
copy_message(struct q_batch *b, struct q_msg *out, const struct message *m,
    unsigned parts, size_t preview)
{
	const void *p = NULL;
	int rc;

	out->pushed = m->pushed;
	out->expires = m->expires;
	out->uid = m->uid;
	out->blob_hash = m->blob_hash;
	if (m->key != NULL) {
		if ((rc = copy(b, m->key, m->key_size, &p)) != 0)
			return (rc);
		out->key = p;
	}
	if (m->group != NULL) {
		if ((rc = copy(b, m->group, m->group_size, &p)) != 0)
			return (rc);
		out->group = p;
	}
	if (m->headers_size > 0) {
		if ((rc = copy(b, m->headers, m->headers_size, &p)) != 0)
			return (rc);
		out->headers = p;
		out->headers_size = m->headers_size;
	}
	if (m->body == NULL || !(parts & BATCH_BODY))
		return (0);
	out->body_size = m->size < preview ? (size_t)m->size : preview;
	return (copy(b, m->body, out->body_size, &out->body));
}

int
batch_add(struct txn *t, struct q_batch *b, uint64_t id, const struct state *s,
    const struct message *m, unsigned parts, size_t preview)
{
	struct q_msg *out;
	int rc;

	if ((rc = room_for_one(b)) != 0)
		return (rc);
	out = &b->msg[b->count];
	*out = (struct q_msg){
		.id = id,
		.state = s->state,
		.priority = policy_priority(s->rank),
		.attempt = life_attempts(s),
		.delivery = s->delivery,
		.max_attempts = life_max_attempts(t, s),
		.due = due_of(t, s),
		.changed = s->changed,
		.pid = (pid_t)s->pid,
		.size = s->size,
		.blob = s->flags & ST_BLOB,
		.result = s->flags & ST_RESULT ||
		          t->meta.option[Q_OPT_RESULTS] == Q_RESULTS_ALL,
		.damaged = m == NULL,
		.ahead = s->flags & ST_AHEAD,
		.own_attempts = s->max_attempts != 0,
		.moving = s->flags & ST_MOVING,
		.headers = "",
	};
	if (s->state == Q_LEASED)
		out->receipt = (struct q_receipt){ id, s->delivery,
			receipt_check(t->meta.uuid, id, s->delivery) };
	if (m != NULL && (rc = copy_message(b, out, m, parts, preview)) != 0)
		return (rc);
	if (parts & BATCH_FAILURES && s->flags & ST_FAILED &&
	    (rc = add_failures(t, b, out)) != 0)
		return (rc);
	b->count++;
	return (0);
}

int
batch_add_stub(struct q_batch *b, uint64_t id, uint32_t delivery)
{
	int rc;

	if ((rc = room_for_one(b)) == 0)
		b->msg[b->count++] = (struct q_msg){ .id = id, .delivery = delivery };
	return (rc);
}

size_t
batch_run(const struct q_batch *b, size_t i, size_t end)
{
	size_t n = 1;

	while (i + n < end && b->msg[i + n].id == b->msg[i].id + n)
		n++;
	return (n);
}

int
batch_hold(struct q *q, const struct q_batch *b)
{
	int rc = 0;

	for (size_t i = 0, n; i < b->count && rc == 0; i += n) {
		n = batch_run(b, i, b->count);
		rc = hold_lock(q, b->msg[i].id, n);
	}
	return (rc);
}

void
batch_let_go(struct q *q, struct q_batch *b, size_t first, size_t n)
{
	for (size_t i = first, end = first + n, run; i < end; i += run) {
		run = batch_run(b, i, end);
		hold_unlock(q, b->msg[i].id, run);
	}
}

void
batch_undo(struct q *q, const struct q_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		hold_unlock_once(q, b->msg[i].id);
}
