/* SPDX-License-Identifier: ISC */
/*
 * Acts on many messages: which they are is decided message by message, in the
 * transaction that changes it; a thousand are looked at in each.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "bytes.h"
#include "error.h"
#include "event.h"
#include "group.h"
#include "life.h"
#include "look.h"
#include "message.h"
#include "note.h"
#include "queue.h"
#include "space.h"

#include "manage.h"

enum { LOOK_MOST = 1000, ACT_MOST = 500 }; /* in one transaction */

typedef int act_fn(struct txn *t, const struct manage *m, uint64_t id, struct state *s);

static int
purge(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	(void)m;
	return (life_end(t, id, s, COUNT_PURGED));
}

/* From the start: none of its deliveries counts any more. */
static int
redrive(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	int rc;

	(void)m;
	s->uncounted = s->delivery;
	s->in_a_row = 0;
	s->flags &= (uint16_t)~ST_MOVING;
	s->state = Q_READY;
	note(t, Q_EVENT_REDRIVEN, id, s, 0, NULL);
	rc = life_revive(t, id, s);
	return (rc == 0 ? life_enter(t, id, s) : rc);
}

static int
release(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	(void)m;
	note(t, Q_EVENT_RELEASED, id, s, 0, NULL);
	if (s->state == Q_LEASED) {
		s->uncounted++;
		life_count(t, COUNT_RELEASED, 1);
		return (life_retry(t, id, s, 0));
	}
	s->state = Q_READY;
	return (life_enter(t, id, s));
}

static int
bury(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	static const struct q_report said = { .how = Q_HOW_SAID };
	const char *why = m->how->why != NULL ? m->how->why : "given up by 'qctl dead'";
	int rc = s->state == Q_LEASED ? life_fail(t, id, s, why, &said)
	                              : life_fail_between(t, id, s, why, &said);

	/* One that did not hold up its group does not begin to. */
	if (rc == 0 && s->state == Q_BLOCKED)
		rc = group_leave(t, id, s);
	s->in_a_row = 0;
	return (rc == 0 ? life_die(t, id, s) : rc);
}

#define IN(state) (1U << (state))
#define WAITING   (IN(Q_READY) | IN(Q_DELAYED) | IN(Q_BLOCKED) | IN(Q_DEAD))

/* The states an act is for, and those it is not for unless they are named. */
static const struct {
	act_fn *run;
	unsigned states, named;
} acts[] = {
	[Q_ACT_PURGE] = { purge, WAITING, IN(Q_LEASED) },
	[Q_ACT_REDRIVE] = { redrive, IN(Q_DEAD), 0 },
	[Q_ACT_RELEASE] = { release, IN(Q_DELAYED) | IN(Q_LEASED), 0 },
	[Q_ACT_DEAD] = { bury,
	    IN(Q_READY) | IN(Q_DELAYED) | IN(Q_BLOCKED) | IN(Q_LEASED), 0 },
	[ACT_MARK] = { transfer_mark, WAITING, 0 },
	[ACT_COPY] = { transfer_copy, WAITING, IN(Q_LEASED) },
	[ACT_MOVED] = { transfer_moved, IN(Q_DEAD), 0 },
	[ACT_STAYS] = { transfer_stays, IN(Q_DEAD), 0 },
};

static unsigned
states_of(const struct q_manage *how)
{
	return (how->states != 0 ? how->states : acts[how->act].states);
}

