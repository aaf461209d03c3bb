/* SPDX-License-Identifier: ISC */
/* Serving the requests of others that found the lock taken. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "kept.h"
#include "queue.h"
#include "wire.h"

#include "serve.h"

struct served {
	unsigned slot;
	uint64_t ticket;
	bool orphan; /* taken by another before, who died */
	bool intact; /* as its owner wrote it */
	bool alone;  /* not to be applied by us */
	bool stands;
	bool asleep;   /* its owner, when it was answered */
	uint8_t *data; /* the request: a copy */
	size_t size;
	uint8_t *answer; /* behind it, with room for the largest */
	size_t answer_size;
};

struct service {
	uint64_t generation; /* of the ctl where they were */
	size_t n;
	struct served served[CTL_SLOTS];
	struct parcel parcel; /* the one that is applied */
};

static void
forget_served(struct service *v)
{
	while (v->n > 0)
		free(v->served[--v->n].data);
}

void
serve_free(struct q *q)
{
	if (q->service != NULL)
		forget_served(q->service);
	free(q->service);
	q->service = NULL;
}

bool
serve_any(const struct q *q)
{
	return (q->service != NULL && q->service->n > 0);
}

void
serve_gather(struct q *q)
{
	if (ctl_look(q) == NULL || atomic_load(&q->ctl.map->crowd) <= 1)
		return;
	(void)sched_yield();
	(void)sched_yield();
}

/* ---- collecting ---- */

/* Whether it was taken: one that waits to be served, or one that stands. If there is no
 * memory, its owner sees to it; and of a slot over which a stranger has written while
 * it was served, there may be no room for another. */
static bool
collect_slot(struct q *q, struct service *v, unsigned slot, bool stands)
{
	struct ctl_slot *s = &q->ctl.map->slot[slot];
	uint32_t word = atomic_load(&s->word), taken;
	uint64_t ticket;
	uint8_t *data;
	size_t size;

	if (v->n == CTL_SLOTS)
		return (false);
	do {
		if (stands ? !slot_stands(word) : !slot_waits(word))
			return (false);
		taken = (word & ~(uint32_t)SLOT_STATE) | SLOT_TAKEN;
	} while (!atomic_compare_exchange_weak(&s->word, &word, taken));
	/* From here on its owner lets it be. Without its ticket it is nobody's request,
	 * or he sees to it. */
	ticket = s->ticket;
	if (!slot_is(taken, ticket, SLOT_TAKEN)) {
		(void)atomic_compare_exchange_strong(
		    &s->word, &taken, taken & ~(uint32_t)SLOT_STATE);
		return (false);
	}
	size = s->size <= CTL_PAYLOAD ? s->size : 0;
	if ((data = malloc(size + ANSWER_MAX)) == NULL) {
		(void)slot_move(s, ticket, SLOT_TAKEN, slot_state(word), &taken);
		return (false);
	}
	memcpy(data, s->data, size);
	v->served[v->n++] = (struct served){ .slot = slot,
		.ticket = ticket,
		/* Nobody else has the lock: it was taken by the dead. */
		.orphan = slot_state(word) == SLOT_TAKEN,
		.intact = s->check == slot_sum(v->generation, slot, ticket,
					  SLOT_REQUEST, data, size),
		.stands = stands,
		.data = data,
		.size = size,
		.answer = data + size };
	return (true);
}

/* NULL: we cannot serve, or must not. */
static struct service *
service(struct q *q)
{
	/* A commit that fails for a limit of ours alone fails nobody else. */
	if (!ctl_is_current(q) || !store_may_grow())
		return (NULL);
	if (q->service == NULL)
		q->service = calloc(1, sizeof(*q->service));
	if (q->service != NULL && q->service->n == 0)
		q->service->generation = q->ctl.map->generation;
	return (q->service);
}

