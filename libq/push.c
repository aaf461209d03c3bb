/* SPDX-License-Identifier: ISC */
/* Pushing: the two records and one index row of each message that is admitted. */
#include <string.h>

#include "admit.h"
#include "blob.h"
#include "error.h"
#include "event.h"
#include "group.h"
#include "hash.h"
#include "life.h"
#include "load.h"
#include "message.h"
#include "note.h"
#include "pause.h"
#include "policy.h"
#include "unique.h"

#include "push.h"

/* What is handed over here may be delivered again elsewhere for no longer than that. */
#define ORIGIN_KNOWN (30 * (86400 * Q_SECOND))

struct message
push_message(const struct txn *t, const struct q_push *p)
{
	struct message m = {
		.rank = policy_rank(p->priority),
		.pushed = t->now.wall,
		.uid = t->uid,
		.max_attempts = p->max_attempts,
		.key = p->key,
		.key_size = p->key != NULL ? strlen(p->key) : 0,
		.group = p->group,
		.group_size = p->group != NULL ? strlen(p->group) : 0,
		.headers = p->headers,
		.headers_size = p->headers_size,
		.body = p->body,
		.size = admit_size(p),
	};

	if (p->key != NULL)
		m.flags |= MSG_KEY;
	if (p->group != NULL)
		m.flags |= MSG_GROUP;
	if (p->headers_size > 0)
		m.flags |= MSG_HEADERS;
	if (p->result)
		m.flags |= MSG_RESULT;
	if (p->max_attempts > 0)
		m.flags |= MSG_ATTEMPTS;
	if (p->ttl > 0) {
		m.flags |= MSG_EXPIRES;
		m.expires = time_add(t->now.wall, p->ttl);
	}
	if (p->blob != NULL) {
		m.flags |= MSG_BLOB;
		m.blob_hash = blob_hash(p->blob);
	}
	return (m);
}

int
push_record(struct txn *t, const struct message *m, uint64_t id)
{
	struct key k = key_id(id);
	uint8_t *record;
	int rc;

	if ((rc = txn_reserve(t, T_BODY, key_span(&k), message_size(m), &record)) != 0)
		return (rc);
	message_encode(m, id, record);
	if (!(m->flags & MSG_EXPIRES))
		return (0);
	k = key_expiry(EXPIRY_TTL, (uint64_t)m->expires, id);
	return (txn_put(t, T_EXPIRY, key_span(&k), (struct span){ NULL, 0 }));
}

/* Write the extent of those before, if there are any. */
static int
put_extent(struct txn *t, struct extent *e)
{
	int rc = e->count > 0 ? life_enter_extent(t, e) : 0;

	e->count = 0;
	return (rc);
}

static int
put_state(struct txn *t, const struct q_push *p, uint64_t id, struct extent *open)
{
	q_time due = p->delay > 0 ? time_add(t->now.wall, p->delay) : p->due;
	struct state s = {
		.state = due > t->now.wall ? Q_DELAYED : Q_READY,
		.rank = policy_rank(p->priority),
		.size = admit_size(p),
		.max_attempts = p->max_attempts,
		.pushed = t->now.wall,
	};
	int rc;

	if (s.state == Q_DELAYED)
		s.due = (uint64_t)due;
	if (p->ttl > 0)
		s.flags |= ST_EXPIRES;
	if (p->blob != NULL)
		s.flags |= ST_BLOB;
	if (p->result)
		s.flags |= ST_RESULT;
	if (p->key != NULL)
		s.flags |= ST_KEYED;
	if (p->group != NULL) {
		s.flags |= ST_GROUPED;
		hash_name(p->group, strlen(p->group), t->meta.uuid, s.group);
	}
	rc = group_join(t, id, &s);
	note(t, Q_EVENT_PUSHED, id, &s, (q_time)s.due, p->key);
	if (rc != 0 || extent_join(open, id, &s) || (rc = put_extent(t, open)) != 0)
		return (rc);
	if (!extent_may(&s))
		return (life_enter(t, id, &s));
	*open = (struct extent){ .first = id, .count = 1, .s = s };
	return (0);
}

/* A new message, or one as it was elsewhere. */
static int
put(struct txn *t, const struct q_push *p, const struct q_msg *as, uint64_t id,
    struct extent *open)
{
	struct message m = push_message(t, p);
	int rc;

	if (as != NULL)
		return (load_one(t, &m, as, id));
	rc = push_record(t, &m, id);
	return (rc == 0 ? put_state(t, p, id, open) : rc);
}

static int
push_one(struct txn *t, const struct q_push *p, const struct q_msg *as, uint64_t id,
    struct extent *open)
{
	int rc;

