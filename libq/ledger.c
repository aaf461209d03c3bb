/* SPDX-License-Identifier: ISC */
/* Rows beside those of messages: groups, keys, results, answers and the history. */
#include <string.h>

#include "answer.h"
#include "bytes.h"
#include "event.h"
#include "life.h"
#include "log.h"
#include "message.h"
#include "outcome.h"
#include "unique.h"

#include "ledger.h"

int
ledger_group_end(struct books *b)
{
	uint64_t rows = b->group.rows, open = b->group.open;

	b->group.rows = 0;
	/* Who cannot be read may be the one. */
	if (rows == 0 || open == 1 || (open == 0 && b->group.unknown > 0))
		return (0);
	return (check_found(b->check, 0,
	    open == 0 ? "has only blocked messages"
		      : "has messages that are not blocked",
	    "the group of message %llu", (unsigned long long)b->group.first));
}

int
ledger_group(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct state s;
	bool there, good;
	int rc = 0;

	(void)table;
	(void)value;
	if (b->group.rows > 0 && memcmp(b->group.name, key.data, 16) != 0)
		rc = ledger_group_end(b);
	if (rc != 0 || (rc = books_state(b, id, &s, &there, &good)) != 0)
		return (rc);
	if (b->group.rows++ == 0) {
		memcpy(b->group.name, key.data, 16);
		b->group.first = id;
		b->group.open = b->group.unknown = 0;
	}
	if (!there)
		return (books_damaged(
		    b, id, "does not exist, but is listed in table group"));
	b->group.unknown += !good;
	if (!good) /* that is found elsewhere */
		return (0);
	if (!(s.flags & ST_GROUPED) || memcmp(s.group, key.data, 16) != 0)
		return (books_damaged(
		    b, id, "is listed in table group, in a group it is not of"));
	b->group.open += s.state != Q_BLOCKED;
	return (0);
}

/* A key that waits for the end of its message is that message's. */
static int
check_owner(struct books *b, uint64_t id, const uint8_t *hash)
{
	struct state s;
	struct message m;
	struct span v;
	uint8_t own[16];
	bool there, good;
	int rc = books_state(b, id, &s, &there, &good);

	if (rc != 0 || !good ||
	    (rc = books_look_up(b, T_BODY, key_id(id), &v, &there)) != 0 || !there ||
	    message_decode(v.data, v.size, id, &m) != 0)
		return (rc);
	if (m.flags & MSG_KEY && books_know(b, META_REC_UUID)) {
		unique_hash(b->t, m.key, m.key_size, own);
		if (memcmp(own, hash, sizeof(own)) == 0)
			return (0);
	} else if (m.flags & MSG_KEY) {
		return (0);
	}
	return (books_damaged(b, id, "has a key in table unique that is not its own"));
}

int
ledger_unique(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct unique u;
	struct span v;
	bool there;
	int rc;

	(void)table;
	(void)id; /* the key begins with a hash */
	if (unique_decode(value.data, value.size, key.data, &u) != 0)
		return (
		    check_found(b->check, 0, "is damaged", "a row of table unique"));
	if (u.until == 0)
		return (check_owner(b, u.id, key.data));
	rc = books_look_up(b, T_EXPIRY,
	    key_expiry(EXPIRY_KEY, (uint64_t)u.until, get_be64(key.data)), &v, &there);
	if (rc != 0 || there)
		return (rc);
	return (books_damaged(b, u.id, "has a key that is not listed in table expiry"));
}

int
ledger_result(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct outcome o;
	struct span v;
	bool there;
	int rc;

	(void)table;
	(void)key;
	if (outcome_decode(value.data, value.size, id, &o) != 0) {
		rc = books_damaged(b, id, "is damaged (its result)");
		/* Of a file whose record is damaged only the name is known. */
		return (rc != 0 ? rc
				: check_blob(b->check,
				      &(struct blob_row){
					  .id = id, .output = true, .aside = true }));
	}
	rc = books_look_up(
	    b, T_EXPIRY, key_expiry(EXPIRY_RESULT, (uint64_t)o.until, id), &v, &there);
	if (rc == 0 && !there)
		rc = books_damaged(
		    b, id, "has a result that is not listed in table expiry");
	if (rc != 0 || !(o.flags & OUT_BLOB))
		return (rc);
	return (check_blob(
	    b->check, &(struct blob_row){
			  .id = id, .size = o.size, .hash = o.hash, .output = true }));
}

int
ledger_slot(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	unsigned slot = get_be16((const uint8_t *)key.data + 8);
	struct answered a;

	(void)table;
	(void)id; /* a generation */
	if (answered_decode(value.data, value.size, slot, &a) == 0)
		return (0);
	return (check_found(b->check, 0, "is damaged", "a row of table slot"));
}

int
ledger_log(
    struct books *b, enum table table, uint64_t id, struct span key, struct span value)
{
	struct q_event e;

	(void)table;
	(void)key;
	if (log_decode(value.data, value.size, id, &e) == 0)
		return (0);
	return (check_found(b->check, 0, "is damaged", "a row of table log"));
}

/* The history does without a record, but not with a damaged one. */
int
ledger_history(struct books *b)
{
	struct span key, v;
	int rc, found = 0;

	for (rc = txn_first(b->t, T_META, &key, &v); rc == 0 && found == 0;
	     rc = txn_next(b->t, T_META, &key, &v))
		if (tally_record(key, v) == TALLY_DAMAGED)
			found =
			    check_found(b->check, 0, "is damaged", "meta record '%.*s'",
				(int)key.size, (const char *)key.data);
	return (found != 0 ? found : rc == STORE_NONE ? 0 : rc);
}