/* Whether the reason of the last failure is like the pattern. */
static int
reason_matches(struct txn *t, uint64_t id, const char *pattern, bool *yes)
{
	struct key from = key_failure(id, 0);
	struct span key = key_span(&from), v;
	char reason[Q_MAX_REASON + 1];
	struct failure f;
	int rc;

	*yes = false;
	for (rc = txn_seek(t, T_FAILURE, &key, &v);
	     rc == 0 && key.size == from.size && memcmp(key.data, from.b, 8) == 0;
	     rc = txn_next(t, T_FAILURE, &key, &v)) {
		if (failure_decode(v.data, v.size, id, &f) != 0)
			continue;
		*put_bytes((uint8_t *)reason, f.reason, f.reason_size) = '\0';
		*yes = fnmatch(pattern, reason, 0) == 0;
	}
	return (rc == STORE_NONE ? 0 : rc);
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

/* Whether it was decided before that this one is not meant. */
static bool
is_left_out(const struct manage *m, uint64_t id, const struct state *s)
{
	return (m->meant != NULL && m->meant->given && s->flags & ST_GROUPED &&
		bsearch(&id, m->meant->ids, m->meant->count, sizeof(id), compare_ids) ==
		    NULL);
}

/* Acts after which a message is to live. */
#define LIVES (1U << Q_ACT_REDRIVE | 1U << ACT_MARK | 1U << ACT_COPY)

/* Whether this message is one of those meant. */
static int
is_meant(struct txn *t, const struct manage *manage, uint64_t id, const struct state *s,
    bool *yes)
{
	const struct q_manage *how = manage->how;
	struct key k = key_id(id);
	struct message m = { 0 };
	struct span v;
	bool whole;
	int rc;

	*yes = false;
	if (!(states_of(how) & IN(s->state)) || !transfer_may(manage, id, s) ||
	    is_left_out(manage, id, s))
		return (0);
	if ((rc = txn_get(t, T_BODY, key_span(&k), &v)) != 0)
		return (rc);
	whole = message_decode(v.data, v.size, id, &m) == 0;
	if (how->older > 0 && (!whole || m.pushed > t->now.wall - how->older))
		return (0);
	/* It would end at once: dead, it can be looked at. */
	if (LIVES & 1U << how->act && m.expires != 0 && m.expires <= t->now.wall)
		return (0);
	*yes = true;
	return (how->reason == NULL ? 0 : reason_matches(t, id, how->reason, yes));
}

/* Whether nothing changes: then what has fallen due is not noticed by others before. */
static bool
is_look(const struct manage *m)
{
	return (m->how->dry || (unsigned)m->how->act == ACT_COPY);
}

static int
remember(struct meant *meant, uint64_t id)
{
	size_t room = meant->room == 0 ? 64 : meant->room * 2;
	uint64_t *ids;

	if (meant->count == meant->room) {
		if ((ids = reallocarray(meant->ids, room, sizeof(*ids))) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		meant->ids = ids;
		meant->room = room;
	}
	meant->ids[meant->count++] = id;
	return (0);
}

/* To another queue and back: a message that comes back is as it was. */
static bool
is_way(unsigned act)
{
	return (act == ACT_MARK || act == ACT_STAYS);
}

static int
act(struct txn *t, const struct manage *m, uint64_t id, struct state *s)
{
	int rc;

	if ((unsigned)m->how->act == ACT_COPY)
		return (transfer_copy(t, m, id, s));
	if ((rc = life_leave(t, id, s)) != 0)
		return (rc);
	s->flags &= (uint16_t) ~(ST_OWNED | ST_AHEAD);
	if (!is_way((unsigned)m->how->act)) {
		s->flags &= (uint16_t)~ST_LAPSED;
		s->settled = 0; /* the receipt of its last lease is used up */
	}
	return (acts[m->how->act].run(t, m, id, s));
}

/* One message; *code is what became of it. */
static int
manage_one(struct txn *t, const struct manage *m, uint64_t id, struct q_managed *sum,
    int *code)
{
	struct state s;
	bool meant;
	int rc = look_get(t, id, &s);

	*code = rc == STORE_NONE ? Q_ENOENT : rc == 0 ? Q_EINVAL : Q_ECORRUPT;
	if (rc != 0)
		return (*code == Q_ENOENT || rc == Q_ECORRUPT || rc == STORE_BROKEN
			    ? 0
			    : rc);
	if (is_look(m))
		s.state = look_state(t, id, &s);
	if ((rc = is_meant(t, m, id, &s, &meant)) != 0 || !meant)
		return (rc == STORE_NONE ? 0 : rc);
	*code = 0;
	sum->count++;
	sum->bytes += s.size;
	if (m->meant != NULL && !m->meant->given && s.flags & ST_GROUPED)
		return (remember(m->meant, id));
	return (m->how->dry ? 0 : act(t, m, id, &s));
}

static bool
has_room(const struct manage *m, const struct manage_part *r)
{
	return (
	    r->sum.count < (m->most != 0 && m->most < ACT_MOST ? m->most : ACT_MOST) &&
	    (m->out == NULL || r->sum.bytes < MANAGE_BYTES));
}

static int
manage_ids(struct txn *t, const struct manage *m, struct manage_part *r)
{
	const struct q_manage *how = m->how;
	uint64_t i = m->at;
	int rc = 0, code;

	for (; i < how->id_count && has_room(m, r) && rc == 0; i++) {
		rc = manage_one(t, m, how->ids[i], &r->sum, &code);
		r->sum.refused += code != 0;
		if (how->codes != NULL)
			how->codes[i] = code;
	}
	r->next = i;
	r->end = i == how->id_count;
	return (rc);
}

static int
manage_all(struct txn *t, const struct manage *m, struct manage_part *r)
{
	uint64_t id = m->at;
	int rc = 0, code;

	for (int i = 0; i < LOOK_MOST && has_room(m, r) && rc == 0; i++) {
		struct key from = key_id(id);
		struct span key = key_span(&from), v;

		if ((rc = txn_scan(t, T_BODY, &key, &v, &r->hidden)) != 0)
			break;
		id = get_be64(key.data);
		rc = manage_one(t, m, id++, &r->sum, &code);
		r->sum.refused += code == Q_ECORRUPT;
	}
	r->next = id;
	r->end = rc == STORE_NONE;
	return (r->end ? 0 : rc);
}

int
manage_apply(struct txn *t, const struct manage *m, struct manage_part *r)
{
	*r = (struct manage_part){ .end = false };
	if (m->out != NULL && (unsigned)m->how->act != ACT_STAYS)
		batch_cut(m->out, 0);
	return (m->how->ids != NULL ? manage_ids(t, m, r) : manage_all(t, m, r));
}

int
manage_check(const struct q_manage *how)
{
	if (how->older < 0)
		return (fail(Q_EINVAL, "a duration is negative"));
	if (how->states & ~(acts[how->act].states | acts[how->act].named))
		return (fail(Q_EINVAL, "messages of that state are not for this"));
	return (0);
}

int
manage_part(struct q *q, const struct manage *m, struct manage_part *part)
{
	struct request r = { .op = OP_MANAGE };
	struct result result = { 0 };
	struct txn t;
	int rc;

	if (is_look(m)) {
		if ((rc = txn_begin(q, &t)) != 0)
			return (rc);
		rc = manage_apply(&t, m, part);
		txn_abort(&t);
		return (store_public(rc));
	}
	r.manage = *m;
	r.manage.most =
	    space_allows(q, m->most != 0 && m->most < ACT_MOST ? m->most : ACT_MOST);
	rc = apply_all(q, &r, &result, 1);
	*part = result.managed;
	return (rc);
}

/* 0 if there are none, or they cannot be counted: then what follows fails, too. */
static size_t
count_in_groups(struct q *q)
{
	struct txn t;
	size_t n;

	if (txn_begin(q, &t) != 0)
		return (0);
	n = txn_entries(&t, T_GROUP);
	txn_abort(&t);
	return (n);
}

int
manage_decide(struct q *q, struct manage *manage, struct meant *meant)
{
	struct q_manage how = *manage->how;
	struct manage look = *manage;
	struct manage_part part = { .end = false };
	int rc = 0;

	*meant = (struct meant){ 0 };
	if (how.dry || how.ids != NULL || states_of(&how) & IN(Q_BLOCKED) ||
	    !(acts[how.act].states & IN(Q_BLOCKED)) || count_in_groups(q) == 0)
		return (0);
	how.dry = true;
	look.how = &how;
	look.meant = meant;
	while (rc == 0 && !part.end) {
		rc = manage_part(q, &look, &part);
		look.at = part.next;
	}
	meant->given = true;
	manage->meant = meant;
	return (rc);
}

int
q_manage(struct q *q, const struct q_manage *how, struct q_managed *out)
{
	struct manage m = { .how = how };
	struct manage_part part = { .end = false };
	struct meant meant = { 0 };
	bool hidden = false;
	int rc = Q_EINVAL;

	*out = (struct q_managed){ 0 };
	if (how->act < Q_ACT_PURGE || how->act > Q_ACT_DEAD)
		return (fail(rc, "there is no such act"));
	if ((rc = manage_check(how)) == 0)
		rc = manage_decide(q, &m, &meant);
	while (rc == 0 && !part.end) {
		if ((rc = manage_part(q, &m, &part)) != 0)
			break;
		out->count += part.sum.count;
		out->bytes += part.sum.bytes;
		out->refused += part.sum.refused;
		hidden = hidden || part.hidden;
		m.at = part.next;
		if (q->stop != NULL && q->stop(q->arg))
			break;
	}
	free(meant.ids);
	return (rc == 0 && hidden ? txn_hidden(T_BODY) : rc);
}