void
serve_collect(struct q *q)
{
	struct ctl *c = &q->ctl;
	uint32_t crowd;

	if (c->map == NULL || !ctl_is_whole(q))
		return;
	for (unsigned i = 0; i < CTL_SLOTS / 32; i++) {
		if (atomic_load(&c->map->pending[i]) == 0 || service(q) == NULL)
			continue;
		uint32_t bits = atomic_exchange(&c->map->pending[i], 0);

		for (unsigned b = 0; b < 32; b++)
			if (bits & 1U << b)
				(void)collect_slot(q, q->service, i * 32 + b, false);
	}
	crowd = serve_any(q) ? (uint32_t)q->service->n + 1 : 1;
	if (atomic_load(&c->map->crowd) != crowd) /* mostly, nothing is written */
		atomic_store(&c->map->crowd, crowd);
}

/* ---- applying ---- */

/* Its requests, as their owner would have applied them. */
static int
apply_parcel(struct txn *t, struct parcel *p, struct q_batch **taken)
{
	uint32_t uid = t->uid, pid = t->pid;
	q_time due = t->q->ctl.due; /* of our own take */
	int rc = 0;

	t->uid = p->sender.uid;
	t->pid = p->sender.pid;
	t->command = p->sender.command;
	for (size_t i = 0; i < p->n && rc == 0; i++) {
		if (p->request[i].op == OP_TAKE) {
			if ((rc = batch_new(taken)) != 0)
				break;
			p->result[i].taken.batch = *taken;
		}
		rc = apply_one(t, &p->request[i], &p->result[i]);
	}
	t->uid = uid;
	t->pid = pid;
	t->command = NULL;
	t->q->ctl.due = due;
	return (rc);
}

static int
apply_served(struct txn *t, struct service *v, struct served *s)
{
	uint8_t *answer = s->answer;
	struct parcel *p = &v->parcel;
	bool changed = t->changed;
	struct q_batch *taken = NULL;
	int rc;

	if (s->alone)
		return (0);
	/* Also one that says nobody had it: the word may be a stranger's. */
	rc = kept_find(t, v->generation, s->slot, s->ticket, answer, &s->answer_size);
	if (rc != STORE_NONE)
		return (rc);
	if (!s->intact || wire_get_parcel(s->data, s->size, p) != 0) {
		s->alone = true;
		return (0);
	}
	t->changed = false;
	if ((rc = apply_parcel(t, p, &taken)) == 0)
		s->answer_size =
		    answer_put_results(p->request, p->result, p->n, answer);
	q_batch_free(taken);
	if (rc == 0 && t->changed)
		rc = kept_put(t, v->generation, s->slot,
		    &(struct answered){
			s->ticket, t->now.wall, answer, s->answer_size });
	t->changed |= changed;
	return (rc);
}

/* One that costs a transaction is not applied again. */
static int
apply_nth(struct txn *t, struct service *v, size_t i)
{
	int rc = apply_served(t, v, &v->served[i]);

	if (rc != 0 && rc != STORE_GROW)
		v->served[i].alone = true;
	return (rc);
}

/* A take that stands, if its owner lives: what is taken for the dead is only late. */
static bool
collect_standing(struct q *q, unsigned slot)
{
	_Atomic uint32_t *word = &q->ctl.map->slot[slot].word;
	uint32_t old = atomic_load(word);

	if (!slot_stands(old))
		return (false);
	if (slot_has_owner(q, slot))
		return (collect_slot(q, q->service, slot, true));
	(void)atomic_compare_exchange_strong(word, &old, SLOT_FREE);
	return (false);
}

/* As long as there are messages that nobody has taken, and that may be: beginning with
 * another each time. */
static int
apply_standing(struct q *q, struct txn *t)
{
	const struct ctl *c = &q->ctl;
	uint64_t left = t->readied + 1;
	uint32_t bits;
	int rc = 0;

	if (t->readied == 0 || t->scarce || c->map == NULL || !ctl_is_whole(q) ||
	    (bits = atomic_load(&c->map->standing)) == 0 || service(q) == NULL)
		return (0);
	for (unsigned i = 0; i < CTL_STANDING && rc == 0; i++) {
		unsigned slot = (unsigned)(t->meta.next + i) % CTL_STANDING;

		if (t->readied == 0 || t->readied == left)
			break;
		if (!(bits & 1U << slot) || !collect_standing(q, slot))
			continue;
		left = t->readied;
		rc = apply_nth(t, q->service, q->service->n - 1);
	}
	return (rc);
}

