/* SPDX-License-Identifier: ISC */
/*
 * From queue to queue. A move marks messages, with which they are dead and nothing
 * but the end of the move makes them live again; pushes them under their origin, which
 * the other queue accepts once; and ends them here. Whatever ends it on its way, the
 * same again takes each over once. A copy is the second of these steps alone.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "bytes.h"
#include "error.h"
#include "group.h"
#include "life.h"
#include "load.h"
#include "queue.h"

enum { COPY_SIZE = 1 << 17 };

struct transfer {
	struct q *from, *to;
	struct manage manage; /* of the first step */
	struct q_manage how;
	bool copy;
	uint8_t uuid[16];  /* of the origin */
	struct q_batch *b; /* what was copied out, in the order of ids */
	struct q_push *push;
	struct q_origin *each;
	struct q_pushed *pushed;
	bool *by_key; /* not pushed: another message has its key there */
	size_t n;     /* of these four: those that can be pushed */
	struct q_managed *sum;
	char name[Q_EVENT_DETAIL]; /* of the queue it goes to */
};

/* ---- in the queue it comes from ---- */

static uint64_t
half(const uint8_t *uuid)
{
	return (get_be64(uuid));
}

static bool
is_marked_for(const struct manage *m, const struct state *s)
{
	return (s->owner_start == half(m->to) && s->owner_ns == half(m->to + 8));
}

/* As it was when it was copied out. */
static const struct q_msg *
copied_out(const struct manage *m, uint64_t id)
{
	for (size_t i = 0; i < m->out->count; i++)
		if (m->out->msg[i].id == id)
			return (&m->out->msg[i]);
	return (NULL);
}

bool
transfer_may(const struct manage *m, uint64_t id, const struct state *s)
{
	unsigned act = (unsigned)m->how->act;

	if (!(s->flags & ST_MOVING))
		return (act != ACT_MOVED && act != ACT_STAYS);
	/* The id may be given twice. */
	if (act == ACT_MARK && m->out != NULL && copied_out(m, id) != NULL)
		return (false);
	if (act == ACT_MARK || act == Q_ACT_REDRIVE)
		return (m->how->force || (act == ACT_MARK && is_marked_for(m, s)));
	if (act == ACT_MOVED || act == ACT_STAYS)
		return (is_marked_for(m, s));
	return (act == Q_ACT_PURGE);
}

int
transfer_copy(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	struct key k = key_id(id);
	struct message message;
	struct span v;
	int rc = txn_get(t, T_BODY, key_span(&k), &v);

	if (rc == 0)
		rc = message_decode(v.data, v.size, id, &message);
	if (rc == Q_ECORRUPT)
		return (batch_add(t, m->out, id, s, NULL, 0, 0));
	if (rc != 0)
		return (rc);
	return (batch_add(t, m->out, id, s, &message, BATCH_BODY, SIZE_MAX));
}

int
transfer_mark(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	bool again = s->flags & ST_MOVING;
	int rc = transfer_copy(t, m, id, s);

	if (rc != 0)
		return (rc);
	if (m->out->msg[m->out->count - 1].damaged)
		return (life_keep(t, id, s));
	if (s->state == Q_BLOCKED && (rc = group_leave(t, id, s)) != 0)
		return (rc);
	s->flags |= ST_MOVING;
	s->owner_start = half(m->to);
	s->owner_ns = half(m->to + 8);
	/* Its due time stays, and so does its place at the head of a group. */
	s->state = Q_DEAD;
	return (again ? life_keep(t, id, s) : life_enter(t, id, s));
}

int
transfer_moved(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	return (life_end_as(t, id, s, COUNT_PURGED, Q_EVENT_MOVED, m->to_name));
}

/* What it was before it was marked; not if an earlier move did that. */
int
transfer_stays(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	const struct q_msg *was = copied_out(m, id);
	int rc;

	if (was == NULL || was->moving)
		return (life_keep(t, id, s));
	s->flags &= (uint16_t)~ST_MOVING;
	if (was->state == Q_DEAD)
		return (life_enter(t, id, s));
	s->state = s->due > (uint64_t)t->now.wall && was->state != Q_READY ? Q_DELAYED
	                                                                   : Q_READY;
	rc = group_join(t, id, s);
	return (rc == 0 ? life_enter(t, id, s) : rc);
}

/* Of one that cannot be read any more nobody can say that it is elsewhere now. */
static int
first_unreadable(const struct q_manage *how)
{
	for (size_t i = 0; i < how->id_count; i++)
		if (how->codes[i] == Q_ECORRUPT)
			return (fail(Q_ECORRUPT,
			    "message %llu cannot be read any more, and may be in both "
			    "queues; run 'qctl check'",
			    (unsigned long long)how->ids[i]));
	return (0);
}

