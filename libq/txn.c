/* SPDX-License-Identifier: ISC */
/* Begin and end of a transaction on a queue. */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "blob.h"
#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "lock.h"
#include "log.h"
#include "note.h"
#include "queue.h"
#include "space.h"
#include "structure.h"

#include "txn.h"

static int
load_meta(struct txn *t, uint64_t sum)
{
	struct span value;
	int rc;

	for (int r = 0; r < META_RECORDS; r++) {
		const char *key = meta_key((enum meta_record)r);

		rc = txn_get(t, T_META, (struct span){ key, strlen(key) }, &value);
		if (rc == STORE_NONE)
			return (fail(Q_ECORRUPT, "meta record '%s' is missing", key));
		if (rc != 0 || (rc = meta_decode(&t->meta, (enum meta_record)r,
				    value.data, value.size)) != 0)
			return (rc);
		t->meta_check[r] = get_be64(value.data);
	}
	if (sum == 0 || sum == meta_sum(t->meta_check))
		return (0);
	return (
	    fail(Q_ECORRUPT, "data.mdb shows older meta records; run 'qctl check'"));
}

/* An older program counts none of them, and knows no extent of more than one message.
 */
static void
count_states(struct txn *t)
{
	uint64_t *c = t->meta.counter;

	if ((c[COUNT_READY] | c[COUNT_DELAYED] | c[COUNT_LEASED] | c[COUNT_DEAD]) != 0)
		return;
	c[COUNT_READY] = txn_entries(t, T_READY);
	c[COUNT_DELAYED] = txn_entries(t, T_DELAYED);
	c[COUNT_LEASED] = txn_entries(t, T_LEASED);
	c[COUNT_DEAD] = txn_entries(t, T_DEAD);
}

static int
save_meta(struct txn *t)
{
	uint8_t record[META_MAX_SIZE];
	int rc;

	for (int r = 0; r < META_RECORDS; r++) {
		const char *key = meta_key((enum meta_record)r);
		size_t size;

		if (!(t->meta_changed & 1U << r))
			continue;
		size = meta_encode(&t->meta, (enum meta_record)r, record);
		t->meta_check[r] = get_be64(record);
		rc = txn_put(t, T_META, (struct span){ key, strlen(key) },
		    (struct span){ record, size });
		if (rc != 0)
			return (rc);
	}
	return (tally_save(t));
}

/*
 * Every message is in one state and was counted once, and every extent is listed once.
 * A lost page breaks one of the sums long before anybody meets the hole, or takes it
 * for an empty queue.
 */
static int
check_books(struct txn *t)
{
	const uint64_t *c = t->meta.counter;
	uint64_t messages = txn_entries(t, T_BODY);
	uint64_t states = c[COUNT_READY] + c[COUNT_DELAYED] + c[COUNT_LEASED] +
	                  c[COUNT_DEAD] + c[COUNT_BLOCKED];
	uint64_t lists = txn_entries(t, T_READY) + txn_entries(t, T_DELAYED) +
	                 txn_entries(t, T_LEASED) + txn_entries(t, T_DEAD) +
	                 c[COUNT_BLOCKED];
	uint64_t ended = c[COUNT_DONE] + c[COUNT_EXPIRED] + c[COUNT_PURGED];

	if (messages == states && lists == txn_entries(t, T_MSG) &&
	    txn_entries(t, T_GROUP) == c[COUNT_GROUPED] &&
	    c[COUNT_PUSHED] == messages + ended)
		return (0);
	return (fail(Q_ECORRUPT,
	    "the books do not balance: %llu pushed, %llu ended, "
	    "%llu stored, %llu in a state; run 'qctl check'",
	    (unsigned long long)c[COUNT_PUSHED], (unsigned long long)ended,
	    (unsigned long long)messages, (unsigned long long)states));
}

/*
 * LMDB would read past the end of a file that was cut, and die of it. But if who wrote
 * last was killed, or lost power, before space_after(), all that is missing may be
 * free.
 */
static int
check_size(const struct q *q, off_t size)
{
	if (size >= 2 * (off_t)q->store.page &&
	    ((uint64_t)size >= store_end(&q->store) || structure_is_sound(q->dir.data)))
		return (0);
	return (fail(
	    Q_ECORRUPT, "data.mdb is damaged (cut to %lld bytes)", (long long)size));
}