	if ((p->blob != NULL && (rc = blob_adopt(p->blob, id)) != 0) ||
	    (rc = put(t, p, as, id, open)) != 0)
		return (rc);
	t->meta.next = id + 1;
	t->meta_changed |= 1U << META_REC_NEXT;
	life_count(t, COUNT_PUSHED, 1);
	life_count(t, COUNT_BYTES, admit_size(p));
	life_count(t, COUNT_BYTES_IN, admit_size(p));
	return (0);
}

/* That what comes of an origin is here: as message id. */
static int
record_origin(struct txn *t, const struct q_origin *origin, uint64_t id)
{
	uint8_t hash[16];

	unique_origin(t, origin, hash);
	return (unique_put(t, hash, id, time_add(t->now.wall, ORIGIN_KNOWN)));
}

static int
push_known(struct txn *t, const struct push *push, size_t i, struct extent *open,
    struct q_pushed *result)
{
	const struct q_push *p = &push->messages[i];
	const struct q_msg *as = push->as != NULL ? &push->as[i] : NULL;
	uint64_t known, id = t->meta.next;
	uint8_t hash[16];
	bool by_key;
	int rc = admit_known(t, push, i, &known, &by_key);

	if (rc != 0)
		return (rc);
	if (known == 0 && as != NULL && as->id > id)
		id = as->id;
	*result = (struct q_pushed){ known != 0 ? known : id, known != 0 };
	if (push->by_key != NULL)
		push->by_key[i] = known != 0 && by_key;
	if (known != 0)
		return (0);
	if ((rc = push_one(t, p, as, id, open)) != 0)
		return (rc);
	if (push->each != NULL && (rc = record_origin(t, &push->each[i], id)) != 0)
		return (rc);
	if (!admit_keyed(push, i) || by_key)
		return (0);
	unique_hash(t, p->key, strlen(p->key), hash);
	return (unique_put(t, hash, result->id, 0));
}

/* Whether what comes of the origin is here already; else this is the time it comes. */
static int
check_origin(struct txn *t, const struct push *push, bool *known)
{
	uint8_t hash[16];
	uint64_t id = 0;
	int rc = 0;

	for (size_t i = 0; i < push->over_count && rc == 0; i++) {
		unique_origin(t, &push->over[i], hash);
		rc = unique_forget(t, hash);
	}
	*known = false;
	if (rc != 0 || push->origin == NULL)
		return (rc);
	unique_origin(t, push->origin, hash);
	rc = unique_find(t, hash, &id);
	*known = id != 0;
	return (rc);
}

/* Whether nobody has taken the message that is to be replaced; its time may have come.
 */
static int
check_old(struct txn *t, const struct q_msg *old, struct state *s, int *code)
{
	int rc = life_get(t, old->id, s);

	if (rc == STORE_NONE)
		*code = fail(Q_ENOENT, "no such message (done, expired or purged)");
	else if (rc == 0 && (s->delivery != old->delivery || s->state == Q_LEASED ||
				s->flags & ST_MOVING))
		*code = fail(Q_ESTALE, "it was leased or settled meanwhile");
	return (rc == STORE_NONE ? 0 : rc);
}

/* It goes, once it is certain that the other comes. */
static int
end_old(struct txn *t, const struct push *push, const struct state *s)
{
	int rc = life_leave(t, push->old->id, s);

	return (rc == 0 ? life_end(t, push->old->id, s, COUNT_PURGED) : rc);
}

int
push_apply(struct txn *t, const struct push *push, struct pushed *result)
{
	struct extent open = { .count = 0 };
	struct q_pushed one;
	struct state old;
	size_t n = 0, added = 0;
	int rc;

	*result = (struct pushed){ 0 };
	if ((rc = check_origin(t, push, &result->known)) != 0 || result->known)
		return (rc);
	if (push->old != NULL) {
		if ((rc = check_old(t, push->old, &old, &result->code)) != 0 ||
		    result->code != 0)
			return (rc);
	} else if ((result->code = pause_check(t, Q_GATE_IN)) != 0) {
		return (0);
	}
	if ((rc = admit_push(t, push, result, &n)) != 0)
		return (rc);
	if (push->old != NULL && result->code == 0)
		rc = end_old(t, push, &old);
	if (rc == 0 && push->origin != NULL && result->code == 0)
		rc = record_origin(t, push->origin, t->meta.next);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((rc = push_known(t, push, i, &open, &one)) != 0)
			break;
		if (push->pushed != NULL)
			push->pushed[i] = one;
		result->stored++;
		added += !one.known;
	}
	if (rc == 0)
		rc = put_extent(t, &open);
	return (rc == 0 ? tally_pushed(t, added) : rc);
}
