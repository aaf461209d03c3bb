/* SPDX-License-Identifier: ISC */
/* Answers as bytes, and the rows that keep them. */
#include <stdio.h>

#include "batch.h"
#include "error.h"
#include "field.h"
#include "hash.h"

#include "answer.h"

static const struct field pushed_fields[] = {
	FIELD_NUMBER(struct pushed, stored),
	FIELD_NUMBER(struct pushed, code),
};

static const struct field settled_fields[] = {
	FIELD_NUMBER(struct q_settled, code),
	FIELD_FLAG(struct q_settled, again),
	FIELD_NUMBER(struct q_settled, late),
	FIELD_NUMBER(struct q_settled, state),
	FIELD_NUMBER(struct q_settled, due),
	FIELD_NUMBER(struct q_settled, attempt),
	FIELD_NUMBER(struct q_settled, max_attempts),
	FIELD_NUMBER(struct q_settled, holder),
	FIELD_NUMBER(struct q_settled, since),
	FIELD_NUMBER(struct q_settled, pid),
};

/* Known is of what is handed over, which is not sent. */
FIELD_SIZE(struct pushed, 16 + PUSHED_TEXT);
FIELD_SIZE(struct q_settled, 64);

static void
put_pushed(struct writer *w, const struct push *push, const struct pushed *p)
{
	write_fields(w, pushed_fields, FIELD_COUNT(pushed_fields), p);
	if (p->code != 0)
		write_text(w, p->text);
	for (size_t i = 0; i < p->stored; i++) {
		write_64(w, push->pushed[i].id);
		write_8(w, push->pushed[i].known);
	}
}

/* Which deliveries: their owner reads the messages himself. */
static void
put_taken(struct writer *w, const struct taken *t)
{
	write_64(w, t->damaged);
	write_64(w, (uint64_t)t->later);
	write_32(w, (uint32_t)t->code);
	if (t->code != 0)
		write_text(w, t->text);
	write_8(w, (uint8_t)t->batch->count);
	for (size_t i = 0; i < t->batch->count; i++) {
		write_64(w, t->batch->msg[i].id);
		write_32(w, t->batch->msg[i].delivery);
	}
}

size_t
answer_put_results(const struct request *requests, const struct result *results,
    size_t n, uint8_t out[ANSWER_MAX])
{
	struct writer w = { out, out + ANSWER_MAX, false };

	write_8(&w, ANSWER_RESULTS);
	for (size_t i = 0; i < n; i++)
		if (requests[i].op == OP_PUSH)
			put_pushed(&w, &requests[i].push, &results[i].pushed);
		else if (requests[i].op == OP_TAKE)
			put_taken(&w, &results[i].taken);
		else
			write_fields(&w, settled_fields, FIELD_COUNT(settled_fields),
			    &results[i].settled);
	return ((size_t)(w.p - out));
}

size_t
answer_put_alone(uint8_t out[ANSWER_MAX])
{
	out[0] = ANSWER_ALONE;
	return (1);
}

size_t
answer_put_failed(int code, uint8_t out[ANSWER_MAX])
{
	struct writer w = { out, out + ANSWER_MAX, false };

	write_8(&w, ANSWER_FAILED);
	write_32(&w, (uint32_t)code);
	write_text(&w, q_errmsg());
	return ((size_t)(w.p - out));
}

/* The sentence comes from another process: no more of it than of one of ours. */
static int
get_failure(struct reader *r, int code)
{
	const char *text = read_text(r);

	r->bad |= code >= 0 || code <= -Q_CODES;
	return (r->bad ? 0 : fail(code, "%.500s", text));
}

