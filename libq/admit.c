/* SPDX-License-Identifier: ISC */
/* What of a push is admitted: what is not known yet, within the limits of the queue and
 * of the disk. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "event.h"
#include "human.h"
#include "life.h"
#include "load.h"
#include "push.h"
#include "repeat.h"
#include "space.h"
#include "unique.h"

#include "admit.h"

enum { ROW_BYTES = 256 }; /* of a message beside its body and headers, at most */

uint64_t
admit_size(const struct q_push *p)
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
	/* Before what waiting may change. */
	if (o[Q_OPT_MAX_BYTES] != 0 && size > o[Q_OPT_MAX_BYTES])
		return (
		    fail(Q_ETOOBIG, "message of %s is over the %s the queue may hold",
			human_size(a, size), human_size(b, o[Q_OPT_MAX_BYTES])));
	if (o[Q_OPT_MAX_MESSAGES] != 0 && messages >= o[Q_OPT_MAX_MESSAGES])
		return (fail(Q_EFULL, "queue is full (%llu messages)",
		    (unsigned long long)o[Q_OPT_MAX_MESSAGES]));
	if (o[Q_OPT_MAX_BYTES] != 0 && bytes > o[Q_OPT_MAX_BYTES] - size)
		return (fail(Q_EFULL, "queue is full (%s of %s)", human_size(a, bytes),
		    human_size(b, o[Q_OPT_MAX_BYTES])));
	return (0);
}

bool
admit_keyed(const struct push *push, size_t i)
{
	return (push->messages[i].key != NULL &&
		(push->as == NULL || push->as[i].state != Q_DEAD));
}

int
admit_known(
    struct txn *t, const struct push *push, size_t i, uint64_t *id, bool *by_key)
{
	const struct q_push *p = &push->messages[i];
	struct state other;
	uint8_t hash[16];
	int rc = 0;

	*id = 0;
	*by_key = false;
	/* Bodies are immutable: one of that id and time is that one. */
	if (push->as != NULL && push->each != NULL && load_is_own(t, &push->each[i]) &&
	    life_get(t, push->as[i].id, &other) == 0 &&
	    other.pushed == push->as[i].pushed) {
		*id = push->as[i].id;
		return (0);
	}
	if (push->each != NULL) {
		unique_origin(t, &push->each[i], hash);
		rc = unique_find(t, hash, id);
	}
	if (rc != 0 || *id != 0 || !admit_keyed(push, i))
		return (rc);
	unique_hash(t, p->key, strlen(p->key), hash);
	if ((rc = unique_find(t, hash, id)) != 0 || *id == 0)
		return (rc);
	*by_key = true;
	if (push->old != NULL || (push->as != NULL && life_get(t, *id, &other) == 0))
		*id = 0;
	return (0);
}

/*
 * Of a push of all or none, whether the queue could hold it if it were empty, for those
 * who would wait. Those with keys are not counted, for they may be known by
 * then.
 */
static int
check_whole(const struct txn *t, const struct push *push)
{
	const uint64_t *o = t->meta.option;
	uint64_t messages = 0, bytes = 0;
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	for (size_t i = 0; i < push->n; i++)
		if (!admit_keyed(push, i)) {
			messages++;
			bytes += admit_size(&push->messages[i]);
		}
	if (o[Q_OPT_MAX_MESSAGES] != 0 && messages > o[Q_OPT_MAX_MESSAGES])
		return (fail(Q_ETOOBIG,
		    "%llu messages at once are over the %llu the queue may hold",
		    (unsigned long long)messages,
		    (unsigned long long)o[Q_OPT_MAX_MESSAGES]));
	if (o[Q_OPT_MAX_BYTES] != 0 && bytes > o[Q_OPT_MAX_BYTES])
		return (fail(Q_ETOOBIG,
		    "messages of %s at once are over the %s the queue may hold",
		    human_size(a, bytes), human_size(b, o[Q_OPT_MAX_BYTES])));
	return (0);
}

/*
 * How many fit the queue's limits; the reason for the others is in result->code. Those
 * whose key is known need no room.
 */
static int
admit(struct txn *t, const struct push *push, struct pushed *result, size_t *n)
{
	uint64_t messages = txn_entries(t, T_BODY) - (push->old != NULL);
	uint64_t bytes = t->meta.counter[COUNT_BYTES];
	bool *repeated;
	size_t i;
	int rc;

	if ((rc = repeat_find(t, push->messages, push->n, &repeated)) != 0)
		return (rc);
	for (i = 0; i < push->n; i++) {
		const struct q_push *p = &push->messages[i];
		uint64_t known;
		bool by_key;

		if ((rc = admit_known(t, push, i, &known, &by_key)) != 0)
			break;
		if (known != 0 || (repeated != NULL && repeated[i] && push->as == NULL))
			continue;
		if ((result->code = check_limits(t, messages++, admit_size(p))) != 0)
			break;
		t->meta.counter[COUNT_BYTES] += admit_size(p);
	}
	t->meta.counter[COUNT_BYTES] = bytes;
	free(repeated);
	if (result->code == Q_EFULL && push->flags & Q_ATOMIC &&
	    push->flags & Q_PATIENT && check_whole(t, push) != 0)
		result->code = Q_ETOOBIG;
	*n = i < push->n && push->flags & Q_ATOMIC ? 0 : i;
	if (rc != Q_ECORRUPT)
		return (rc);
	result->code = rc; /* of one key: no reason to lose those before it */
	return (0);
}

static uint64_t
room_for(const struct txn *t, const struct push *push, size_t n)
{
	const struct q_push *messages = push->messages;
	uint64_t bytes = (push->each != NULL ? n * 2 * ROW_BYTES : 0) +
	                 (t->logging ? n * ROW_BYTES : 0);

	for (size_t i = 0; i < n && push->as != NULL; i++)
		bytes += push->as[i].failure_count * FAILURE_MAX;
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

	while ((rc = space_ensure(t, t->room + room_for(t, push, *n))) == Q_ENOSPC) {
		result->code = rc;
		*n = push->flags & Q_ATOMIC ? 0 : *n / 2;
		if (*n == 0)
			return (0);
	}
	t->room += room_for(t, push, *n);
	return (rc);
}

int
admit_push(struct txn *t, const struct push *push, struct pushed *result, size_t *n)
{
	int rc = admit(t, push, result, n);

	return (rc == 0 && *n > 0 ? make_room(t, push, n, result) : rc);
}
