/* SPDX-License-Identifier: ISC */
/* A request in a slot: posted, or a take that stands; and taken back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "hash.h"
#include "hold.h"
#include "queue.h"
#include "wire.h"

#include "slot.h"

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

void
slot_leave(struct ctl *c)
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
		slot_leave(c);
	for (unsigned i = 0; i < most; i++) {
		unsigned slot = (start + i) % most;

		if (lock_byte(c->fd, F_WRLCK, slot) != 0)
			continue;
		c->slot = (int)slot;
		if (is_vacant(c->map, slot))
			return (true);
		slot_leave(c);
	}
	return (false);
}

struct ctl_slot *
slot_mine(struct q *q)
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
	s = slot_mine(q);
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

bool
slot_withdraw(struct q *q, uint32_t *old)
{
	struct ctl_slot *s = slot_mine(q);

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
	return (&slot_mine(q)->word);
}

bool
slot_stand(struct q *q, const struct request *take)
{
	struct ctl_slot *s = put(q, take, 1, CTL_STANDING);
	_Atomic uint32_t *word;
	uint32_t value;

	if (s == NULL)
		return (false);
	q->ctl.leads = false;
	word = slot_standing(q, &value);
	atomic_store(word, value);
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
	if (slot_withdraw(q, &old))
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