static void
get_pushed(struct reader *r, const struct push *push, struct pushed *p)
{
	*p = (struct pushed){ 0 };
	read_fields(r, pushed_fields, FIELD_COUNT(pushed_fields), p);
	r->bad |= p->stored > push->n || (p->code == 0 && p->stored < push->n);
	if (p->code != 0 && get_failure(r, p->code) != 0)
		(void)snprintf(p->text, sizeof(p->text), "%s", q_errmsg());
	for (size_t i = 0; i < p->stored && !r->bad; i++) {
		struct q_pushed one;

		one.id = read_be64(r);
		one.known = read_8(r) != 0;
		if (push->pushed != NULL)
			push->pushed[i] = one;
	}
}

static void
get_settled(struct reader *r, struct q_settled *s)
{
	*s = (struct q_settled){ 0 };
	read_fields(r, settled_fields, FIELD_COUNT(settled_fields), s);
	r->bad |= s->code > 0 || s->code <= -Q_CODES || (unsigned)s->state >= Q_STATES;
}

static void
get_taken(struct reader *r, const struct q_take *how, struct taken *t)
{
	size_t most = how->n != 0 ? how->n : 1, n;

	t->damaged = read_be64(r);
	t->later = (q_time)read_be64(r);
	r->bad |= t->later < 0;
	t->code = (int)read_be32(r);
	if (t->code != 0 && get_failure(r, t->code) != 0)
		(void)snprintf(t->text, sizeof(t->text), "%s", q_errmsg());
	n = read_8(r);
	r->bad |= n > most;
	batch_cut(t->batch, 0);
	for (size_t i = 0; i < n && !r->bad; i++) {
		uint64_t id = read_be64(r);

		r->bad |= batch_add_stub(t->batch, id, read_be32(r)) != 0;
	}
}

static void
get_result(struct reader *r, const struct request *request, struct result *result)
{
	struct q_settled one;

	if (request->op == OP_PUSH)
		get_pushed(r, &request->push, &result->pushed);
	else if (request->op == OP_SETTLE)
		get_settled(r, &result->settled);
	else if (request->op == OP_TAKE)
		get_taken(r, request->take.how, &result->taken);
	else
		for (size_t i = 0; i < request->part.n && !r->bad; i++) {
			get_settled(r, &one);
			if (one.code == Q_ECORRUPT)
				result->settled.code = Q_ECORRUPT;
		}
}

int
answer_get(const uint8_t *data, size_t size, const struct request *requests,
    struct result *results, size_t n, enum answer *answer, int *code)
{
	struct reader r = { data, data + size, false };

	*code = 0;
	*answer = (enum answer)read_8(&r);
	if (*answer == ANSWER_RESULTS)
		for (size_t i = 0; i < n && !r.bad; i++)
			get_result(&r, &requests[i], &results[i]);
	else if (*answer == ANSWER_FAILED)
		*code = get_failure(&r, (int)read_be32(&r));
	else
		r.bad |= *answer != ANSWER_ALONE;
	return (r.bad || r.p != r.end ? fail(Q_EINVAL, "not an answer") : 0);
}

size_t
answered_encode(const struct answered *a, unsigned slot, uint8_t record[ANSWERED_MAX])
{
	uint8_t *p = put_be64(record + 8, a->ticket);

	p = put_bytes(put_be64(p, (uint64_t)a->when), a->data, a->size);
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, slot));
	return ((size_t)(p - record));
}

int
answered_decode(const void *record, size_t size, unsigned slot, struct answered *a)
{
	struct reader r = { record, (const uint8_t *)record + size, false };
	uint64_t check = read_be64(&r);

	if (r.bad || check != hash_record(r.p, (size_t)(r.end - r.p), slot))
		return (fail(Q_ECORRUPT, "a row of slot %u is damaged", slot));
	a->ticket = read_be64(&r);
	a->when = (q_time)read_be64(&r);
	a->data = r.p;
	a->size = (size_t)(r.end - r.p);
	return (r.bad || a->size > ANSWER_MAX
		    ? fail(Q_ECORRUPT, "a row of slot %u is damaged", slot)
		    : 0);
}
