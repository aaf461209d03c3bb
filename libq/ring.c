/* SPDX-License-Identifier: ISC */
/* Events in shared memory: one writer, any number of readers, and no lock. */
#include <string.h>

#include "queue.h"

#include "ring.h"

/* What a place holds, beside its number. */
struct record {
	int64_t when, due;
	uint64_t id;
	uint32_t uid, pid, attempt;
	uint8_t kind;
	char command[Q_EVENT_COMMAND - 1];
	char detail[Q_EVENT_DETAIL - 1];
};

enum { WORDS = CTL_EVENT_SIZE / 8 - 1 };

union place {
	struct record r;
	uint64_t word[WORDS];
};

_Static_assert(
    sizeof(struct record) == sizeof(uint64_t) * WORDS, "a record fills its place");

static void
write_one(struct ctl_event *place, uint64_t n, const struct q_event *e)
{
	union place p = { .r = {
			      .when = e->when,
			      .due = e->due,
			      .id = e->id,
			      .uid = e->uid,
			      .pid = (uint32_t)e->pid,
			      .attempt = e->attempt,
			      .kind = (uint8_t)e->kind,
			  } };

	memcpy(p.r.command, e->command, sizeof(p.r.command));
	memcpy(p.r.detail, e->detail, sizeof(p.r.detail));
	atomic_store_explicit(&place->number, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&place->word[i], p.word[i], memory_order_relaxed);
	atomic_store_explicit(&place->number, n, memory_order_release);
}

void
ring_write(struct q *q)
{
	struct ctl_file *f = q->ctl.map;
	struct notes *n = &q->notes;
	uint64_t kept = n->count < n->room ? n->count : n->room, last;

	if (n->count == 0 || f == NULL || !ctl_is_whole(q))
		return;
	/* Those for which there was no room have numbers, too: they are missed. */
	last = atomic_load(&f->last_event) + n->count;
	for (uint64_t i = 0; i < kept; i++) {
		uint64_t number = last - kept + 1 + i;

		write_one(&f->event[number % CTL_EVENTS], number,
		    &n->list[(n->count - kept + i) & (n->room - 1)]);
	}
	atomic_store(&f->last_event, last);
	n->count = 0;
}

bool
ring_read(const struct ctl_file *f, uint64_t n, struct q_event *event)
{
	const struct ctl_event *place = &f->event[n % CTL_EVENTS];
	union place p;

	if (n == 0 || atomic_load_explicit(&place->number, memory_order_acquire) != n)
		return (false);
	for (size_t i = 0; i < WORDS; i++)
		p.word[i] = atomic_load_explicit(&place->word[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&place->number, memory_order_relaxed) != n ||
	    p.r.kind == 0 || p.r.kind >= Q_EVENTS)
		return (false);
	*event = (struct q_event){
		.when = p.r.when,
		.kind = (enum q_event_kind)p.r.kind,
		.id = p.r.id,
		.attempt = p.r.attempt,
		.due = p.r.due,
		.uid = p.r.uid,
		.pid = (pid_t)p.r.pid,
	};
	memcpy(event->command, p.r.command, sizeof(p.r.command));
	memcpy(event->detail, p.r.detail, sizeof(p.r.detail));
	return (true);
}
