/* SPDX-License-Identifier: ISC */
#ifndef META_H
#define META_H

/*
 * The records of the table meta: what holds for the queue as a whole. Layout in q(5).
 * A list of numbers may be shorter than we know (an older program wrote it: the rest
 * have their defaults), never longer (a newer one did).
 */

#include "clock.h"

enum { META_FORMAT = 1 }; /* the format this library writes, and the newest it reads */

enum counter { /* since creation, but from COUNT_BYTES on: now */
	COUNT_PUSHED,
	COUNT_DONE,
	COUNT_EXPIRED,
	COUNT_PURGED,
	COUNT_DELIVERED,
	COUNT_FAILED,
	COUNT_RELEASED,
	COUNT_LAPSED,
	COUNT_DIED,
	COUNT_BYTES_IN,
	COUNT_BYTES_OUT,
	COUNT_RETRIED,
	COUNT_BYTES,   /* of the bodies now in the queue */
	COUNT_BLOCKED, /* messages now blocked by an earlier one of their group */
	COUNT_GROUPED, /* messages now in a group, that is rows in the table group */
	COUNT_READY,   /* messages now in a state: its table has a row an extent */
	COUNT_DELAYED,
	COUNT_LEASED,
	COUNT_DEAD,
	COUNT_AHEAD, /* of the leased: taken ahead, and not begun */
	COUNTERS
};

/* Of COUNT_AHEAD, as long as any are leased: an older program did not count them, and
 * of a damaged record it cannot be known. */
#define COUNT_UNKNOWN UINT64_MAX

/* When the last message went at a rate, as in policy.h. every 0: none did. */
struct rate {
	q_time every, last; /* last: boot clock */
};

/* The queue's, and a few that takers have. */
enum { RATE_QUEUE = 0, RATES = 4 };

/* Deadlines of leases are of one boot; another boot ends them all, by its number. */
struct boot {
	uint8_t id[BOOT_ID_SIZE];
	uint32_t number;
	uint64_t hold_inode; /* the file whose byte locks are the held leases */
	q_time hold_since;   /* boot clock: before it, locks were on another file */
	struct rate rate[RATES];
};

struct meta {
	uint8_t uuid[16];
	uint64_t option[Q_OPTIONS];
	uint64_t counter[COUNTERS];
	struct boot boot;
	uint64_t next;                /* the id of the next message */
	q_time paused_in, paused_out; /* wall time it was, or 0 */
};

enum meta_record {
	META_REC_FORMAT,
	META_REC_UUID,
	META_REC_CONFIG,
	META_REC_COUNTERS,
	META_REC_BOOT,
	META_REC_NEXT,
	META_REC_PAUSE,
	META_RECORDS
};

enum { META_MAX_SIZE = 512 };

/* One number for the checksums of all: a record that the disk never wrote is as it was
 * before, and whole. */
uint64_t meta_sum(const uint64_t checksums[META_RECORDS]);
/* Its key in the table. */
const char *meta_key(enum meta_record record);
/* Write one record from m; returns its size. */
size_t meta_encode(
    const struct meta *m, enum meta_record record, uint8_t out[META_MAX_SIZE]);
/* Read one into m. Q_ECORRUPT; Q_EVERSION: a newer program wrote it. */
int meta_decode(struct meta *m, enum meta_record record, const void *data, size_t size);

#endif
