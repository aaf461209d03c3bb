/* SPDX-License-Identifier: ISC */
#ifndef CTL_H
#define CTL_H

/*
 * The file ctl: memory shared by the processes that use a queue at this moment. It
 * wakes those who wait for messages (wake.h), carries requests to the process that has
 * the transaction lock (slot.h) and tells who watches of what it did (ring.h). It holds
 * no data: whoever cannot use it, or finds it gone, does without. Everything in it may
 * have been written by a stranger.
 *
 * The layout has fixed widths and no object of any C library, so that programs built
 * on different ones share it. Words are in the machine's own byte order.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include "q.h"

enum {
	CTL_LAYOUT = 5,
	CTL_SLOTS = 256,
	CTL_STANDING = 32, /* the first ones, where a take may stand */
	CTL_SLOT_SIZE = 4096,
	CTL_HEAD_SIZE = 4096,
	CTL_PAYLOAD = CTL_SLOT_SIZE - 24, /* bytes of a request, or of its answer */
	CTL_EVENTS = 4096,
	CTL_EVENT_SIZE = 128,
	CTL_SIZE =
	    CTL_HEAD_SIZE + CTL_SLOTS * CTL_SLOT_SIZE + CTL_EVENTS * CTL_EVENT_SIZE,
};

enum ctl_channel {
	CTL_READY,  /* a message became ready: one process is woken for each */
	CTL_CHANGE, /* the queue was changed: all are */
	CTL_CHANNELS
};

struct ctl_word {
	_Atomic uint32_t count; /* a futex: moves on when somebody is to wake up */
	_Atomic uint32_t armed; /* how often somebody was about to sleep on it */
	_Atomic uint32_t idle;  /* what that was when nobody did */
	_Atomic uint32_t
	    look; /* when one of them last looked: monotonic milliseconds */
	_Atomic uint32_t asked; /* how many have asked since whether to look */
	_Atomic uint32_t crowd; /* and did between the two looks before */
	uint8_t unused[40];     /* a cache line each */
};

struct ctl_slot {
	_Atomic uint32_t word; /* a futex: see slot.h */
	uint32_t size;         /* of what is in data */
	uint64_t ticket;       /* another, and higher, with each request */
	uint64_t check;        /* slot_sum() of what is in data */
	uint8_t data[CTL_PAYLOAD];
};

struct ctl_event {
	_Atomic uint64_t number; /* see ring.h */
	_Atomic uint64_t word[CTL_EVENT_SIZE / 8 - 1];
};

struct ctl_file {
	uint32_t magic;
	uint32_t layout;
	uint64_t inode;      /* its own: a copy of the directory is another queue */
	uint64_t generation; /* random */
	uint8_t boot[16];
	uint8_t unused[24];
	struct ctl_word channel[CTL_CHANNELS];
	_Atomic uint32_t
	    pending[CTL_SLOTS / 32]; /* bits: slots that ask to be served */
	_Atomic uint32_t crowd;      /* requests in the last transaction */
	_Atomic uint32_t standing;   /* bits: slots where a take may stand */
	_Atomic uint64_t last_event; /* its number; 0: there was none */
	uint8_t rest[CTL_HEAD_SIZE - 64 - 64 * CTL_CHANNELS - CTL_SLOTS / 8 - 16];
	struct ctl_slot slot[CTL_SLOTS];
	struct ctl_event event[CTL_EVENTS];
};

_Static_assert(sizeof(struct ctl_slot) == CTL_SLOT_SIZE, "a slot has a page");
_Static_assert(sizeof(struct ctl_file) == CTL_SIZE, "the layout has no gaps");
_Static_assert(sizeof(struct ctl_event) == CTL_EVENT_SIZE, "a pair of cache lines");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomics work across processes");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics of 64 bits, too");

/* What a handle has of it. */
struct ctl {
	struct ctl_file *map; /* or NULL */
	int fd;
	ino_t inode;
	bool same_boot;              /* as of this map */
	q_time again;                /* monotonic: no attempt to make it before */
	int slot;                    /* whose byte lock is ours, or -1 */
	uint64_t generation, ticket; /* of the last request */
	unsigned posted;             /* and its slot */
	bool leads;     /* tries the lock more often than others who wait */
	uint64_t swept; /* generation whose predecessors' rows were looked for */
	bool armed;     /* for a wait on channel, with count as it was then */
	enum ctl_channel channel;
	uint32_t count;
	q_time step; /* between our looks, or questions whether to; 0: the least */
	q_time due;  /* monotonic: when a take that found nothing may find something */
};

/*
 * The shared memory, if there is some already: NULL when not, or when it is not what it
 * should be. Valid until the next call; its waits and wakes may be used, its slots only
 * after ctl_is_current().
 */
struct ctl_file *ctl_look(struct q *q);
/* The same, made if need be; for the slots, too. NULL: do without. */
struct ctl_file *ctl_need(struct q *q);
/* Whether it is of this boot: what a power cut left may be torn. */
bool ctl_is_current(struct q *q);
/* Whether the file still has all its bytes, to be asked before they are touched. */
bool ctl_is_whole(const struct q *q);
/* The same of the file that the name leads to, if it is that one: else others use
 * another. */
bool ctl_is_named(const struct q *q, ino_t inode);
/* Whether it has them at least, if it has another name, or none: for what must not stay
 * there. */
bool ctl_is_long(const struct q *q);
/* Map it to read only, made if that can be, on a descriptor of its own: false if it
 * cannot be. The caller unmaps CTL_SIZE bytes and closes *fd. */
bool ctl_map_to_read(struct q *q, const struct ctl_file **map, int *fd);
void ctl_close(struct q *q);

/*
 * Sleep until *word is no longer value, a wake, a signal or for that long. True only if
 * somebody woke us.
 */
bool ctl_sleep(_Atomic uint32_t *word, uint32_t value, q_time duration);
/* Wake up to n sleepers; how many there were. */
unsigned ctl_wake(_Atomic uint32_t *word, unsigned n);

#endif