/* Do the last step to some. */
static int
finish(struct transfer *x, unsigned act, const uint64_t *ids, size_t n)
{
	struct q_manage how = { .act = (enum q_act)act, .ids = ids, .id_count = n };
	struct manage m = x->manage;
	struct manage_part part = { .end = n == 0 };
	int rc = 0;

	if ((how.codes = calloc(n + 1, sizeof(*how.codes))) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	m.how = &how;
	m.at = m.most = 0;
	m.out = act == ACT_STAYS ? x->b : NULL;
	while (rc == 0 && !part.end) {
		rc = manage_part(x->from, &m, &part);
		m.at = part.next;
	}
	if (rc == 0)
		rc = first_unreadable(&how);
	free(how.codes);
	return (rc);
}

/* ---- in the queue it goes to ---- */

/* So that the caller can say which of the two queues it is. */
static int
there(struct transfer *x, int rc)
{
	x->sum->there = rc != 0;
	return (rc);
}

/* The file of a large body, into a file of the other queue. */
static int
copy_blob(struct transfer *x, const struct q_msg *m, struct q_blob **out)
{
	struct q_blob *blob = NULL;
	uint8_t *buf = malloc(COPY_SIZE);
	ssize_t n = 1;
	int fd = -1, rc;

	if (buf == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	if ((rc = q_msg_open(x->from, m, &fd)) == 0)
		rc = there(x, q_blob_new(x->to, &blob));
	while (rc == 0 && (n = read(fd, buf, COPY_SIZE)) != 0)
		if (n > 0)
			rc = there(x, q_blob_write(blob, buf, (size_t)n));
		else if (errno != EINTR)
			rc = fail_sys("blob");
	if (fd != -1)
		(void)close(fd);
	free(buf);
	if (rc == 0)
		*out = blob;
	else
		q_blob_free(blob);
	return (rc);
}

/* All that its pusher said of it, but that he waits for a result. */
static int
add_push(struct transfer *x, const struct q_msg *m)
{
	struct q_push p = load_push(m);
	struct clock now;
	int rc = clock_read(&now);

	if (rc != 0 || (m->blob && (rc = copy_blob(x, m, &p.blob)) != 0))
		return (rc);
	p.result = false;
	/* A back-off is over. */
	if ((m->state == Q_DELAYED || m->state == Q_BLOCKED) && m->delivery == 0)
		p.due = m->due;
	if (m->expires != 0)
		p.ttl = m->expires > now.wall ? m->expires - now.wall : 1;
	memcpy(x->each[x->n].queue, x->uuid, 16);
	x->each[x->n].id = m->id;
	x->each[x->n].pushed = m->pushed;
	x->push[x->n++] = p;
	return (0);
}

static void
forget(struct transfer *x)
{
	for (size_t i = 0; i < x->n; i++)
		q_blob_free(x->push[i].blob);
	free(x->push);
	free(x->each);
	free(x->pushed);
	free(x->by_key);
	x->push = NULL;
	x->each = NULL;
	x->pushed = NULL;
	x->by_key = NULL;
	x->n = 0;
}

static void
leave_damaged(struct transfer *x, uint64_t id)
{
	x->sum->refused++;
	for (size_t i = 0; x->how.codes != NULL && i < x->how.id_count; i++)
		if (x->how.ids[i] == id)
			x->how.codes[i] = Q_ECORRUPT;
}

/* What is damaged stays, and is counted, and named if it was. */
static int
add_all(struct transfer *x)
{
	size_t n = x->b->count;
	int rc = 0;

	x->push = calloc(n + 1, sizeof(*x->push));
	x->each = calloc(n + 1, sizeof(*x->each));
	x->pushed = calloc(n + 1, sizeof(*x->pushed));
	x->by_key = calloc(n + 1, sizeof(*x->by_key));
	if (x->push == NULL || x->each == NULL || x->pushed == NULL ||
	    x->by_key == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct q_msg *m = &x->b->msg[i];

		rc = m->damaged ? Q_ECORRUPT : add_push(x, m);
		if (x->sum->there)
			break;
		if (rc == Q_ECORRUPT)
			leave_damaged(x, m->id);
		/* Somebody may have taken it, or moved it, since it was copied out. */
		if (rc == Q_ECORRUPT || rc == Q_ENOENT)
			rc = 0;
	}
	return (rc);
}

/* Of what the first step copied out, the first that could be pushed are there now, but
 * for those whose key another has. Both lists are in the same order. */
static int
settle(struct transfer *x, size_t stored)
{
	size_t at = 0, moved = 0, stay = 0;
	uint64_t *ids = calloc(x->b->count + 1, sizeof(*ids));
	int rc;

	if (ids == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	for (size_t i = 0; i < stored; i++)
		if (!x->by_key[i])
			ids[moved++] = x->each[i].id;
	rc = finish(x, ACT_MOVED, ids, moved);
	for (size_t i = 0; i < x->b->count; i++) {
		bool there = at < stored && x->each[at].id == x->b->msg[i].id;

		if (!there || x->by_key[at])
			ids[stay++] = x->b->msg[i].id;
		at += there;
	}
	if (rc == 0)
		rc = finish(x, ACT_STAYS, ids, stay);
	free(ids);
	return (rc);
}

/* The second and third step for what the first one copied out. */
static int
carry(struct transfer *x)
{
	char why[256];
	size_t stored = 0;
	int rc = add_all(x), end;

	if (rc == 0 && x->n > 0)
		rc = there(x, push_each(x->to, x->push, x->n, x->each, NULL, &stored,
				  x->pushed, x->by_key));
	for (size_t i = 0; i < stored; i++) {
		x->sum->known += x->copy ? x->pushed[i].known : x->by_key[i];
		if (!x->copy && x->by_key[i])
			continue;
		x->sum->count++;
		x->sum->bytes += x->push[i].blob != NULL ? q_blob_size(x->push[i].blob)
		                                         : x->push[i].size;
	}
	/* If a flush failed, nobody knows whether it is there: all stays marked. */
	if (x->copy || x->to->dead != 0)
		return (rc);
	(void)snprintf(why, sizeof(why), "%s", q_errmsg());
	if ((end = settle(x, stored)) != 0) {
		x->sum->there = false;
		return (end);
	}
	return (rc == 0 ? 0 : fail(rc, "%s", why));
}

/* As its directory is called at this moment; where nobody can say that, its uuid. */
static void
name_of(const struct q *q, const uint8_t uuid[16], char name[Q_EVENT_DETAIL])
{
	char link[64], path[PATH_MAX], *last;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", q->dir.fd);
	if ((n = readlink(link, path, sizeof(path) - 1)) > 0) {
		path[n] = '\0';
		last = strrchr(path, '/');
		(void)snprintf(name, Q_EVENT_DETAIL, "%.*s", Q_EVENT_DETAIL - 1,
		    last != NULL ? last + 1 : path);
		return;
	}
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", uuid[i]);
}

static int
check(struct transfer *x, struct q *from, struct q *to, const struct q_transfer *how)
{
	struct q_stat a, b;
	int rc;

	x->how = how->which;
	x->how.act = (enum q_act)(how->copy ? ACT_COPY : ACT_MARK);
	if ((rc = manage_check(&x->how)) != 0 || (rc = q_stat(from, &a)) != 0 ||
	    (rc = there(x, q_stat(to, &b))) != 0)
		return (rc);
	if (memcmp(a.uuid, b.uuid, 16) == 0)
		return (fail(Q_EINVAL, "it is the queue itself"));
	memcpy(x->manage.to, b.uuid, 16);
	name_of(to, b.uuid, x->name);
	x->manage.to_name = x->name;
	/* Copies and moves do not know of each other. */
	for (size_t i = 0; i < 16; i++)
		x->uuid[i] = how->copy ? (uint8_t)~a.uuid[i] : a.uuid[i];
	return (0);
}

int
q_transfer(
    struct q *from, struct q *to, const struct q_transfer *how, struct q_managed *out)
{
	struct transfer x = { .from = from, .to = to, .copy = how->copy, .sum = out };
	struct manage_part part = { .end = false };
	struct meant meant = { 0 };
	uint64_t left = how->most;
	bool hidden = false;
	int rc;

	*out = (struct q_managed){ 0 };
	if ((rc = check(&x, from, to, how)) != 0 || (rc = batch_new(&x.b)) != 0)
		return (rc);
	x.manage.how = &x.how;
	if (!how->copy)
		rc = manage_decide(from, &x.manage, &meant);
	while (rc == 0 && !part.end && (how->most == 0 || left > 0)) {
		x.manage.out = x.how.dry ? NULL : x.b;
		x.manage.most = left;
		if ((rc = manage_part(from, &x.manage, &part)) != 0)
			break;
		hidden = hidden || part.hidden;
		x.manage.at = part.next;
		left -= how->most == 0 ? 0 : part.sum.count;
		out->refused += part.sum.refused;
		if (x.how.dry) {
			out->count += part.sum.count;
			out->bytes += part.sum.bytes;
			continue;
		}
		rc = carry(&x);
		forget(&x);
		q_batch_free(x.b);
		if (rc == 0)
			rc = batch_new(&x.b);
		else
			x.b = NULL;
		if (from->stop != NULL && from->stop(from->arg))
			break;
	}
	q_batch_free(x.b);
	free(meant.ids);
	return (rc == 0 && hidden ? txn_hidden(T_BODY) : rc);
}
