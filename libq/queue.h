/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_H
#define QUEUE_H

/* What a handle holds. */

#include "ctl.h"
#include "dir.h"
#include "held.h"
#include "note.h"
#include "store.h"

struct q {
	struct dir dir;
	struct store store;
	unsigned flags; /* of enum q_open_flag */
	q_time lock_wait;
	q_time busy_since;     /* monotonic: it could not be locked from then on; 0: it
	                          could */
	void (*alarm)(q_time); /* as in q_open, or NULL */
	bool (*stop)(void *arg); /* likewise */
	void *arg;
	int hold; /* descriptor that carries our byte locks, or -1; see hold.h */
	ino_t hold_inode;
	struct held held; /* what they are on */
	int probe;        /* another, to see those of others, or -1 */
	int blob;         /* the directory of blobs, or -1; see blob.h */
	/* Of our process, once they were needed: see hold_owner(). */
	uint64_t start, ns;
	struct ctl ctl;
	struct service *service; /* see serve.h; or NULL */
	struct notes notes;      /* of its last transaction */
	int dead;   /* code of the failure after which nothing is tried any more */
	bool doubt; /* what was asked for last may be done, though it failed */
};

#endif
