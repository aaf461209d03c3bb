/* SPDX-License-Identifier: ISC */
/* Requests as bytes. */
#include <string.h>

#include "batch.h"
#include "error.h"
#include "field.h"

#include "wire.h"

static const struct field push_fields[] = {
	FIELD_SPAN(struct q_push, body, size),
	FIELD_NUMBER(struct q_push, delay),
	FIELD_NUMBER(struct q_push, due),
	FIELD_NUMBER(struct q_push, ttl),
	FIELD_NUMBER(struct q_push, priority),
	FIELD_NUMBER(struct q_push, max_attempts),
	FIELD_SPAN(struct q_push, headers, headers_size),
	FIELD_STRING(struct q_push, key),
	FIELD_STRING(struct q_push, group),
	FIELD_FLAG(struct q_push, result),
};

static const struct field settle_fields[] = {
	FIELD_NUMBER(struct q_settle, verb),
	FIELD_NUMBER(struct q_settle, delay),
	FIELD_FLAG(struct q_settle, has_delay),
	FIELD_NUMBER(struct q_settle, lease),
	FIELD_STRING(struct q_settle, reason),
	FIELD_FLAG(struct q_settle, strict),
	FIELD_FLAG(struct q_settle, backoff),
	FIELD_NUMBER(struct q_settle, backoff_base),
	FIELD_NUMBER(struct q_settle, backoff_max),
	FIELD_FLAG(struct q_settle, counted),
};

static const struct field report_fields[] = {
	FIELD_NUMBER(struct q_report, how),
	FIELD_NUMBER(struct q_report, status),
	FIELD_NUMBER(struct q_report, took),
	FIELD_NUMBER(struct q_report, cpu),
	FIELD_NUMBER(struct q_report, memory),
	FIELD_STRING(struct q_report, host),
	FIELD_SPAN(struct q_report, output, output_size),
	FIELD_SPAN(struct q_report, command, command_size),
};

/* Without where to put results, and what is of a worker's stock. */
static const struct field take_fields[] = {
	FIELD_NUMBER(struct q_take, n),
	FIELD_NUMBER(struct q_take, bytes),
	FIELD_NUMBER(struct q_take, lease),
	FIELD_NUMBER(struct q_take, id),
	FIELD_NUMBER(struct q_take, owner),
	FIELD_STRING(struct q_take, group),
	FIELD_NUMBER(struct q_take, every),
};

FIELD_SIZE(struct q_push, 96);
FIELD_SIZE(struct q_take, 104);
FIELD_SIZE(struct q_settle, 80); /* and an output, which is not sent */
FIELD_SIZE(struct q_report, 72);

static void
put_push(struct writer *w, const struct push *p)
{
	/* What is handed over has to be looked up by its origin, too. */
	w->bad |= p->n > WIRE_MESSAGES || p->origin != NULL || p->over_count > 0 ||
	          p->each != NULL || p->as != NULL; /* so is what replaces another */
	write_32(w, p->flags);
	write_8(w, (uint8_t)p->n);
	for (size_t i = 0; i < p->n && !w->bad; i++) {
		w->bad |= p->messages[i].blob != NULL;
		write_fields(w, push_fields, FIELD_COUNT(push_fields), &p->messages[i]);
	}
}

static void
put_settle(
    struct writer *w, const struct q_settle *how, const struct q_receipt *r, bool ours)
{
	w->bad |= how->output != NULL;
	write_8(w, OP_SETTLE);
	write_64(w, r->id);
	write_32(w, r->delivery);
	write_32(w, r->check);
	write_8(w, (uint8_t)((ours ? 1 : 0) | (how->report != NULL ? 2 : 0)));
	write_fields(w, settle_fields, FIELD_COUNT(settle_fields), how);
	if (how->report != NULL)
		write_fields(w, report_fields, FIELD_COUNT(report_fields), how->report);
}

/* A wait needs to know what falls due. */
static bool
can_be_sent(const struct q_take *how)
{
	return (how->wait == 0 && how->ahead == 0 && how->n <= WIRE_TAKEN);
}

/* How many requests this one is in a parcel; 0: it cannot be in one. */
static size_t
weight(const struct request *r)
{
	switch (r->op) {
	case OP_PUSH:
	case OP_SETTLE:
		return (1);
	case OP_ACK_BATCH:
		return (r->part.n);
	case OP_TAKE:
		return (can_be_sent(r->take.how) ? 1 : 0);
	default:
		return (0);
	}
}

static void
put_request(struct writer *w, const struct request *r)
{
	if (r->op == OP_PUSH) {
		write_8(w, OP_PUSH);
		put_push(w, &r->push);
	} else if (r->op == OP_SETTLE) {
		put_settle(w, r->settle.how, &r->settle.receipt, r->settle.ours);
	} else if (r->op == OP_TAKE) {
		write_8(w, OP_TAKE);
		write_64(w, r->take.owner_start);
		write_64(w, r->take.owner_ns);
		write_fields(w, take_fields, FIELD_COUNT(take_fields), r->take.how);
	} else {
		for (size_t i = 0; i < r->part.n && !w->bad; i++)
			put_settle(w, r->part.how,
			    &r->part.batch->msg[r->part.first + i].receipt, true);
	}
}

