/* SPDX-License-Identifier: ISC */
/* Codec of the outcome record. */
#include "bytes.h"
#include "error.h"
#include "hash.h"

#include "outcome.h"

enum { FIXED = 8 + 8 + 8 + 1 + 1 + 1 + 1 + 2 + 2 };

size_t
outcome_size(const struct outcome *o)
{
	return (FIXED + o->reason_size + (o->flags & OUT_BLOB ? 16 : (size_t)o->size));
}

void
outcome_encode(const struct outcome *o, uint64_t id, uint8_t *record)
{
	uint8_t *p =
	    put_be64(put_be64(record + 8, (uint64_t)o->when), (uint64_t)o->until);

	*p++ = o->state;
	*p++ = o->flags;
	*p++ = (uint8_t)o->how;
	*p++ = 0;
	p = put_be16(p, o->status);
	p = put_be16(p, (uint16_t)o->reason_size);
	p = put_bytes(p, o->reason, o->reason_size);
	if (o->flags & OUT_BLOB)
		p = put_be64(put_be64(p, o->size), o->hash);
	else
		p = put_bytes(p, o->output, (size_t)o->size);
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, id));
}

int
outcome_decode(const void *record, size_t size, uint64_t id, struct outcome *out)
{
	struct reader r = { record, (const uint8_t *)record + size, false };
	struct outcome o = { 0 };
	uint64_t check = read_be64(&r);
	uint8_t zero;

	r.bad |= check != hash_record(r.p, (size_t)(r.end - r.p), id);
	o.when = (q_time)read_be64(&r);
	o.until = (q_time)read_be64(&r);
	o.state = read_8(&r);
	o.flags = read_8(&r);
	o.how = (enum q_how)read_8(&r);
	zero = read_8(&r);
	o.status = read_be16(&r);
	o.reason_size = read_be16(&r);
	o.reason = (const char *)read_bytes(&r, o.reason_size);
	if (o.flags & OUT_BLOB) {
		o.size = read_be64(&r);
		o.hash = read_be64(&r);
		r.bad |= r.p != r.end;
	} else {
		o.output = r.p;
		o.size = (uint64_t)(r.end - r.p);
	}
	if (r.bad || zero != 0 || (o.state != 0 && o.state != Q_DEAD) ||
	    (o.flags & ~OUT_KNOWN) != 0 || o.how >= Q_HOWS ||
	    o.reason_size > Q_MAX_REASON)
		return (fail(Q_ECORRUPT, "the result of message %llu is damaged",
		    (unsigned long long)id));
	*out = o;
	return (0);
}
