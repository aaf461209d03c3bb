/* SPDX-License-Identifier: ISC */
/* The table slot: what requests of others were answered, kept until they know. */
#include <string.h>

#include "bytes.h"
#include "queue.h"

#include "kept.h"

/* Rows of a ctl that is gone are kept while a process may wait that had posted there.
 */
#define ROWS_KEPT ((q_time)24 * 3600 * Q_SECOND)
enum { SWEEP_MOST = 2 * CTL_SLOTS, SLOT_KEY = 10 };

int
kept_find(struct txn *t, uint64_t generation, unsigned slot, uint64_t ticket,
    uint8_t answer[ANSWER_MAX], size_t *size)
{
	struct key k = key_slot(generation, slot);
	struct answered a;
	struct span v;
	int rc;

	if ((rc = txn_get(t, T_SLOT, key_span(&k), &v)) != 0 ||
	    (rc = answered_decode(v.data, v.size, slot, &a)) != 0)
		return (rc);
	if (a.ticket != ticket)
		return (STORE_NONE);
	memcpy(answer, a.data, a.size);
	*size = a.size;
	return (0);
}

/* Of this ctl, somebody may wait for any that can be read, whatever the clock says. */
static bool
is_outdated(const struct txn *t, uint64_t generation, const struct span *key,
    const struct span *value)
{
	const uint8_t *k = key->data;
	struct answered a;

	if (key->size != SLOT_KEY ||
	    answered_decode(value->data, value->size, get_be16(k + 8), &a) != 0)
		return (true);
	return (get_be64(k) != generation &&
		(time_add(a.when, ROWS_KEPT) < t->now.wall ||
		    time_add(t->now.wall, ROWS_KEPT) < a.when));
}

/* The row after that one, whose key is copied: what it points to may be dropped. */
static int
next_row(struct txn *t, struct key *at, struct span *key, struct span *v)
{
	int rc;

	*key = key_span(at);
	if ((rc = txn_seek(t, T_SLOT, key, v)) != 0)
		return (rc);
	at->size = key->size < SLOT_KEY ? key->size : (size_t)SLOT_KEY;
	memcpy(at->b, key->data, at->size);
	at->b[at->size++] = 0;
	return (0);
}

/* Once for each ctl: remove what those before it have left; from anywhere on, so that
 * no row is behind more that are kept than are looked at, each time. */
static int
sweep(struct txn *t, uint64_t generation)
{
	struct ctl *c = &t->q->ctl;
	struct key at = key_slot(t->random, 0);
	struct span key, v;
	bool round = false;
	int rc = 0;

	if (c->swept == generation)
		return (0);
	c->swept = generation;
	for (int i = 0; i < SWEEP_MOST && rc == 0; i++) {
		rc = next_row(t, &at, &key, &v);
		if (rc == STORE_NONE && !round) {
			round = true;
			at = key_slot(0, 0);
			rc = 0;
		} else if (rc == 0 && is_outdated(t, generation, &key, &v)) {
			rc = txn_drop(t, T_SLOT);
		}
	}
	return (rc == STORE_NONE ? 0 : rc);
}

int
kept_put(
    struct txn *t, uint64_t generation, unsigned slot, const struct answered *answered)
{
	struct key k = key_slot(generation, slot);
	uint8_t record[ANSWERED_MAX];
	size_t size = answered_encode(answered, slot, record);
	int rc;

	if ((rc = sweep(t, generation)) != 0)
		return (rc);
	return (txn_put(t, T_SLOT, key_span(&k), (struct span){ record, size }));
}
