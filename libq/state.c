/* SPDX-License-Identifier: ISC */
/* Codec of the state record, of one message or several, and the names of the states. */
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "policy.h"

#include "state.h"

static const char *const names[Q_STATES] = {
	[Q_READY] = "ready",
	[Q_DELAYED] = "delayed",
	[Q_BLOCKED] = "blocked",
	[Q_LEASED] = "leased",
	[Q_DEAD] = "dead",
};

const char *
q_state_name(enum q_state state)
{
	return ((unsigned)state < Q_STATES ? names[state] : NULL);
}

enum q_state
q_state_of(const char *name)
{
	for (unsigned s = Q_READY; s < Q_STATES; s++)
		if (strcmp(name, names[s]) == 0)
			return ((enum q_state)s);
	return ((enum q_state)0);
}

/* Of what an extent shares; anything else is of one message. */
#define ST_SHARED (ST_OWNED | ST_AHEAD | ST_WAITED)

/* Where the record has its flags, and how many messages more than one it is of. */
enum { FLAGS_AT = 10, MORE_AT = 23 };

bool
extent_may(const struct state *s)
{
	return ((s->flags & ~ST_SHARED) == 0 && s->size <= UINT32_MAX &&
		(s->state == Q_READY || s->state == Q_DELAYED || s->state == Q_LEASED));
}

uint64_t
extent_size(const struct extent *e, unsigned i)
{
	return (e->count == 1 ? e->s.size : e->size[i]);
}

bool
extent_join(struct extent *e, uint64_t id, const struct state *s)
{
	const struct state *with = &e->s;

	if (e->count == 0 || e->count == EXTENT_MOST || id != e->first + e->count ||
	    !extent_may(s) || s->state != with->state || s->rank != with->rank ||
	    s->due != with->due || s->pushed != with->pushed ||
	    s->max_attempts != with->max_attempts)
		return (false);
	if (e->count == 1)
		e->size[0] = (uint32_t)e->s.size;
	e->size[e->count++] = (uint32_t)s->size;
	e->s.size = 0;
	return (true);
}

struct extent
extent_part(const struct extent *e, unsigned from, unsigned n)
{
	struct extent p = { .first = e->first + from, .count = n, .s = e->s };

	if (n == 1)
		p.s.size = extent_size(e, from);
	else
		memcpy(p.size, e->size + from, n * sizeof(p.size[0]));
	return (p);
}

bool
state_fits(const void *record, size_t size)
{
	const uint8_t *p = record;
	size_t n;

	if (size < STATE_SIZE)
		return (false);
	if (p[MORE_AT] == 0)
		return (size <= STATE_SIZE + STATE_OWNER_SIZE + STATE_GROUP_SIZE &&
			(size - STATE_SIZE) % STATE_OWNER_SIZE == 0);
	n = STATE_SIZE + 4 * ((size_t)p[MORE_AT] + 1);
	if (get_be16(p + FLAGS_AT) & ST_OWNED)
		n += STATE_OWNER_SIZE;
	return (size == n && p[MORE_AT] < EXTENT_MOST);
}

size_t
state_encode(const struct extent *e, uint8_t *record)
{
	const struct state *s = &e->s;
	uint8_t *p = record + 8;

	*p++ = (uint8_t)s->state;
	*p++ = s->rank;
	p = put_be16(p, s->flags);
	p = put_be32(p, s->delivery);
	p = put_be32(p, s->uncounted);
	p = put_be16(p, s->in_a_row);
	*p++ = s->settled;
	*p++ = (uint8_t)(e->count - 1);
	p = put_be64(p, s->due);
	p = put_be64(p, (uint64_t)s->pushed);
	p = put_be64(p, (uint64_t)s->changed);
	p = put_be64(p, (uint64_t)s->began);
	p = put_be32(p, s->boot);
	p = put_be32(p, s->pid);
	p = put_be32(p, s->max_attempts);
	p = put_be64(p, s->size);
	if (s->flags & (ST_OWNED | ST_MOVING))
		p = put_be64(put_be64(p, s->owner_start), s->owner_ns);
	if (s->flags & ST_GROUPED)
		p = put_bytes(p, s->group, sizeof(s->group));
	for (unsigned i = 0; e->count > 1 && i < e->count; i++)
		p = put_be32(p, e->size[i]);
	(void)put_be64(
	    record, hash_record(record + 8, (size_t)(p - record) - 8, e->first));
	return ((size_t)(p - record));
}

static bool
may_be(const struct extent *e)
{
	const struct state *s = &e->s;

	return (
	    s->state >= Q_READY && s->state < Q_STATES && (s->flags & ~ST_KNOWN) == 0 &&
	    s->uncounted <= s->delivery && s->rank <= POLICY_RANK_MOST &&
	    (e->count == 1 ||
		(extent_may(s) && s->size == 0 && e->first <= UINT64_MAX - e->count)));
}

int
state_decode(const void *record, size_t size, uint64_t first, struct extent *out)
{
	struct reader r = { record, (const uint8_t *)record + size, false };
	struct extent e = { .first = first };
	struct state s = { 0 };
	const uint8_t *group;
	uint64_t check = read_be64(&r);

	/* The size first: a damaged row may claim more than there is to read. */
	if (!state_fits(record, size) ||
	    check != hash_record(r.p, (size_t)(r.end - r.p), first))
		return (fail(Q_ECORRUPT, "state of message %llu is damaged (checksum)",
		    (unsigned long long)first));
	s.state = (enum q_state)read_8(&r);
	s.rank = read_8(&r);
	s.flags = read_be16(&r);
	s.delivery = read_be32(&r);
	s.uncounted = read_be32(&r);
	s.in_a_row = read_be16(&r);
	s.settled = read_8(&r);
	e.count = read_8(&r) + 1U;
	s.due = read_be64(&r);
	s.pushed = (q_time)read_be64(&r);
	s.changed = (q_time)read_be64(&r);
	s.began = (q_time)read_be64(&r);
	s.boot = read_be32(&r);
	s.pid = read_be32(&r);
	s.max_attempts = read_be32(&r);
	s.size = read_be64(&r);
	if (s.flags & (ST_OWNED | ST_MOVING)) {
		s.owner_start = read_be64(&r);
		s.owner_ns = read_be64(&r);
	}
	if (s.flags & ST_GROUPED && (group = read_bytes(&r, sizeof(s.group))) != NULL)
		memcpy(s.group, group, sizeof(s.group));
	e.s = s;
	for (unsigned i = 0; e.count > 1 && i < e.count && i < EXTENT_MOST; i++)
		e.size[i] = read_be32(&r);
	if (r.bad || r.p != r.end || !may_be(&e))
		return (fail(Q_ECORRUPT, "state of message %llu is damaged (layout)",
		    (unsigned long long)first));
	*out = e;
	return (0);
}
