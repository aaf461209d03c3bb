/* SPDX-License-Identifier: ISC */
#ifndef ASKERS_H
#define ASKERS_H

/*
 * Who found the lock taken, and has posted requests: here, handles of the same process,
 * which look for the answer when somebody else has served.
 */
#include <stdatomic.h>
#include <string.h>

#include "answer.h"
#include "batch.h"
#include "queue.h"
#include "await.h"

struct asker {
	struct q *q;
	struct request request[2];
	struct result result[2];
	size_t n;
	struct ctl_slot before; /* as it was posted */
};

static inline struct ctl_slot *
slot_of(struct asker *a)
{
	return (&a->q->ctl.map->slot[a->q->ctl.slot]);
}

static inline bool
ask(struct asker *a)
{
	if (!slot_post(a->q, a->request, a->n))
		return (false);
	memcpy(&a->before, slot_of(a), sizeof(a->before));
	return (true);
}

/* As if the holder that has served it had died before he said so. */
static inline void
forget_answer(struct asker *a)
{
	memcpy(slot_of(a), &a->before, sizeof(a->before));
	atomic_store(&slot_of(a)->word, slot_word(a->q->ctl.ticket, SLOT_TAKEN));
	slot_mark_pending(a->q->ctl.map, a->q->ctl.posted);
}

/* Whether there is one, and of which kind. */
static inline bool
answered(struct asker *a, enum answer *answer)
{
	uint8_t data[ANSWER_MAX];
	uint32_t word;
	size_t size;
	int code;

	if (!ctl_is_whole(a->q))
		return (false);
	word = atomic_load(&slot_of(a)->word);
	if (!slot_is(word, a->q->ctl.ticket, SLOT_DONE))
		return (false);
	size = await_read(a->q, data, sizeof(data));
	return (
	    answer_get(data, size, a->request, a->result, a->n, answer, &code) == 0);
}

#endif