int
serve_apply(struct q *q, struct txn *t)
{
	bool any = serve_any(q) || t->readied > 0;
	struct clock now;
	int rc = any ? clock_read(&now) : 0;

	/* It may be long since the transaction began: a lease that was counted from
	 * then would be over early. What is said of when stays its time. */
	if (any && rc == 0)
		t->now.boot = now.boot;
	for (size_t i = 0; serve_any(q) && i < q->service->n && rc == 0; i++)
		rc = apply_nth(t, q->service, i);
	return (rc == 0 ? apply_standing(q, t) : rc);
}

/* ---- answering ---- */

static void
answer_one(struct q *q, struct service *v, struct served *s, int rc)
{
	struct ctl_slot *slot = &q->ctl.map->slot[s->slot];
	uint8_t *answer = s->answer;
	uint32_t old;

	if (s->alone)
		s->answer_size = answer_put_alone(answer);
	else if (rc != 0)
		s->answer_size = answer_put_failed(rc, answer);
	memcpy(slot->data, answer, s->answer_size);
	slot->size = (uint32_t)s->answer_size;
	slot->check = slot_sum(
	    v->generation, s->slot, s->ticket, SLOT_ANSWER, answer, s->answer_size);
	s->asleep = slot_move(slot, s->ticket, SLOT_TAKEN, SLOT_DONE, &old) &&
	            old & SLOT_ASLEEP;
}

void
serve_answer(struct q *q, int rc)
{
	if (!serve_any(q) || !ctl_is_whole(q))
		return;
	for (size_t i = 0; i < q->service->n; i++)
		answer_one(q, q->service, &q->service->served[i], rc);
}

void
serve_return(struct q *q)
{
	struct service *v = q->service;
	uint32_t old;

	if (!serve_any(q))
		return;
	for (size_t i = 0; ctl_is_whole(q) && i < v->n; i++) {
		const struct served *s = &v->served[i];

		/* An orphan may have been applied: it stays one. */
		if (!s->orphan)
			(void)slot_move(&q->ctl.map->slot[s->slot], s->ticket,
			    SLOT_TAKEN, s->stands ? SLOT_STANDING : SLOT_READY, &old);
		if (!s->stands)
			slot_mark_pending(q->ctl.map, s->slot);
	}
	forget_served(v);
}

/* Whether the owner of a slot that waits is there to try the lock. */
static bool
hand_over(struct ctl_file *f, unsigned slot)
{
	_Atomic uint32_t *word = &f->slot[slot].word;
	uint32_t old = atomic_load(word);

	do
		if (!slot_waits(old))
			return (false);
	while (!atomic_compare_exchange_weak(word, &old, old | SLOT_LEAD));
	return (!(old & SLOT_ASLEEP) || ctl_wake(word, 1) == 1);
}

/* Round and round, from behind our own: every one gets its turn. */
static void
hand_over_any(struct q *q)
{
	struct ctl_file *f = q->ctl.map;
	unsigned start = (unsigned)q->ctl.slot + 1; /* 0 without one */

	for (unsigned i = 0; i < CTL_SLOTS; i++) {
		unsigned slot = (start + i) % CTL_SLOTS;

		if (slot % 32 == 0 && atomic_load(&f->pending[slot / 32]) == 0) {
			i += 31;
			continue;
		}
		if (atomic_load(&f->pending[slot / 32]) & 1U << slot % 32 &&
		    hand_over(f, slot))
			return;
	}
}

void
serve_wake(struct q *q)
{
	struct service *v = q->service;

	if (q->ctl.map != NULL) {
		hand_over_any(q);
		for (size_t i = 0; serve_any(q) && i < v->n; i++)
			if (v->served[i].asleep)
				(void)ctl_wake(
				    &q->ctl.map->slot[v->served[i].slot].word, 1);
	}
	if (v != NULL)
		forget_served(v);
}
