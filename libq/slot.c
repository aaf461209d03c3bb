/* SPDX-License-Identifier: ISC */
/* A request in a slot: posted, waited for, answered or taken back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "hash.h"
#include "hold.h"
#include "lock.h"
#include "queue.h"
#include "serve.h"
#include "wire.h"

#include "slot.h"

/* Between tries of the lock: of all who wait, and at first of one who leads. */
#define TRY_STEP  (10 * Q_SECOND / 1000)
#define LEAD_STEP (Q_SECOND / 10000)
/* Who only tries finds readers that overlap there each time. After so long one who
 * leads stands at the gate, or anybody. */
#define LEAD_TRIES (Q_SECOND / 20)
#define ALL_TRIES  Q_SECOND
/* What more a request that is being served is given, when there is no more time. */
#define GRACE (2 * Q_SECOND)

uint64_t
slot_sum(uint64_t generation, unsigned slot, uint64_t ticket, enum slot_content content,
    const void *data, size_t size)
{
	const uint64_t of[] = { generation, ticket, (uint64_t)slot << 1 | content };

	return (hash_record(data, size, hash_record(of, sizeof(of), 0)));
}

bool
slot_move(
    struct ctl_slot *s, uint64_t ticket, uint32_t from, uint32_t to, uint32_t *old)
{
	*old = atomic_load(&s->word);
	while (slot_is(*old, ticket, from))
		if (atomic_compare_exchange_weak(
			&s->word, old, (*old & ~(uint32_t)SLOT_STATE) | to))
			return (true);
	return (false);
}

void
slot_mark_pending(struct ctl_file *f, unsigned slot)
{
	(void)atomic_fetch_or(&f->pending[slot / 32], 1U << slot % 32);
}

static bool
nobody_pending(struct ctl_file *f)
{
	uint32_t any = 0;

	for (size_t i = 0; i < CTL_SLOTS / 32; i++)
		any |= atomic_load(&f->pending[i]);
	return (any == 0);
}

static struct flock
byte_lock(short type, unsigned slot)
{
	return ((struct flock){
	    .l_type = type,
	    .l_whence = SEEK_SET,
	    .l_start = (off_t)CTL_SIZE + (off_t)slot,
	    .l_len = 1,
	});
}

static int
lock_byte(int fd, short type, unsigned slot)
{
	struct flock l = byte_lock(type, slot);

	return (fcntl(fd, F_OFD_SETLK, &l));
}

bool
slot_has_owner(const struct q *q, unsigned slot)
{
	struct flock l = byte_lock(F_WRLCK, slot);

	return (fcntl(q->ctl.fd, F_OFD_GETLK, &l) != 0 || l.l_type != F_UNLCK);
}

/* Its last owner may have died with a request in it: that is served first. Nobody takes
 * for him. */
static bool
is_vacant(struct ctl_file *f, unsigned slot)
{
	_Atomic uint32_t *word = &f->slot[slot].word;
	uint32_t old = atomic_load(word);

	if (slot_state(old) == SLOT_STANDING &&
	    atomic_compare_exchange_strong(word, &old, SLOT_FREE))
		return (true);
	if (!slot_waits(old))
		return (true);
	slot_mark_pending(f, slot);
	return (false);
}

static void
leave(struct ctl *c)
{
	(void)lock_byte(c->fd, F_UNLCK, (unsigned)c->slot);
	c->slot = -1;
}

/* A slot, of so many, for as long as the handle uses this ctl. */
static bool
claim(struct ctl *c, unsigned most)
{
	unsigned start = (unsigned)getpid();

	if (c->slot != -1 && (unsigned)c->slot < most &&
	    is_vacant(c->map, (unsigned)c->slot))
		return (true);
	if (c->slot != -1)
		leave(c);
	for (unsigned i = 0; i < most; i++) {
		unsigned slot = (start + i) % most;

		if (lock_byte(c->fd, F_WRLCK, slot) != 0)
			continue;
		c->slot = (int)slot;
		if (is_vacant(c->map, slot))
			return (true);
		leave(c);
	}
	return (false);
}

static struct ctl_slot *
mine(struct q *q)
{
	return (&q->ctl.map->slot[q->ctl.slot]);
}

/* Never one that there was, also if somebody has overwritten the last: it would find
 * the row of another request. */
static uint64_t
new_ticket(uint64_t last)
{
	uint64_t now = (uint64_t)clock_monotonic();

	return (last < now ? now : last + 1);
}

/* Who asks. For leases that we are to hold, also since when there is a process of our
 * pid, and where: it is read once. */
static bool
introduce(struct q *q, const struct request *requests, size_t n, struct sender *me)
{
	bool holds = false;

	for (size_t i = 0; i < n; i++)
		holds |= requests[i].op == OP_TAKE && requests[i].take.how->lease == 0;
	if (holds && q->start == 0 && hold_owner(getpid(), &q->start, &q->ns) != 0)
		return (false);
	*me = (struct sender){ .uid = (uint32_t)geteuid(),
		.pid = (uint32_t)getpid(),
		.start = q->start,
		.ns = q->ns };
	(void)snprintf(
	    me->command, sizeof(me->command), "%s", program_invocation_short_name);
	return (true);
}

/* Write them into a slot, of the first so many, that nobody looks at as yet. */
static struct ctl_slot *
put(struct q *q, const struct request *requests, size_t n, unsigned most)
{
	struct ctl *c = &q->ctl;
	struct ctl_slot *s;
	uint8_t data[CTL_PAYLOAD];
	struct sender me;
	size_t size;

	if (!introduce(q, requests, n, &me) ||
	    (size = wire_put_parcel(requests, n, &me, data)) == 0 ||
	    ctl_need(q) == NULL || !claim(c, most))
		return (NULL);
	s = mine(q);
	memcpy(s->data, data, size);
	s->size = (uint32_t)size;
	c->ticket = new_ticket(s->ticket);
	c->generation = c->map->generation;
	c->posted = (unsigned)c->slot;
	s->ticket = c->ticket;
	s->check =
	    slot_sum(c->generation, c->posted, c->ticket, SLOT_REQUEST, data, size);
	return (s);
}

