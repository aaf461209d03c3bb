/* SPDX-License-Identifier: ISC */
/* Codecs of the meta records. */
#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "option.h"

#include "meta.h"

static const char *const keys[META_RECORDS] = {
	[META_REC_FORMAT] = "format",
	[META_REC_UUID] = "uuid",
	[META_REC_CONFIG] = "config",
	[META_REC_COUNTERS] = "counters",
	[META_REC_BOOT] = "boot",
	[META_REC_NEXT] = "next",
	[META_REC_PAUSE] = "pause",
};

const char *
meta_key(enum meta_record record)
{
	return (keys[record]);
}

static uint8_t *
put_list(uint8_t *p, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p = put_be64(p, values[i]);
	return (p);
}

uint64_t
meta_sum(const uint64_t checksums[META_RECORDS])
{
	uint8_t bytes[8 * META_RECORDS];

	(void)put_list(bytes, checksums, META_RECORDS);
	return (hash_record(bytes, sizeof(bytes), 0));
}

static bool
read_list(struct reader *r, uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n && r->p < r->end; i++)
		values[i] = read_be64(r);
	return (r->p < r->end);
}

static uint8_t *
put_rates(uint8_t *p, const struct rate rate[RATES])
{
	for (size_t i = 0; i < RATES; i++)
		p = put_be64(
		    put_be64(p, (uint64_t)rate[i].every), (uint64_t)rate[i].last);
	return (p);
}

/* A choice that there is not, which a newer program may have. */
static bool
unknown_choice(const struct meta *m)
{
	for (int i = 0; i < Q_OPTIONS; i++) {
		const struct q_option_info *info = q_option_info((enum q_option)i);

		if (info->kind == Q_CHOICE && m->option[i] > info->max)
			return (true);
	}
	return (false);
}

size_t
meta_encode(const struct meta *m, enum meta_record record, uint8_t out[META_MAX_SIZE])
{
	uint8_t *p = out + 8;

	switch (record) {
	case META_REC_FORMAT:
		p = put_be32(p, META_FORMAT);
		break;
	case META_REC_UUID:
		p = put_bytes(p, m->uuid, sizeof(m->uuid));
		break;
	case META_REC_CONFIG:
		p = put_list(p, m->option, Q_OPTIONS);
		break;
	case META_REC_COUNTERS:
		p = put_list(p, m->counter, COUNTERS);
		break;
	case META_REC_BOOT:
		p = put_bytes(p, m->boot.id, sizeof(m->boot.id));
		p = put_be32(p, m->boot.number);
		p = put_be64(p, m->boot.hold_inode);
		p = put_be64(p, (uint64_t)m->boot.hold_since);
		p = put_rates(p, m->boot.rate);
		break;
	case META_REC_NEXT:
		p = put_be64(p, m->next);
		break;
	case META_REC_PAUSE:
		p = put_be64(p, (uint64_t)m->paused_in);
		p = put_be64(p, (uint64_t)m->paused_out);
		break;
	case META_RECORDS:
		break;
	}
	(void)put_be64(out, hash_record(out + 8, (size_t)(p - out) - 8, record));
	return ((size_t)(p - out));
}

static void
read_boot(struct reader *r, struct boot *b)
{
	const uint8_t *id = read_bytes(r, sizeof(b->id));

	if (id != NULL)
		memcpy(b->id, id, sizeof(b->id));
	b->number = read_be32(r);
	b->hold_inode = read_be64(r);
	b->hold_since = (q_time)read_be64(r);
	for (size_t i = 0; i < RATES; i++) {
		b->rate[i].every = (q_time)read_be64(r);
		b->rate[i].last = (q_time)read_be64(r);
	}
}

int
meta_decode(struct meta *m, enum meta_record record, const void *data, size_t size)
{
	struct reader r = { data, (const uint8_t *)data + size, false };
	uint64_t check = read_be64(&r);
	const uint8_t *uuid;
	uint32_t format = META_FORMAT;
	bool newer = false;

	if (r.bad || check != hash_record(r.p, (size_t)(r.end - r.p), record))
		return (fail(Q_ECORRUPT, "meta record '%s' is damaged", keys[record]));
	switch (record) {
	case META_REC_FORMAT:
		format = read_be32(&r);
		newer = format > META_FORMAT;
		break;
	case META_REC_UUID:
		if ((uuid = read_bytes(&r, sizeof(m->uuid))) != NULL)
			memcpy(m->uuid, uuid, sizeof(m->uuid));
		break;
	case META_REC_CONFIG:
		option_defaults(m->option);
		newer = read_list(&r, m->option, Q_OPTIONS) || unknown_choice(m);
		break;
	case META_REC_COUNTERS:
		memset(m->counter, 0, sizeof(m->counter));
		m->counter[COUNT_AHEAD] = COUNT_UNKNOWN;
		newer = read_list(&r, m->counter, COUNTERS);
		break;
	case META_REC_BOOT:
		read_boot(&r, &m->boot);
		break;
	case META_REC_NEXT:
		m->next = read_be64(&r);
		break;
	case META_REC_PAUSE:
		m->paused_in = (q_time)read_be64(&r);
		m->paused_out = (q_time)read_be64(&r);
		break;
	case META_RECORDS:
		break;
	}
	if (newer && record == META_REC_FORMAT)
		return (fail(Q_EVERSION,
		    "format %u is newer than this program knows (%d); upgrade qutils",
		    format, META_FORMAT));
	if (newer)
		return (fail(Q_EVERSION,
		    "record '%s' is of a newer program; upgrade qutils", keys[record]));
	if (r.bad || r.p != r.end || format == 0)
		return (fail(Q_ECORRUPT, "meta record '%s' is damaged", keys[record]));
	return (0);
}
