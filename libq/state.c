/* SPDX-License-Identifier: ISC */
/* Codec of the state record, and the names of the states. */
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

bool
state_fits(size_t size)
{
	return (size >= STATE_SIZE && size <= STATE_MOST &&
		(size - STATE_SIZE) % STATE_OWNER_SIZE == 0);
}

size_t
state_encode(const struct state *s, uint64_t id, uint8_t *record)
{
	uint8_t *p = record + 8;

	*p++ = (uint8_t)s->state;
	*p++ = s->rank;
	p = put_be16(p, s->flags);
	p = put_be32(p, s->delivery);
	p = put_be32(p, s->uncounted);
	p = put_be16(p, s->in_a_row);
	*p++ = s->settled;
	*p++ = 0;
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
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, id));
	return ((size_t)(p - record));
}

int
state_decode(const void *record, size_t size, uint64_t id, struct state *out)
{
	struct reader r = { record, (const uint8_t *)record + size, false };
	struct state s = { 0 };
	const uint8_t *group;
	uint8_t zero;
	uint64_t check = read_be64(&r);

	/* The size first: a damaged row may claim more than there is to read. */
	if (!state_fits(size) || check != hash_record(r.p, (size_t)(r.end - r.p), id))
		return (fail(Q_ECORRUPT, "state of message %llu is damaged (checksum)",
		    (unsigned long long)id));
	s.state = (enum q_state)read_8(&r);
	s.rank = read_8(&r);
	s.flags = read_be16(&r);
	s.delivery = read_be32(&r);
	s.uncounted = read_be32(&r);
	s.in_a_row = read_be16(&r);
	s.settled = read_8(&r);
	zero = read_8(&r);
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
	if (r.bad || r.p != r.end || s.state < Q_READY || s.state >= Q_STATES ||
	    (s.flags & ~ST_KNOWN) != 0 || s.uncounted > s.delivery || zero != 0 ||
	    s.rank > POLICY_RANK_MOST)
		return (fail(Q_ECORRUPT, "state of message %llu is damaged (layout)",
		    (unsigned long long)id));
	*out = s;
	return (0);
}