bool
slot_post(struct q *q, const struct request *requests, size_t n)
{
	struct ctl *c = &q->ctl;
	struct ctl_slot *s = put(q, requests, n, CTL_SLOTS);

	if (s == NULL)
		return (false);
	c->leads = nobody_pending(c->map);
	/* Before, so that one who dies between is served with the next, not hours
	 * later; and behind, since who collects just then has found nothing. */
	slot_mark_pending(c->map, (unsigned)c->slot);
	atomic_store(&s->word, slot_word(c->ticket, SLOT_READY));
	slot_mark_pending(c->map, (unsigned)c->slot);
	return (true);
}

/* Whether nobody had taken our request, or it stands; then nobody will. */
static bool
withdraw(struct q *q, uint32_t *old)
{
	struct ctl_slot *s = mine(q);

	if (!slot_move(s, q->ctl.ticket, SLOT_READY, SLOT_FREE, old) &&
	    !slot_move(s, q->ctl.ticket, SLOT_STANDING, SLOT_FREE, old))
		return (false);
	s->check = ~s->check;
	return (true);
}

_Atomic uint32_t *
slot_standing(struct q *q, uint32_t *value)
{
	*value = slot_word(q->ctl.ticket, SLOT_STANDING | SLOT_ASLEEP);
	return (&mine(q)->word);
}

bool
slot_stand(struct q *q, const struct request *take)
{
	struct ctl_slot *s = put(q, take, 1, CTL_STANDING);
	uint32_t value;

	if (s == NULL)
		return (false);
	q->ctl.leads = false;
	atomic_store(slot_standing(q, &value), value);
	/* Before the count is read again: who has not seen this moves that. */
	(void)atomic_fetch_or(&q->ctl.map->standing, 1U << q->ctl.slot);
	return (true);
}

bool
slot_stand_down(struct q *q)
{
	struct ctl_file *f = q->ctl.map;
	unsigned slot = (unsigned)q->ctl.slot;
	uint32_t old;

	if (!ctl_is_long(q))
		return (false);
	(void)atomic_fetch_and(&f->standing, ~(1U << slot));
	if (withdraw(q, &old))
		return (true);
	slot_mark_pending(f, slot); /* whoever took it may have died since */
	return (false);
}

void
slot_call(struct ctl_file *f, uint64_t n)
{
	uint32_t bits = atomic_load(&f->standing);

	for (unsigned i = 0; i < CTL_STANDING && n > 0; i++) {
		_Atomic uint32_t *word = &f->slot[i].word;
		uint32_t old = atomic_load(word);

		while (bits & 1U << i && slot_stands(old) &&
		       !atomic_compare_exchange_weak(word, &old, old | SLOT_LEAD))
			;
		if (bits & 1U << i && slot_stands(old))
			n -= ctl_wake(word, 1);
	}
}

/* The lock is ours: nobody else is to serve the request, if nobody has. */
static enum slot_end
take_back(struct q *q)
{
	uint64_t ticket = q->ctl.ticket;
	uint32_t old;

	/* It may only be of no use for a while, because of another link for instance:
	 * what is ready there would be served then. */
	if (!ctl_is_long(q) || withdraw(q, &old))
		return (SLOT_LOCKED);
	if (!slot_is(old, ticket, SLOT_DONE)) {
		/* Taken by one who died, or overwritten: the slot is free again. */
		atomic_store(&mine(q)->word, slot_word(ticket, SLOT_FREE));
		return (SLOT_LOCKED);
	}
	lock_drop(q->dir.data);
	serve_wake(q); /* who has tried it meanwhile is to try again */
	return (SLOT_ANSWERED);
}

int
slot_unknown(struct q *q)
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

	return (ctl_is_long(q) && withdraw(q, &old) ? rc : slot_unknown(q));
}

/* We have the lock; unless data.mdb was replaced: then another may have that of the new
 * one, and our request. */
static int
end_locked(struct q *q, enum slot_end *end)
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

	if (withdraw(q, &old))
		return (rc != 0 ? rc : lock_busy(q));
	if (!*late) {
		*late = true;
		*until = time_add(clock_monotonic(), GRACE);
		return (0);
	}
	/* The slot stays as it is until it is answered; we use another. */
	leave(&q->ctl);
	return (slot_unknown(q));
}

/* Until the word changes, or it is time to try the lock again. */
static void
rest(struct q *q, uint32_t word, q_time *step)
{
	struct ctl_slot *s = mine(q);
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
slot_await(struct q *q, enum slot_end *end)
{
	q_time began = clock_monotonic(), until = time_add(began, q->lock_wait),
	       step = LEAD_STEP, stand = 0;
	bool late = false;
	int rc = 0;

	while (rc == 0 && ctl_is_whole(q)) {
		uint32_t word = atomic_load(&mine(q)->word);
		bool stop = q->stop != NULL && q->stop(q->arg);

		if (slot_is(word, q->ctl.ticket, SLOT_DONE)) {
			*end = SLOT_ANSWERED;
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
slot_read(struct q *q, uint8_t *answer, size_t room)
{
	struct ctl_slot *s;
	uint32_t old;
	size_t size;

	if (!ctl_is_whole(q))
		return (0);
	s = mine(q);
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
