/* SPDX-License-Identifier: ISC */
/*
 * Loading: a push that says, too, what had become of the message. Each is known by the
 * queue it was in, its id and its time there, so that the same again adds nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "event.h"
#include "group.h"
#include "hash.h"
#include "life.h"
#include "note.h"
#include "push.h"
#include "queue.h"

#include "load.h"

static int
put_failures(struct txn *t, const struct q_msg *as, uint64_t id)
{
	uint8_t record[FAILURE_MAX];
	int rc = 0;

	for (size_t i = 0; i < as->failure_count && rc == 0; i++) {
		const struct q_failure *q = &as->failures[i];
		struct failure f = { .when = q->when,
			.pid = (uint32_t)q->pid,
			.report = q->report,
			.reason = q->reason,
			.reason_size = strlen(q->reason) };
		struct key k = key_failure(id, q->delivery);
		size_t size;

		if (q->report.host != NULL)
			f.host_size = strlen(q->report.host);
		size = failure_encode(&f, id, record);
		rc = txn_put(t, T_FAILURE, key_span(&k), (struct span){ record, size });
	}
	return (rc);
}

/* Its place in its group. A dead one holds up others only if it did, and if nobody
 * holds it up. */
static int
join(struct txn *t, uint64_t id, const struct q_msg *as, struct state *s)
{
	bool is_free = false;
	int rc = 0;

	if (!(s->flags & ST_GROUPED))
		return (0);
	if (s->state == Q_DEAD && !as->passed &&
	    t->meta.option[Q_OPT_GROUP_ON_DEAD] == Q_GROUP_HOLD)
		rc = group_free(t, id, s, &is_free);
	if (rc != 0 || (s->state == Q_DEAD && !is_free))
		return (rc);
	return (group_join(t, id, s));
}

static struct state
state_of(const struct txn *t, const struct message *m, const struct q_msg *as)
{
	struct state s = {
		.state = as->state == Q_DEAD ? Q_DEAD : Q_READY,
		.rank = m->rank,
		.delivery = as->delivery,
		.uncounted = as->delivery - as->attempt,
		.pushed = as->pushed,
		.changed = as->changed,
		.pid = (uint32_t)as->pid,
		.max_attempts = m->max_attempts,
		.size = m->size,
	};

	if ((as->state == Q_DELAYED || as->state == Q_BLOCKED) &&
	    as->due > t->now.wall) {
		s.state = Q_DELAYED;
		s.due = (uint64_t)as->due;
	}
	if (m->flags & MSG_EXPIRES)
		s.flags |= ST_EXPIRES;
	if (m->flags & MSG_BLOB)
		s.flags |= ST_BLOB;
	if (m->flags & MSG_RESULT)
		s.flags |= ST_RESULT;
	if (m->flags & MSG_KEY)
		s.flags |= ST_KEYED;
	if (as->failure_count > 0)
		s.flags |= ST_FAILED;
	if (as->delivery > 0)
		s.flags |= ST_WAITED;
	if (m->flags & MSG_GROUP) {
		s.flags |= ST_GROUPED;
		hash_name(m->group, m->group_size, t->meta.uuid, s.group);
	}
	return (s);
}

int
load_one(struct txn *t, struct message *m, const struct q_msg *as, uint64_t id)
{
	struct state s;
	int rc;

	m->pushed = as->pushed;
	m->uid = as->uid;
	if (as->expires != 0) {
		m->flags |= MSG_EXPIRES;
		m->expires = as->expires;
	}
	s = state_of(t, m, as);
	if ((rc = push_record(t, m, id)) != 0 || (rc = put_failures(t, as, id)) != 0 ||
	    (rc = join(t, id, as, &s)) != 0)
		return (rc);
	note(t, Q_EVENT_PUSHED, id, &s, (q_time)s.due, as->key);
	return (life_keep(t, id, &s));
}

static int
check(const struct q_msg *m)
{
	if (m->state < Q_READY || m->state >= Q_STATES || m->attempt > m->delivery ||
	    m->id == 0 || m->id == UINT64_MAX || m->pushed < 0 || m->expires < 0 ||
	    m->due < 0)
		return (fail(Q_EINVAL, "message %llu is none that there can be",
		    (unsigned long long)m->id));
	for (size_t i = 0; i < m->failure_count; i++) {
		const struct q_report *r = &m->failures[i].report;

		if (strlen(m->failures[i].reason) > Q_MAX_REASON ||
		    r->output_size > Q_MAX_OUTPUT || r->command_size > Q_MAX_COMMAND ||
		    (unsigned)r->how >= Q_HOWS ||
		    (r->host != NULL && strlen(r->host) > FAILURE_HOST_MOST))
			return (fail(Q_EINVAL,
			    "a failure of message %llu is none that there can be",
			    (unsigned long long)m->id));
	}
	return (0);
}

/* Known apart from what is moved from there. */
enum { MARK = 0x55 };

bool
load_is_own(const struct txn *t, const struct q_origin *from)
{
	for (size_t i = 0; i < sizeof(from->queue); i++)
		if (from->queue[i] != (t->meta.uuid[i] ^ MARK))
			return (false);
	return (true);
}

struct q_push
load_push(const struct q_msg *m)
{
	return ((struct q_push){ .body = m->body,
	    .size = m->body_size,
	    .priority = m->priority,
	    .max_attempts = m->own_attempts ? m->max_attempts : 0,
	    .headers = m->headers,
	    .headers_size = m->headers_size,
	    .key = m->key,
	    .group = m->group,
	    .result = m->result });
}

int
q_load(struct q *q, const uint8_t uuid[16], const struct q_load *messages, size_t n,
    size_t *stored, struct q_pushed *pushed)
{
	struct q_push *push = calloc(n + 1, sizeof(*push));
	struct q_origin *each = calloc(n + 1, sizeof(*each));
	struct q_msg *as = calloc(n + 1, sizeof(*as));
	int rc = 0;

	*stored = 0;
	if (push == NULL || each == NULL || as == NULL) {
		rc = fail(Q_ENOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if ((rc = check(messages[i].msg)) != 0)
			goto out;
		push[i] = load_push(messages[i].msg);
		push[i].blob = messages[i].blob;
		as[i] = *messages[i].msg;
		each[i].id = as[i].id;
		each[i].pushed = as[i].pushed;
		for (size_t k = 0; k < 16; k++)
			each[i].queue[k] = uuid[k] ^ MARK;
	}
	if (n > 0)
		rc = push_each(q, push, n, each, as, stored, pushed, NULL);
out:
	free(push);
	free(each);
	free(as);
	return (rc);
}
