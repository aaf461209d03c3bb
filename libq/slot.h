/* SPDX-License-Identifier: ISC */
#ifndef SLOT_H
#define SLOT_H

/*
 * Slots of ctl, from the side of who has a request and found the lock taken: he writes
 * it into his slot and sleeps until the holder of the lock has answered it, or the lock
 * is his. A slot is its owner's by a byte lock of ctl, which the kernel drops when he
 * dies.
 *
 * The word of a slot is its state, two flags, and the low bits of the ticket. Only the
 * owner leaves FREE and DONE; only who has the lock leaves READY for TAKEN, before he
 * applies anything, and TAKEN for DONE, after the commit; the owner may take back
 * READY. So a request that is READY was not applied, and one that is TAKEN while nobody
 * has the lock may have been: the table slot tells. Strangers may write here: what does
 * not have its checksum is neither request nor answer.
 *
 * A take that found nothing may stand in a slot: who makes a message ready takes it for
 * one who stands, in the same transaction, so that it costs no further commit and
 * nobody has to wake up for it in vain. STANDING is like READY, but is served only when
 * there is a message.
 */

#include "apply.h"
#include "ctl.h"

enum {
	SLOT_FREE,
	SLOT_READY,    /* to be served */
	SLOT_TAKEN,    /* being served */
	SLOT_DONE,     /* answered */
	SLOT_STANDING, /* to be served with a message */
	SLOT_STATE = 7,
	SLOT_ASLEEP = 8, /* the owner sleeps on the word */
	SLOT_LEAD = 16,  /* the owner is to try the lock */
	SLOT_TAG = 5,    /* bits before those of the ticket */
};

static inline uint32_t
slot_word(uint64_t ticket, uint32_t state)
{
	return ((uint32_t)(ticket << SLOT_TAG) | state);
}

static inline uint32_t
slot_state(uint32_t word)
{
	return (word & SLOT_STATE);
}

/* To be served by whoever has the lock. */
static inline bool
slot_waits(uint32_t word)
{
	return (slot_state(word) == SLOT_READY || slot_state(word) == SLOT_TAKEN);
}

/* To be served with a message: one who was called looks for himself, and is given none
 * meanwhile, which would be one too many. */
static inline bool
slot_stands(uint32_t word)
{
	return (slot_state(word) == SLOT_STANDING && !(word & SLOT_LEAD));
}

/* The same ticket, whatever the flags. */
static inline bool
slot_is(uint32_t word, uint64_t ticket, uint32_t state)
{
	return (
	    (word & ~(uint32_t)(SLOT_ASLEEP | SLOT_LEAD)) == slot_word(ticket, state));
}

enum slot_content { SLOT_REQUEST, SLOT_ANSWER };

/* The checksum of what a slot holds, for one ticket. */
uint64_t slot_sum(uint64_t generation, unsigned slot, uint64_t ticket,
    enum slot_content content, const void *data, size_t size);
/* From one state to another of the same ticket; the flags, in *old, stay. */
bool slot_move(
    struct ctl_slot *s, uint64_t ticket, uint32_t from, uint32_t to, uint32_t *old);
void slot_mark_pending(struct ctl_file *f, unsigned slot);

/* Whether the requests could be posted: else the caller waits for the lock himself. */
bool slot_post(struct q *q, const struct request *requests, size_t n);
/*
 * Whether the take stands. Its owner has armed before his last look (wake.h), and
 * sleeps on the word of the slot while that has the value slot_standing().
 */
bool slot_stand(struct q *q, const struct request *take);
_Atomic uint32_t *slot_standing(struct q *q, uint32_t *value);
/* It stands no longer. False: it was served, or is, and is to be awaited. */
bool slot_stand_down(struct q *q);
/* After the commit: n of those who stand are to look for themselves. */
void slot_call(struct ctl_file *f, uint64_t n);
/* Whether the owner of a slot lives. */
bool slot_has_owner(const struct q *q, unsigned slot);

struct ctl_slot *slot_mine(struct q *q);
/* Whether nobody had taken our request, or it stands; then nobody will. Else *old is
 * the word. */
bool slot_withdraw(struct q *q, uint32_t *old);
/* It is not ours any more. */
void slot_leave(struct ctl *c);

#endif
