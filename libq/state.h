/* SPDX-License-Identifier: ISC */
#ifndef STATE_H
#define STATE_H

/*
 * The record of a message's state, in the table msg: the single truth about it. Every
 * other index can be rebuilt from these and the message records. Layout in q(5).
 */

#include "q.h"

enum state_flag {
	ST_EXPIRES = 1 << 0, /* has a TTL, thus an entry in the table expiry */
	ST_BLOB = 1 << 1,    /* has a file */
	ST_FAILED = 1 << 2,  /* has records in the table failure */
	ST_LAPSED = 1 << 3,  /* its last lease ran out; nobody has taken it since */
	ST_OWNED = 1 << 4,   /* its lease ends with a process, too; see hold.h */
	ST_KEYED = 1 << 5,   /* its message record has a key */
	ST_GROUPED = 1 << 6, /* and a group */
	ST_RESULT = 1 << 7,  /* its pusher waits for what becomes of it */
	ST_AHEAD = 1 << 8,   /* leased, and not begun, as far as its holder has said */
	ST_WAITED = 1 << 9,  /* how long it waited for its first delivery is counted */
	/* Dead, and on its way to another queue, whose uuid is in the place of an
	   owner. */
	ST_MOVING = 1 << 10,
	ST_KNOWN = (1 << 11) - 1,
};

enum {
	EXTENT_MOST = 64,      /* messages that share a record */
	STATE_SIZE = 76,       /* without what follows */
	STATE_OWNER_SIZE = 16, /* with ST_OWNED, or ST_MOVING */
	STATE_GROUP_SIZE = 16, /* with ST_GROUPED */
	STATE_MOST = STATE_SIZE + STATE_OWNER_SIZE + 4 * EXTENT_MOST,
};

/* Deadline of a held lease: the byte lock, not the clock, says when it is over. */
#define HELD UINT64_MAX

struct state {
	enum q_state state;
	uint8_t rank;
	uint16_t flags;
	uint32_t delivery;  /* times delivered; never goes down: the fencing number */
	uint32_t uncounted; /* deliveries that do not count as attempts */
	uint16_t in_a_row;  /* uncounted ones since the last that counted */
	uint8_t settled;    /* enum q_verb that ended the last lease; 0: none did */
	uint64_t due;  /* delayed: wall clock; leased and lapsed: boot clock, or HELD */
	q_time pushed; /* wall clock */
	q_time changed;        /* likewise: since when it is in this state */
	q_time began;          /* boot clock: when it was last delivered */
	uint32_t boot;         /* leased: number of the boot its deadline belongs to */
	uint32_t pid;          /* who leases it, or did last */
	uint32_t max_attempts; /* 0: the queue's */
	uint64_t size;         /* of the body */
	uint64_t owner_start, owner_ns;  /* with ST_OWNED: which process pid was, and
	                                  * where; with  ST_MOVING: a uuid */
	uint8_t group[STATE_GROUP_SIZE]; /* with ST_GROUPED: hash of its name */
	bool shared; /* not in the record: it is of other messages, too */
};

/*
 * Messages with consecutive ids that were pushed alike, or leased alike, have one
 * record for all, under the first one's id: what is done to many costs the rows of few.
 * It has no parts that are of one message only (extent_may()).
 */
struct extent {
	uint64_t first;
	unsigned count;
	struct state s;             /* of each of them, but for the size */
	uint32_t size[EXTENT_MOST]; /* of their bodies; of one alone: see s */
};

/* Whether messages in that state may share a record. */
bool extent_may(const struct state *s);
uint64_t extent_size(const struct extent *e, unsigned i);
/* Whether message id, just pushed, is the next one of an extent of such; then it is
 * added. */
bool extent_join(struct extent *e, uint64_t id, const struct state *s);
/* n of e, from the one at that place on. */
struct extent extent_part(const struct extent *e, unsigned from, unsigned n);

/* Whether a row may be a record, whole or damaged: by its size, and what should be the
 * number of messages in it. */
bool state_fits(const void *record, size_t size);
/* Write the record; returns its size, at most STATE_MOST. */
size_t state_encode(const struct extent *e, uint8_t *record);
/* Q_ECORRUPT: it is not, whole, the state of message first, and maybe others. */
int state_decode(const void *record, size_t size, uint64_t first, struct extent *e);

#endif
