/* SPDX-License-Identifier: ISC */
/* The log of a queue: codec, adding to it, and forgetting what is old. */
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"

#include "log.h"

/* Rows that go with each commit, beside two for each that came. */
enum { TRIM_LEAST = 64 };

size_t
log_encode(const struct q_event *e, uint64_t number, uint8_t record[LOG_MOST])
{
	size_t command = strlen(e->command), detail = strlen(e->detail);
	uint8_t *p = record + 8;

	*p++ = (uint8_t)e->kind;
	p = put_be32(p, e->attempt);
	p = put_be32(p, (uint32_t)e->uid);
	p = put_be32(p, (uint32_t)e->pid);
	p = put_be64(p, e->id);
	p = put_be64(p, (uint64_t)e->when);
	p = put_be64(p, (uint64_t)e->due);
	*p++ = (uint8_t)command;
	*p++ = (uint8_t)detail;
	p = put_bytes(p, e->command, command);
	p = put_bytes(p, e->detail, detail);
	(void)put_be64(
	    record, hash_record(record + 8, (size_t)(p - record) - 8, number));
	return ((size_t)(p - record));
}

/* A text without a NUL in it. */
static void
read_string(struct reader *r, size_t size, size_t room, char *text)
{
	const uint8_t *s = read_bytes(r, size);

	r->bad = r->bad || size >= room || memchr(s, 0, size) != NULL;
	if (!r->bad)
		memcpy(text, s, size);
}

int
log_decode(const void *record, size_t size, uint64_t number, struct q_event *out)
{
	struct reader r = { record, (const uint8_t *)record + size, size > LOG_MOST };
	uint64_t check = read_be64(&r);
	struct q_event e = { 0 };
	size_t command, detail;

	if (!r.bad && check != hash_record(r.p, (size_t)(r.end - r.p), number))
		r.bad = true;
	e.kind = (enum q_event_kind)read_8(&r);
	e.attempt = read_be32(&r);
	e.uid = read_be32(&r);
	e.pid = (pid_t)read_be32(&r);
	e.id = read_be64(&r);
	e.when = (q_time)read_be64(&r);
	e.due = (q_time)read_be64(&r);
	command = read_8(&r);
	detail = read_8(&r);
	read_string(&r, command, sizeof(e.command), e.command);
	read_string(&r, detail, sizeof(e.detail), e.detail);
	if (r.bad || r.p != r.end || q_event_name(e.kind) == NULL)
		return (fail(Q_ECORRUPT, "a row of the log is damaged"));
	*out = e;
	return (0);
}

bool
log_wanted(const struct txn *t)
{
	return (t->meta.option[Q_OPT_LOG] != 0);
}

/* After which row the first of the transaction comes. */
static int
find_last(struct txn *t)
{
	struct span key, v;
	int rc = txn_last(t, T_LOG, &key, &v);

	t->log_time = 0;
	t->log_number = 0;
	if (rc == 0 && key.size == 16) {
		t->log_time = get_be64(key.data);
		t->log_number = get_be64((const uint8_t *)key.data + 8);
	}
	if (t->log_time < (uint64_t)t->now.wall)
		t->log_time = (uint64_t)t->now.wall;
	return (rc == STORE_NONE ? 0 : rc);
}

void
log_add(struct txn *t, const struct q_event *e)
{
	uint8_t record[LOG_MOST];
	struct key k;
	size_t size;

	if (t->log_code == 0 && t->logged == 0)
		t->log_code = find_last(t);
	if (t->log_code != 0)
		return;
	t->logged++;
	k = key_time(t->log_time, ++t->log_number);
	size = log_encode(e, t->log_number, record);
	t->log_code = txn_append(t, T_LOG, key_span(&k), (struct span){ record, size });
}

int
log_finish(struct txn *t)
{
	q_time keep = (q_time)t->meta.option[Q_OPT_LOG];
	q_time oldest = t->now.wall > keep ? t->now.wall - keep : 0;
	struct span key, v;
	int rc = t->log_code;

	for (uint64_t i = 0; i < TRIM_LEAST + 2 * t->logged && rc == 0; i++) {
		/* The last one stays: its number goes on, and who reads knows that
		 * nothing is missing. */
		if (txn_entries(t, T_LOG) <= (keep != 0 ? 1 : 0))
			break;
		if ((rc = txn_first(t, T_LOG, &key, &v)) != 0)
			break;
		if (keep != 0 && key.size == 16 &&
		    get_be64(key.data) >= (uint64_t)oldest)
			break;
		rc = txn_drop(t, T_LOG);
	}
	return (rc == STORE_NONE ? 0 : rc);
}
