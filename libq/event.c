/* SPDX-License-Identifier: ISC */
/* Codecs of the failure and the done record. */
#include "bytes.h"
#include "error.h"
#include "hash.h"

#include "event.h"

/* The size first: a damaged row may claim more than there is to read. Of a record that
 * is always as large as the most, nothing is left then. */
static struct reader
checked(const void *record, size_t size, size_t most, uint64_t id)
{
	struct reader r = { record, (const uint8_t *)record + size, size > most };
	uint64_t check = read_be64(&r);

	if (!r.bad && check != hash_record(r.p, (size_t)(r.end - r.p), id))
		r.bad = true;
	return (r);
}

static int
damaged(const char *what, uint64_t id)
{
	return (fail(Q_ECORRUPT, "%s record of message %llu is damaged", what,
	    (unsigned long long)id));
}

static const char *const hows[Q_HOWS] = {
	[Q_HOW_SAID] = "said",
	[Q_HOW_LAPSED] = "lapsed",
	[Q_HOW_EXITED] = "exited",
	[Q_HOW_KILLED] = "killed",
	[Q_HOW_TIMEOUT] = "timeout",
	[Q_HOW_DAMAGED] = "damaged",
};

const char *
q_how_name(enum q_how how)
{
	return ((unsigned)how < Q_HOWS ? hows[how] : NULL);
}

size_t
failure_encode(const struct failure *f, uint64_t id, uint8_t record[FAILURE_MAX])
{
	const struct q_report *r = &f->report;
	uint8_t *p = put_be64(record + 8, (uint64_t)f->when);

	p = put_be32(p, f->pid);
	*p++ = (uint8_t)r->how;
	*p++ = 0;
	p = put_be16(p, (uint16_t)r->status);
	p = put_be64(p, (uint64_t)r->took);
	p = put_be64(p, (uint64_t)r->cpu);
	p = put_be64(p, r->memory);
	p = put_be16(p, (uint16_t)f->host_size);
	p = put_be16(p, (uint16_t)f->reason_size);
	p = put_be16(p, (uint16_t)r->output_size);
	p = put_be16(p, (uint16_t)r->command_size);
	p = put_bytes(p, r->host, f->host_size);
	p = put_bytes(p, f->reason, f->reason_size);
	p = put_bytes(p, r->output, r->output_size);
	p = put_bytes(p, r->command, r->command_size);
	(void)put_be64(record, hash_record(record + 8, (size_t)(p - record) - 8, id));
	return ((size_t)(p - record));
}

int
failure_decode(const void *record, size_t size, uint64_t id, struct failure *out)
{
	struct reader r = checked(record, size, FAILURE_MAX, id);
	struct failure f = { 0 };
	uint8_t zero;

	f.when = (q_time)read_be64(&r);
	f.pid = read_be32(&r);
	f.report.how = (enum q_how)read_8(&r);
	zero = read_8(&r);
	f.report.status = read_be16(&r);
	f.report.took = (q_time)read_be64(&r);
	f.report.cpu = (q_time)read_be64(&r);
	f.report.memory = read_be64(&r);
	f.host_size = read_be16(&r);
	f.reason_size = read_be16(&r);
	f.report.output_size = read_be16(&r);
	f.report.command_size = read_be16(&r);
	f.report.host = (const char *)read_bytes(&r, f.host_size);
	f.reason = (const char *)read_bytes(&r, f.reason_size);
	f.report.output = (const char *)read_bytes(&r, f.report.output_size);
	f.report.command = (const char *)read_bytes(&r, f.report.command_size);
	if (r.bad || r.p != r.end || zero != 0 || f.report.how >= Q_HOWS ||
	    f.host_size > FAILURE_HOST_MOST || f.reason_size > Q_MAX_REASON ||
	    f.report.output_size > Q_MAX_OUTPUT ||
	    f.report.command_size > Q_MAX_COMMAND)
		return (damaged("failure", id));
	*out = f;
	return (0);
}

void
done_encode(const struct done *d, uint64_t id, uint8_t record[DONE_SIZE])
{
	uint8_t *p = put_be32(record + 8, d->delivery);

	*p++ = d->verb;
	(void)put_be64(p, (uint64_t)d->when);
	(void)put_be64(record, hash_record(record + 8, DONE_SIZE - 8, id));
}

int
done_decode(const void *record, size_t size, uint64_t id, struct done *out)
{
	struct reader r = checked(record, size, DONE_SIZE, id);
	struct done d = { 0 };

	d.delivery = read_be32(&r);
	d.verb = read_8(&r);
	d.when = (q_time)read_be64(&r);
	if (r.bad)
		return (damaged("done", id));
	*out = d;
	return (0);
}

void
unique_encode(
    const struct unique *u, const uint8_t hash[16], uint8_t record[UNIQUE_SIZE])
{
	(void)put_be64(put_be64(record + 8, u->id), (uint64_t)u->until);
	(void)put_be64(
	    record, hash_record(record + 8, UNIQUE_SIZE - 8, get_be64(hash)));
}

int
unique_decode(const void *record, size_t size, const uint8_t hash[16], struct unique *u)
{
	struct reader r = checked(record, size, UNIQUE_SIZE, get_be64(hash));
	struct unique got;

	got.id = read_be64(&r);
	got.until = (q_time)read_be64(&r);
	if (r.bad)
		return (fail(Q_ECORRUPT, "the record of a key is damaged"));
	*u = got;
	return (0);
}
