/* SPDX-License-Identifier: ISC */
#ifndef BLOB_H
#define BLOB_H

/*
 * Large bodies: blob/ID, one file each; and outputs of results, blob/ID.out. Written as
 * blob/NAME.tmp under a flock that tells living writers from dead, flushed, and renamed
 * inside the transaction that names it; so a file that no message names is an orphan,
 * and may go.
 */

#include "txn.h"

struct q_blob {
	struct q *q;
	int dir, fd;
	char name[64];
	uint64_t size, limit;
	uint64_t id; /* the message whose name the file has, or 0 */
	void *hash;  /* XXH3 state */
	int failed;  /* code of the write or flush after which it is good for nothing */
	bool flushed;
	bool output; /* of a result */
};

/*
 * Q_EINVAL: it is of the other kind, or it is a body that a message has already, and
 * would lose when a second transaction fails.
 */
int blob_check(const struct q_blob *blob, bool output);
/* Content is complete: flush it. Outside of any transaction. */
int blob_finish(struct q_blob *blob);
uint64_t blob_hash(const struct q_blob *blob);
/* Give it the name of message id, inside the transaction. */
int blob_adopt(struct q_blob *blob, uint64_t id);
/* Undo blob_adopt(), if it was called: the transaction failed. */
void blob_disown(struct q_blob *blob);
/*
 * Remove files that a committed transaction does without: bodies, or outputs. These
 * under its lock: the next output of the message has the same name.
 */
void blob_remove(struct q *q, const struct file *files, size_t n, bool output);
/* As q_msg_open(), of a message that is there: under the lock, too. */
int blob_open(struct q *q, uint64_t id, uint64_t size, uint64_t hash, int *out);
/* Remove some of what crashed processes left. Outside of any transaction. */
void blob_sweep(struct q *q);
/* The directory of blobs; belongs to the handle. */
int blob_dir(struct q *q, int *fd);

#endif
