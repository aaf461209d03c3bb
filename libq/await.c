/* SPDX-License-Identifier: ISC */
/* The wait of who has posted a request: for the answer, or the lock, and not for ever.
 */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "error.h"
#include "lock.h"
#include "queue.h"
#include "serve.h"

#include "await.h"

/* Between tries of the lock: of all who wait, and at first of one who leads. */
#define TRY_STEP  (10 * Q_SECOND / 1000)
#define LEAD_STEP (Q_SECOND / 10000)
/* Who only tries finds readers that overlap there each time. After so long one who
 * leads stands at the gate, or anybody. */
#define LEAD_TRIES (Q_SECOND / 20)
#define ALL_TRIES  Q_SECOND
/* What more a request that is being served is given, when there is no more time. */
#define GRACE (2 * Q_SECOND)

/* The lock is ours: nobody else is to serve the request, if nobody has. */
static enum await_end
take_back(struct q *q)
{
	uint64_t ticket = q->ctl.ticket;
	uint32_t old;

	/* It may only be of no use for a while, because of another link for instance:
	 * what is ready there would be served then. */
	if (!ctl_is_long(q) || slot_withdraw(q, &old))
		return (AWAIT_LOCKED);
	if (!slot_is(old, ticket, SLOT_DONE)) {
		/* Taken by one who died, or overwritten: the slot is free again. */
		atomic_store(&slot_mine(q)->word, slot_word(ticket, SLOT_FREE));
		return (AWAIT_LOCKED);
	}
	lock_drop(q->dir.data);
	serve_wake(q); /* who has tried it meanwhile is to try again */
	return (AWAIT_ANSWERED);
}

int
await_unknown(struct q *q)
{
	q->doubt = true;
	return (fail(Q_EBUSY, "another process has this in hand and does not go on; "
			      "it is not known whether it will be done"));
}

/* rc, if nobody has taken our request, also from a ctl that is of no use for a while.
 */
static int
not_done(struct q *q, int rc)
{
	uint32_t old;

	return (ctl_is_long(q) && slot_withdraw(q, &old) ? rc : await_unknown(q));
}

/* We have the lock; unless data.mdb was replaced: then another may have that of the new
 * one, and our request. */
static int
end_locked(struct q *q, enum await_end *end)
{
	struct stat st;
	int rc = dir_check(&q->dir, &st);

	if (rc == 0) {
		*end = take_back(q);
		return (0);
	}
	lock_drop(q->dir.data);
	return (not_done(q, rc));
}

/* No more time. rc, if nothing was done; else whoever serves us gets a little more. */
static int
give_up(struct q *q, q_time *until, bool *late, int rc)
{
	uint32_t old;

	if (slot_withdraw(q, &old))
		return (rc != 0 ? rc : lock_busy(q));
	if (!*late) {
		*late = true;
		*until = time_add(clock_monotonic(), GRACE);
		return (0);
	}
	/* The slot stays as it is until it is answered; we use another. */
	slot_leave(&q->ctl);
	return (await_unknown(q));
}

/* Until the word changes, or it is time to try the lock again. */
static void
rest(struct q *q, uint32_t word, q_time *step)
{
	struct ctl_slot *s = slot_mine(q);
	struct ctl *c = &q->ctl;

	if (word & SLOT_LEAD) { /* we have just tried, and somebody was faster */
		word = atomic_fetch_and(&s->word, ~(uint32_t)SLOT_LEAD) &
		       ~(uint32_t)SLOT_LEAD;
		c->leads = true;
		*step = LEAD_STEP;
	} else if (!c->leads) {
		*step = TRY_STEP;
	}
	if (slot_state(word) != SLOT_DONE &&
	    atomic_compare_exchange_strong(&s->word, &word, word | SLOT_ASLEEP))
		(void)ctl_sleep(&s->word, word | SLOT_ASLEEP, *step);
	if (!ctl_is_whole(q))
		return;
	(void)atomic_fetch_and(&s->word, ~(uint32_t)SLOT_ASLEEP);
	if ((*step *= 2) > TRY_STEP)
		*step = TRY_STEP;
	/* Whoever had taken it may have died since. */
	slot_mark_pending(c->map, (unsigned)c->slot);
}

/*
 * At the gate our answer is not seen, and readers wait behind us: it is for no longer
 * at a time than we have waited, and then not for as long.
 */
static bool
get_lock(struct q *q, uint32_t word, q_time waited, q_time *stand)
{
	q_time at = *stand != 0 ? *stand : q->ctl.leads ? LEAD_TRIES : ALL_TRIES;
	q_time left = q->lock_wait - waited;

	if (lock_try(q, LOCK_EX))
		return (true);
	if (slot_state(word) != SLOT_READY || waited < at || left <= 0)
		return (false);
	*stand = 3 * waited;
	return (lock_stand(q, LOCK_EX, waited < left ? waited : left) == 0);
}

int
await_slot(struct q *q, enum await_end *end)
{
	q_time began = clock_monotonic(), until = time_add(began, q->lock_wait),
	       step = LEAD_STEP, stand = 0;
	bool late = false;
	int rc = 0;

	while (rc == 0 && ctl_is_whole(q)) {
		uint32_t word = atomic_load(&slot_mine(q)->word);
		bool stop = q->stop != NULL && q->stop(q->arg);

		if (slot_is(word, q->ctl.ticket, SLOT_DONE)) {
			*end = AWAIT_ANSWERED;
			return (0);
		}
		if (!slot_is(word, q->ctl.ticket, SLOT_READY) &&
		    !slot_is(word, q->ctl.ticket, SLOT_TAKEN) &&
		    !slot_is(word, q->ctl.ticket, SLOT_STANDING))
			break; /* somebody has written over it */
		if (get_lock(q, word, clock_monotonic() - began, &stand))
			return (end_locked(q, end));
		if (stop && !late)
			rc = give_up(q, &until, &late,
			    fail(Q_EBUSY, "interrupted; nothing done"));
		else if (clock_monotonic() >= until)
			rc = give_up(q, &until, &late, 0);
		else
			rest(q, word, &step);
	}
	if (rc != 0)
		return (rc);
	if ((rc = lock_take(q, LOCK_EX)) == 0)
		return (end_locked(q, end));
	return (rc == Q_EBUSY ? not_done(q, rc) : rc);
}

size_t
await_read(struct q *q, uint8_t *answer, size_t room)
{
	struct ctl_slot *s;
	uint32_t old;
	size_t size;

	if (!ctl_is_whole(q))
		return (0);
	s = slot_mine(q);
	size = s->size;
	if (size > room)
		size = 0;
	memcpy(answer, s->data, size);
	if (s->check != slot_sum(q->ctl.generation, q->ctl.posted, q->ctl.ticket,
			    SLOT_ANSWER, answer, size))
		size = 0;
	(void)slot_move(s, q->ctl.ticket, SLOT_DONE, SLOT_FREE, &old);
	return (size);
}
