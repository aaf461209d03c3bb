/* SPDX-License-Identifier: ISC */
/* Codec of the message record. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "policy.h"

#include "message.h"

enum { FIXED = 8 + 2 + 1 + 1 + 8 + 4 };

size_t
message_size(const struct message *m)
{
	size_t n = FIXED;

	if (m->flags & MSG_EXPIRES)
		n += 8;
	if (m->flags & MSG_ATTEMPTS)
		n += 4;
	if (m->flags & MSG_KEY)
		n += 2 + m->key_size;
	if (m->flags & MSG_GROUP)
		n += 2 + m->group_size;
	if (m->flags & MSG_HEADERS)
		n += 4 + m->headers_size;
	return (n + (m->flags & MSG_BLOB ? 16 : (size_t)m->size));
}

size_t
message_most(uint64_t body)
{
	return (FIXED + 8 + 4 + 2 * (2 + Q_MAX_KEY) + 4 + Q_MAX_HEADERS + 16 +
		(size_t)body);
}

static uint8_t *
put_text(uint8_t *p, const char *text, size_t size)
{
	return (put_bytes(put_be16(p, (uint16_t)size), text, size));
}

void
message_encode(const struct message *m, uint64_t id, uint8_t *record)
{
	uint8_t *p = record + 8;

	p = put_be16(p, m->flags);
	*p++ = m->rank;
	*p++ = 0;
	p = put_be64(p, (uint64_t)m->pushed);
	p = put_be32(p, m->uid);
	if (m->flags & MSG_EXPIRES)
		p = put_be64(p, (uint64_t)m->expires);
	if (m->flags & MSG_ATTEMPTS)
		p = put_be32(p, m->max_attempts);
	if (m->flags & MSG_KEY)
		p = put_text(p, m->key, m->key_size);
	if (m->flags & MSG_GROUP)
		p = put_text(p, m->group, m->group_size);
	if (m->flags & MSG_HEADERS) {
		p = put_be32(p, (uint32_t)m->headers_size);
		p = put_bytes(p, m->headers, m->headers_size);
	}
	if (m->flags & MSG_BLOB)
		p = put_be64(put_be64(p, m->size), m->blob_hash);
	else
		p = put_bytes(p, m->body, (size_t)m->size);
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, id));
}

/* A key or group: some bytes, none of them NUL. */
static void
read_text(struct reader *r, const char **text, size_t *size)
{
	*size = read_be16(r);
	*text = (const char *)read_bytes(r, *size);
	if (*text == NULL || *size == 0 || *size > Q_MAX_KEY ||
	    memchr(*text, '\0', *size) != NULL)
		r->bad = true;
}

int
message_decode(const void *record, size_t size, uint64_t id, struct message *out)
{
	struct reader r = { record, (const uint8_t *)record + size, false };
	struct message m = { 0 };
	uint8_t zero;
	uint64_t check = read_be64(&r);

	if (r.bad || check != hash_record(r.p, (size_t)(r.end - r.p), id))
		return (fail(Q_ECORRUPT, "message %llu is damaged (checksum)",
		    (unsigned long long)id));
	m.flags = read_be16(&r);
	m.rank = read_8(&r);
	zero = read_8(&r);
	m.pushed = (q_time)read_be64(&r);
	m.uid = read_be32(&r);
	if (m.flags & MSG_EXPIRES)
		m.expires = (q_time)read_be64(&r);
	if (m.flags & MSG_ATTEMPTS)
		m.max_attempts = read_be32(&r);
	if (m.flags & MSG_KEY)
		read_text(&r, &m.key, &m.key_size);
	if (m.flags & MSG_GROUP)
		read_text(&r, &m.group, &m.group_size);
	if (m.flags & MSG_HEADERS) {
		m.headers_size = read_be32(&r);
		m.headers = (const char *)read_bytes(&r, m.headers_size);
	}
	if (m.flags & MSG_BLOB) {
		m.size = read_be64(&r);
		m.blob_hash = read_be64(&r);
		r.bad |= r.p != r.end;
	} else {
		m.body = r.p;
		m.size = (uint64_t)(r.end - r.p);
	}
	if (r.bad || zero != 0 || m.rank > POLICY_RANK_MOST ||
	    (m.flags & ~MSG_KNOWN) != 0 ||
	    (m.headers_size > 0 &&
		message_check_headers(m.headers, m.headers_size) != 0))
		return (fail(Q_ECORRUPT, "message %llu is damaged (layout)",
		    (unsigned long long)id));
	*out = m;
	return (0);
}

static bool
name_char(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
}

int
message_check_headers(const char *headers, size_t size)
{
	const char *p = headers, *end = headers + size;

	if (size > Q_MAX_HEADERS)
		return (fail(Q_EINVAL, "headers of %zu bytes; the most is %d", size,
		    Q_MAX_HEADERS));
	while (p < end) {
		const char *name = p;

		while (p < end && name_char(*p))
			p++;
		if (p == name || p == end || *p != '=')
			return (fail(Q_EINVAL, "a header is NAME=VALUE, NAME of "
					       "letters, digits, '_', '-', '.'"));
		if ((p = memchr(p, '\0', (size_t)(end - p))) == NULL)
			return (fail(Q_EINVAL, "headers do not end with a NUL"));
		p++;
	}
	return (0);
}
