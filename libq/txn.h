/* SPDX-License-Identifier: ISC */
#ifndef TXN_H
#define TXN_H

/*
 * A transaction on a queue: the lock, LMDB's transaction, the meta records and the time
 * it is. Between begin and end nothing may sleep, print or wait for another process.
 */

#include "meta.h"
#include "store.h"
#include "tally.h"
#include "trail.h"

struct q;

/* A file below blob. */
struct file {
	uint64_t id;
	bool output; /* of a result, not a body */
};

struct txn {
	struct q *q;
	MDB_txn *mdb;
	MDB_cursor *cursor[TABLES];
	struct trails trails; /* of the pages it goes to: see trail.h */
	bool write;
	bool changed;  /* something was written; else the commit costs no flush */
	bool flushed;  /* what it committed is on disk */
	int failed;    /* the result of LMDB that it cannot go on after */
	bool promoted; /* by what fell due, beside what was asked for */
	struct meta meta;
	unsigned meta_changed;             /* bit set of enum meta_record */
	uint64_t meta_check[META_RECORDS]; /* checksums of the records as they are */
	struct clock now;
	uint64_t readied;   /* messages that became ready, and were not taken */
	uint64_t random;    /* of this transaction, for jitter */
	uint64_t damaged;   /* the first message that was set aside; 0: none was */
	uint32_t uid, pid;  /* whose request is applied; pid: of a take */
	uint64_t file_size; /* when it began */
	enum { ROOM_UNKNOWN, ROOM_SHORT, ROOM_ENOUGH } for_due; /* on the disk */
	bool holes;    /* in the file: what is written there needs room on disk */
	bool scarce;   /* that room: a commit may find none for more than is needed */
	uint64_t room; /* bytes of it that pushes and outputs were promised */
	struct tally tally;
	struct file *files; /* that go once this is committed */
	size_t file_count;
	/* What happens to whom is noted: see note.h. */
	bool noting;
	/* The program whose request is applied; NULL: this one. */
	const char *command;
	/* It is logged, too: see log.h. So many events, the key of the last, and what
	 * went wrong. */
	bool logging;
	int log_code;
	uint64_t logged, log_time, log_number;
};

/* Whether the handle may write, before any lock: 0 or a code. */
int txn_check_write(const struct q *q);
/*
 * To read: lock, verify that the files are sound, begin. Q_EBUSY, Q_ENOQUEUE,
 * Q_ECORRUPT, ... After 0 the caller ends it with txn_abort(), which unlocks.
 */
int txn_begin(struct q *q, struct txn *t);
/*
 * To write, under the lock of the caller, who keeps it. After 0 he ends it with
 * txn_commit() or txn_abort(), unlocks, and calls txn_end() if it was committed.
 */
int txn_begin_write(struct q *q, struct txn *t);
/*
 * On disk when it returns 0; without durable, a power cut may take it back, whole.
 * After a code but STORE_GROW the handle is dead.
 */
int txn_commit(struct txn *t, bool durable);
/* What is left to do without the lock: bodies of ended messages go. */
void txn_end(struct txn *t);
/* Does nothing to a transaction that has ended. */
void txn_abort(struct txn *t);

/*
 * For who looks at a file that may be damaged: t has q, write and now, its caller the
 * lock; the meta records are not read, nor any row. txn_close() ends it, without
 * unlocking.
 */
int txn_open(struct txn *t);
void txn_close(struct txn *t);

/*
 * Rows. All return 0, STORE_NONE when there is no such row, or a code. What they give
 * points into the map: valid until the next write to the same table.
 */
int txn_get(struct txn *t, enum table table, struct span key, struct span *value);
/* The first row, or last; the first at or after key; the row after, or before, the last
 * one asked for. */
int txn_first(struct txn *t, enum table table, struct span *key, struct span *value);
int txn_last(struct txn *t, enum table table, struct span *key, struct span *value);
int txn_seek(struct txn *t, enum table table, struct span *key, struct span *value);
int txn_next(struct txn *t, enum table table, struct span *key, struct span *value);
/* txn_seek() for who is to meet every row: *hidden is set where damage may hide one, of
 * which txn_hidden() is the error at the end. */
int txn_scan(struct txn *t, enum table table, struct span *key, struct span *value,
    bool *hidden);
int txn_hidden(enum table table);
int txn_prev(struct txn *t, enum table table, struct span *key, struct span *value);
int txn_put(struct txn *t, enum table table, struct span key, struct span value);
/* The same where the key is likely the table's greatest: that saves the search. */
int txn_append(struct txn *t, enum table table, struct span key, struct span value);
/* An append with room for a value of that size, to be filled in before anything else is
 * called. */
int txn_reserve(
    struct txn *t, enum table table, struct span key, size_t size, uint8_t **value);
int txn_del(struct txn *t, enum table table, struct span key);
/* The row that txn_get, _first, _seek or _next has just given is gone. */
int txn_drop(struct txn *t, enum table table);
/* Rows in a table, in constant time. */
uint64_t txn_entries(struct txn *t, enum table table);

/* Keys: an id; and pairs and triples of numbers, in the caller's buffer. */
struct key {
	uint8_t b[24];
	size_t size;
};

struct key key_id(uint64_t id);
struct key key_ready(uint8_t rank, uint64_t id);
struct key key_time(uint64_t time, uint64_t id);                     /* delayed */
struct key key_lease(uint32_t boot, uint64_t deadline, uint64_t id); /* leased */
struct key key_expiry(uint8_t kind, uint64_t time, uint64_t id);
struct key key_failure(uint64_t id, uint32_t delivery);
struct key key_group(const uint8_t group[16], uint64_t id);
struct key key_unique(const uint8_t hash[16]);
struct key key_slot(uint64_t generation, unsigned slot);

static inline struct span
key_span(const struct key *k)
{
	return ((struct span){ k->b, k->size });
}

#endif
