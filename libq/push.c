/* SPDX-License-Identifier: ISC */
/* Pushing: limits, then the two records and one index row of each message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "error.h"
#include "group.h"
#include "hash.h"
#include "human.h"
#include "life.h"
#include "message.h"
#include "note.h"
#include "pause.h"
#include "policy.h"
#include "repeat.h"
#include "space.h"
#include "unique.h"

#include "push.h"

enum { ROW_BYTES = 256 }; /* of a message beside its body and headers, at most */

/* What is handed over here may be delivered again elsewhere for no longer than that. */
#define ORIGIN_KNOWN (30 * (86400 * Q_SECOND))

static int
check_name(const char *what, const char *name)
{
	size_t n = name != NULL ? strnlen(name, Q_MAX_KEY + 1) : 1;

	if (n >= 1 && n <= Q_MAX_KEY)
		return (0);
	return (fail(Q_EINVAL, "a %s has 1 to %d bytes", what, Q_MAX_KEY));
}

static int
check_one(const struct q_push *p)
{
	int rc;

	if ((rc = check_name("key", p->key)) != 0 ||
	    (rc = check_name("group", p->group)) != 0)
		return (rc);
	if (p->priority < Q_MIN_PRIORITY || p->priority > Q_MAX_PRIORITY)
		return (fail(Q_EINVAL, "priority %d is not between %d and %d",
		    p->priority, Q_MIN_PRIORITY, Q_MAX_PRIORITY));
	if (p->delay < 0 || p->due < 0 || p->ttl < 0)
		return (fail(Q_EINVAL, "a time is negative"));
	if (p->delay > 0 && p->due > 0)
		return (fail(Q_EINVAL, "delay and due time exclude each other"));
	if (p->body == NULL && p->size > 0 && p->blob == NULL)
		return (fail(Q_EINVAL, "no body"));
	if (p->headers_size > 0)
		return (message_check_headers(p->headers, p->headers_size));
	return (0);
}

int
push_check(const struct q_push *messages, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		if ((rc = check_one(&messages[i])) != 0)
			return (rc);
	return (0);
}

int
push_flush(const struct q_push *messages, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		if (messages[i].blob != NULL &&
		    (rc = blob_finish(messages[i].blob)) != 0)
			return (rc);
	return (0);
}

static uint64_t
size_of(const struct q_push *p)
{
	return (p->blob != NULL ? q_blob_size(p->blob) : p->size);
}

static int
check_limits(const struct txn *t, uint64_t messages, uint64_t size)
{
	const uint64_t *o = t->meta.option;
	uint64_t bytes = t->meta.counter[COUNT_BYTES];
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	if (o[Q_OPT_MAX_BODY] != 0 && size > o[Q_OPT_MAX_BODY])
		return (fail(Q_ETOOBIG, "message of %s is over the queue's limit of %s",
		    human_size(a, size), human_size(b, o[Q_OPT_MAX_BODY])));
	if (o[Q_OPT_MAX_MESSAGES] != 0 && messages >= o[Q_OPT_MAX_MESSAGES])
		return (fail(Q_EFULL, "queue is full (%llu messages)",
		    (unsigned long long)o[Q_OPT_MAX_MESSAGES]));
	if (o[Q_OPT_MAX_BYTES] == 0)
		return (0);
	if (size > o[Q_OPT_MAX_BYTES]) /* waiting would not help */
		return (
		    fail(Q_ETOOBIG, "message of %s is over the %s the queue may hold",
			human_size(a, size), human_size(b, o[Q_OPT_MAX_BYTES])));
	if (bytes > o[Q_OPT_MAX_BYTES] - size)
		return (fail(Q_EFULL, "queue is full (%s of %s)", human_size(a, bytes),
		    human_size(b, o[Q_OPT_MAX_BYTES])));
	return (0);
}

static int
put_message(struct txn *t, const struct q_push *p, uint64_t id)
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
		.size = size_of(p),
	};
	struct key k = key_id(id);
	uint8_t *record;
	int rc;

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
	if ((rc = txn_reserve(t, T_BODY, key_span(&k), message_size(&m), &record)) != 0)
		return (rc);
	message_encode(&m, id, record);
	if (p->ttl == 0)
		return (0);
	k = key_expiry(EXPIRY_TTL, (uint64_t)m.expires, id);
	return (txn_put(t, T_EXPIRY, key_span(&k), (struct span){ NULL, 0 }));
}