static void
put_sender(struct writer *w, const struct sender *s)
{
	size_t length = strnlen(s->command, Q_EVENT_COMMAND - 1);

	write_32(w, s->uid);
	write_32(w, s->pid);
	write_64(w, s->start);
	write_64(w, s->ns);
	write_8(w, (uint8_t)length);
	for (size_t i = 0; i < length; i++)
		write_8(w, (uint8_t)s->command[i]);
}

size_t
wire_put_parcel(const struct request *requests, size_t n, const struct sender *sender,
    uint8_t out[CTL_PAYLOAD])
{
	struct writer w = { out, out + CTL_PAYLOAD, false };
	size_t total = 0, pushes = 0, takes = 0;

	for (size_t i = 0; i < n; i++) {
		size_t more = weight(&requests[i]);

		pushes += requests[i].op == OP_PUSH;
		takes += requests[i].op == OP_TAKE;
		if (more == 0 || more > WIRE_REQUESTS ||
		    (total += more) > WIRE_REQUESTS || pushes > 1 || takes > 1)
			return (0);
	}
	put_sender(&w, sender);
	write_8(&w, (uint8_t)total);
	for (size_t i = 0; i < n; i++)
		put_request(&w, &requests[i]);
	return (w.bad || total == 0 ? 0 : (size_t)(w.p - out));
}

static void
get_push(struct reader *r, struct parcel *p, struct push *push)
{
	push->flags = read_be32(r);
	push->n = read_8(r);
	push->messages = p->message;
	push->pushed = p->pushed;
	r->bad |= push->n > WIRE_MESSAGES;
	for (size_t i = 0; i < push->n && !r->bad; i++) {
		p->message[i] = (struct q_push){ 0 };
		read_fields(r, push_fields, FIELD_COUNT(push_fields), &p->message[i]);
	}
	r->bad = r->bad || push_check(p->message, push->n) != 0;
}

static void
get_settle(struct reader *r, struct q_settle *how, struct q_report *report,
    struct settle *settle)
{
	uint8_t flags;

	settle->receipt.id = read_be64(r);
	settle->receipt.delivery = read_be32(r);
	settle->receipt.check = read_be32(r);
	flags = read_8(r);
	r->bad |= flags > 3;
	settle->ours = flags & 1;
	*how = (struct q_settle){ 0 };
	read_fields(r, settle_fields, FIELD_COUNT(settle_fields), how);
	if (flags & 2) {
		*report = (struct q_report){ 0 };
		read_fields(r, report_fields, FIELD_COUNT(report_fields), report);
		r->bad |= (unsigned)report->how >= Q_HOWS;
		how->report = report;
	}
	settle->how = how;
	r->bad = r->bad || settle_check(how, 1) != 0;
}

static void
get_take(struct reader *r, const struct sender *sender, struct q_take *how,
    struct take *take)
{
	take->owner_start = read_be64(r);
	take->owner_ns = read_be64(r);
	*how = (struct q_take){ 0 };
	read_fields(r, take_fields, FIELD_COUNT(take_fields), how);
	take->how = how;
	r->bad |=
	    !can_be_sent(how) || how->lease < 0 || how->owner < 0 || how->every < 0;
	take->handed = how->lease == 0;
	if (!take->handed)
		return;
	r->bad |= how->owner != 0;
	take->owner_start = sender->start;
	take->owner_ns = sender->ns;
}

static void
get_command(struct reader *r, char command[Q_EVENT_COMMAND])
{
	size_t length = read_8(r);
	const uint8_t *name = read_bytes(r, length);

	memset(command, 0, Q_EVENT_COMMAND);
	r->bad = r->bad || length >= Q_EVENT_COMMAND || memchr(name, 0, length) != NULL;
	if (!r->bad)
		memcpy(command, name, length);
}

int
wire_get_parcel(const uint8_t *data, size_t size, struct parcel *p)
{
	struct reader r = { data, data + size, false };
	size_t pushes = 0, takes = 0;

	p->sender.uid = read_be32(&r);
	p->sender.pid = read_be32(&r);
	p->sender.start = read_be64(&r);
	p->sender.ns = read_be64(&r);
	get_command(&r, p->sender.command);
	p->n = read_8(&r);
	r.bad |= p->n == 0 || p->n > WIRE_REQUESTS;
	for (size_t i = 0; i < p->n && !r.bad; i++) {
		struct request *q = &p->request[i];

		*q = (struct request){ .op = (enum op)read_8(&r) };
		if (q->op == OP_PUSH && pushes++ == 0)
			get_push(&r, p, &q->push);
		else if (q->op == OP_SETTLE)
			get_settle(&r, &p->how[i], &p->report[i], &q->settle);
		else if (q->op == OP_TAKE && takes++ == 0)
			get_take(&r, &p->sender, &p->take, &q->take);
		else
			r.bad = true;
	}
	return (r.bad || r.p != r.end ? fail(Q_EINVAL, "not a request") : 0);
}
