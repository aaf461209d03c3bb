/* SPDX-License-Identifier: ISC */
/* The records of a whole queue: each is there, and the counters are what was counted.
 */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "ledger.h"
#include "queue.h"

#include "balance.h"

/* What the last transaction has left of their checksums. */
static int
check_meta_sum(struct books *b, const uint64_t checks[META_RECORDS])
{
	uint64_t sum;
	int rc = store_check_stamp(&b->t->q->store, b->t->mdb, 0, &sum);

	if (rc != 0 || sum == 0 || b->meta != (1U << META_RECORDS) - 1 ||
	    sum == meta_sum(checks))
		return (rc);
	return (check_found(b->check, 0, "are older than the file (a write was lost)",
	    "the meta records"));
}

int
balance_meta(struct books *b)
{
	uint64_t checks[META_RECORDS] = { 0 };
	struct span v;
	int rc;

	for (int r = 0; r < META_RECORDS; r++) {
		const char *key = meta_key((enum meta_record)r);

		rc = txn_get(b->t, T_META, (struct span){ key, strlen(key) }, &v);
		if (rc == 0)
			rc = meta_decode(
			    &b->t->meta, (enum meta_record)r, v.data, v.size);
		if (rc == 0) {
			b->meta |= 1U << r;
			checks[r] = get_be64(v.data);
		} else if (rc == STORE_NONE || rc == Q_ECORRUPT) {
			rc = check_found(b->check, 0,
			    rc == STORE_NONE ? "is missing" : "is damaged",
			    "meta record '%s'", key);
		}
		if (rc != 0)
			return (rc);
	}
	rc = check_meta_sum(b, checks);
	return (rc == 0 ? ledger_history(b) : rc);
}

static int
check_count(struct books *b, enum counter which, uint64_t wanted, const char *name)
{
	uint64_t is = b->t->meta.counter[which];
	char what[96];

	if (is == wanted)
		return (0);
	(void)snprintf(what, sizeof(what), "is %llu, and should be %llu",
	    (unsigned long long)is, (unsigned long long)wanted);
	return (check_found(b->check, 0, what, "the counter of %s", name));
}

int
balance_counters(struct books *b)
{
	static const struct {
		enum q_state state;
		enum counter counter;
		const char *name;
	} states[] = {
		{ Q_READY, COUNT_READY, "the ready" },
		{ Q_DELAYED, COUNT_DELAYED, "the delayed" },
		{ Q_BLOCKED, COUNT_BLOCKED, "the blocked" },
		{ Q_LEASED, COUNT_LEASED, "the leased" },
		{ Q_DEAD, COUNT_DEAD, "the dead" },
	};
	const uint64_t *c = b->t->meta.counter;
	uint64_t messages = b->check->public.messages;
	uint64_t ended = c[COUNT_DONE] + c[COUNT_EXPIRED] + c[COUNT_PURGED];
	char what[160];
	int rc = 0;

	if (!books_know(b, META_REC_COUNTERS))
		return (0);
	if (c[COUNT_PUSHED] != messages + ended) {
		(void)snprintf(what, sizeof(what),
		    "do not balance: %llu pushed, %llu ended, %llu here",
		    (unsigned long long)c[COUNT_PUSHED], (unsigned long long)ended,
		    (unsigned long long)messages);
		rc = check_found(b->check, 0, what, "the books");
	}
	if (rc == 0)
		rc = check_count(b, COUNT_BYTES, b->bytes, "bytes");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && rc == 0; i++)
		rc = check_count(
		    b, states[i].counter, b->in[states[i].state], states[i].name);
	if (rc == 0 && c[COUNT_AHEAD] != COUNT_UNKNOWN)
		rc = check_count(b, COUNT_AHEAD, b->ahead, "those taken ahead");
	return (rc != 0 ? rc
			: check_count(b, COUNT_GROUPED, txn_entries(b->t, T_GROUP),
			      "those in a group"));
}