int
txn_open(struct txn *t)
{
	struct q *q = t->q;
	bool is_open = q->store.env != NULL;
	struct stat st;
	int rc;

	if ((rc = dir_check(&q->dir, &st)) != 0)
		return (rc);
	if (!is_open && (rc = store_open(&q->store, q->dir.data, st.st_size,
			     q->flags & Q_RDONLY, false)) != 0)
		return (rc);
	if ((rc = check_size(q, st.st_size)) != 0 ||
	    (is_open && (rc = store_check(&q->store, q->dir.data)) != 0))
		return (rc);
	t->holes = (uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size;
	if (t->write)
		space_guard(t, (uint64_t)st.st_size);
	do {
		rc = mdb_txn_begin(
		    q->store.env, NULL, t->write ? 0 : MDB_RDONLY, &t->mdb);
		rc = store_code(rc, "begin");
	} while (rc == STORE_GROW && (rc = store_grow(&q->store)) == 0);
	if (rc != 0)
		t->mdb = NULL;
	return (rc);
}

static void
close_cursors(struct txn *t)
{
	for (int i = 0; i < TABLES; i++)
		if (t->cursor[i] != NULL)
			mdb_cursor_close(t->cursor[i]);
	memset(t->cursor, 0, sizeof(t->cursor));
}

static void
close_mdb(struct txn *t)
{
	close_cursors(t);
	mdb_txn_abort(t->mdb);
	t->mdb = NULL;
}

static void
forget_files(struct txn *t)
{
	free(t->files);
	t->files = NULL;
	t->file_count = 0;
}

static int
begin(struct q *q, bool write, struct txn *t)
{
	uint8_t seed[16];
	uint64_t sum;
	int rc;

	*t = (struct txn){ .q = q, .write = write };
	if ((rc = clock_read(&t->now)) != 0 || (rc = txn_open(t)) != 0 ||
	    (rc = store_check_stamp(
		 &q->store, t->mdb, mdb_txn_id(t->mdb) - t->write, &sum)) != 0 ||
	    (rc = trail_begin(&t->trails, &q->store, t->mdb, write)) != 0 ||
	    (rc = load_meta(t, sum)) != 0) {
		close_mdb(t);
		return (rc);
	}
	count_states(t);
	if ((rc = check_books(t)) != 0) {
		close_mdb(t);
		return (rc);
	}
	(void)put_be64(put_be64(seed, (uint64_t)t->now.boot), t->meta.next);
	t->random = hash_record(seed, sizeof(seed), 0);
	return (0);
}

static int
check_alive(const struct q *q)
{
	return (q->dead == 0
		    ? 0
		    : fail(q->dead, "an earlier write failed; nothing more is tried"));
}

int
txn_check_write(const struct q *q)
{
	if (q->flags & Q_RDONLY)
		return (fail(Q_EACCES, "opened to look only"));
	return (check_alive(q));
}

int
txn_begin(struct q *q, struct txn *t)
{
	int rc;

	if ((rc = check_alive(q)) != 0 || (rc = lock_take(q, LOCK_SH)) != 0)
		return (rc);
	if ((rc = begin(q, false, t)) != 0)
		lock_drop(q->dir.data);
	return (rc);
}

int
txn_begin_write(struct q *q, struct txn *t)
{
	int rc = begin(q, true, t);

	if (rc == 0)
		note_begin(t);
	return (rc);
}

int
txn_commit(struct txn *t, bool durable)
{
	struct q *q = t->q;
	int rc;

	if ((rc = log_finish(t)) != 0 || (rc = save_meta(t)) != 0 ||
	    (rc = store_stamp(&q->store, t->mdb, meta_sum(t->meta_check))) != 0) {
		txn_abort(t);
		return (rc);
	}
	close_cursors(t);
	(void)mdb_env_set_flags(q->store.env, MDB_NOMETASYNC, !durable);
	rc = store_commit(t->mdb, "commit");
	t->mdb = NULL; /* LMDB freed it, whether or not it succeeded */
	t->flushed = rc == 0 && durable;
	if (rc == 0) {
		space_after(t);
		blob_remove(q, t->files, t->file_count, true);
	}
	if (rc != 0 && rc != STORE_GROW) {
		/* LMDB does not say whether a write failed or a flush; after a flush
		 * what the kernel holds of the file is unknown. */
		q->dead = rc;
		store_close(&q->store);
	}
	if (rc != 0)
		forget_files(t);
	return (rc);
}

void
txn_end(struct txn *t)
{
	blob_remove(t->q, t->files, t->file_count, false);
	forget_files(t);
}

void
txn_close(struct txn *t)
{
	if (t->mdb == NULL)
		return;
	close_mdb(t);
	forget_files(t);
}

void
txn_abort(struct txn *t)
{
	if (t->mdb == NULL)
		return;
	txn_close(t);
	if (!t->write)
		lock_drop(t->q->dir.data);
}