static int
put_state(struct txn *t, const struct q_push *p, uint64_t id)
{
	q_time due = p->delay > 0 ? time_add(t->now.wall, p->delay) : p->due;
	struct state s = {
		.state = due > t->now.wall ? Q_DELAYED : Q_READY,
		.rank = policy_rank(p->priority),
		.size = size_of(p),
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
	return (rc == 0 ? life_enter(t, id, &s) : rc);
}

static int
push_one(struct txn *t, const struct q_push *p)
{
	uint64_t id = t->meta.next;
	int rc;

	if (p->blob != NULL && (rc = blob_adopt(p->blob, id)) != 0)
		return (rc);
	if ((rc = put_message(t, p, id)) != 0 || (rc = put_state(t, p, id)) != 0)
		return (rc);
	t->meta.next++;
	t->meta_changed |= 1U << META_REC_NEXT;
	life_count(t, COUNT_PUSHED, 1);
	life_count(t, COUNT_BYTES, size_of(p));
	life_count(t, COUNT_BYTES_IN, size_of(p));
	return (0);
}

/* The message that is of the same origin, or has the key, already; 0: it is to be
 * added.
 */
static int
find_known(struct txn *t, const struct push *push, size_t i, uint64_t *id)
{
	const struct q_push *p = &push->messages[i];
	uint8_t hash[16];
	int rc = 0;

	*id = 0;
	if (push->each != NULL) {
		unique_origin(t, &push->each[i], hash);
		rc = unique_find(t, hash, id);
	}
	if (rc != 0 || *id != 0 || p->key == NULL)
		return (rc);
	unique_hash(t, p->key, strlen(p->key), hash);
	return (unique_find(t, hash, id));
}

/*
 * How many fit the queue's limits; the reason for the others is in result->code. Those
 * whose key is known need no room.
 */
static int
admit(struct txn *t, const struct push *push, struct pushed *result, size_t *n)
{
	uint64_t messages = txn_entries(t, T_MSG), bytes = t->meta.counter[COUNT_BYTES];
	bool *repeated;
	size_t i;
	int rc;

	if ((rc = repeat_find(t, push->messages, push->n, &repeated)) != 0)
		return (rc);
	for (i = 0; i < push->n; i++) {
		const struct q_push *p = &push->messages[i];
		uint64_t known;

		if ((rc = find_known(t, push, i, &known)) != 0)
			break;
		if (known != 0 || (repeated != NULL && repeated[i]))
			continue;
		if ((result->code = check_limits(t, messages++, size_of(p))) != 0)
			break;
		t->meta.counter[COUNT_BYTES] += size_of(p);
	}
	t->meta.counter[COUNT_BYTES] = bytes;
	free(repeated);
	*n = i < push->n && push->flags & Q_ATOMIC ? 0 : i;
	if (rc != Q_ECORRUPT)
		return (rc);
	result->code = rc; /* of one key: no reason to lose those before it */
	return (0);
}

static uint64_t
room_for(const struct push *push, size_t n)
{
	const struct q_push *messages = push->messages;
	uint64_t bytes = push->each != NULL ? n * 2 * ROW_BYTES : 0;

	for (size_t i = 0; i < n; i++)
		bytes += ROW_BYTES + messages[i].headers_size +
		         (messages[i].key != NULL ? 2 * ROW_BYTES + Q_MAX_KEY : 0) +
		         (messages[i].group != NULL ? ROW_BYTES + Q_MAX_KEY : 0) +
		         (messages[i].blob != NULL ? 0 : messages[i].size);
	return (bytes);
}

/* On a nearly full disk, as many as there is room for. */
static int
make_room(struct txn *t, const struct push *push, size_t *n, struct pushed *result)
{
	int rc;

	while ((rc = space_ensure(t, t->room + room_for(push, *n))) == Q_ENOSPC) {
		result->code = rc;
		*n = push->flags & Q_ATOMIC ? 0 : *n / 2;
		if (*n == 0)
			return (0);
	}
	t->room += room_for(push, *n);
	return (rc);
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
push_known(struct txn *t, const struct push *push, size_t i, struct q_pushed *result)
{
	const struct q_push *p = &push->messages[i];
	uint8_t hash[16];
	uint64_t known;
	int rc = find_known(t, push, i, &known);

	if (rc != 0)
		return (rc);
	*result = (struct q_pushed){ known != 0 ? known : t->meta.next, known != 0 };
	if (known != 0)
		return (0);
	if ((rc = push_one(t, p)) != 0)
		return (rc);
	if (push->each != NULL &&
	    (rc = record_origin(t, &push->each[i], result->id)) != 0)
		return (rc);
	if (p->key == NULL)
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

int
push_apply(struct txn *t, const struct push *push, struct pushed *result)
{
	struct q_pushed one;
	size_t n = 0, added = 0;
	int rc;

	*result = (struct pushed){ 0 };
	if ((rc = check_origin(t, push, &result->known)) != 0 || result->known)
		return (rc);
	if ((result->code = pause_check(t, Q_GATE_IN)) != 0)
		return (0);
	if ((rc = admit(t, push, result, &n)) != 0)
		return (rc);
	if (n > 0)
		rc = make_room(t, push, &n, result);
	if (rc == 0 && push->origin != NULL && result->code == 0)
		rc = record_origin(t, push->origin, t->meta.next);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((rc = push_known(t, push, i, &one)) != 0)
			break;
		if (push->pushed != NULL)
			push->pushed[i] = one;
		result->stored++;
		added += !one.known;
	}
	return (rc == 0 ? tally_pushed(t, added) : rc);
}

void
push_undo(const struct push *push)
{
	for (size_t i = 0; i < push->n; i++)
		if (push->messages[i].blob != NULL)
			blob_disown(push->messages[i].blob);
}
