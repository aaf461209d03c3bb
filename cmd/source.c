/* SPDX-License-Identifier: ISC */
/* Reading messages from a descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "json.h"
#include "now.h"
#include "stop.h"

#include "source.h"

enum {
	FIRST_READ = 64 << 10,
	READ_MOST = FEED_BYTES, /* buffered records; a longer one becomes a blob */
	MEMORY_MOST = 1 << 30,  /* of --atomic in all, or of one JSON object */
	PIPE_SIZE = 1 << 20,    /* asked for, so that a fast writer fills a batch */
	PAUSE_MS = 1,           /* input that makes us wait so long has paused */
};

struct input {
	struct feed *feed;
	int fd;
	const char *where;
	char *buf;
	size_t used, room;
	uint64_t records; /* complete ones, so far */
	bool ended;
};

_Noreturn static void
read_failed(const struct input *in)
{
	char why[256];

	(void)snprintf(why, sizeof(why), "cannot read: %s", strerror(errno));
	feed_refuse(
	    in->feed, DIAG_FAILED, in->where != NULL ? in->where : "stdin", why);
}

static void
grow(struct input *in, size_t room)
{
	char *p = realloc(in->buf, room);

	if (p == NULL)
		feed_refuse(in->feed, DIAG_FAILED, in->where, "out of memory");
	in->buf = p;
	in->room = room;
}

/* One read into the room there is. */
static void
fill(struct input *in)
{
	ssize_t n;

	do {
		if (stop_signal() != 0)
			feed_interrupted(in->feed);
		n = read(in->fd, in->buf + in->used, in->room - in->used);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		read_failed(in);
	in->used += (size_t)n;
	in->ended = n == 0;
}

static void
blob_try(struct input *in, int rc)
{
	if (rc != 0)
		feed_refuse(in->feed, diag_status(rc), in->where, feed_reason(rc));
}

static void
release_blob(void *blob)
{
	q_blob_free(blob);
}

static void
push_blob(struct input *in)
{
	struct q_push p = in->feed->model;

	p.blob = in->feed->blob;
	feed_own(in->feed, p.blob, release_blob);
	in->feed->blob = NULL;
	feed_add_push(in->feed, &p);
	feed_flush(in->feed);
}

void
source_whole(struct feed *f, int fd, const char *where)
{
	struct input in = { .feed = f, .fd = fd, .where = where };
	uint64_t most = q_option_info(Q_OPT_INLINE)->initial;

	if (f->q != NULL)
		blob_try(&in, q_blob_threshold(f->q, &most));
	grow(&in, FIRST_READ);
	while (!in.ended && in.used <= most) {
		if (in.used == in.room)
			grow(&in, in.room * 4 < most + FIRST_READ
				      ? in.room * 4
				      : (size_t)most + FIRST_READ);
		fill(&in);
	}
	if (in.ended) {
		feed_check_empty(f, in.used, where);
		feed_own(f, in.buf, free);
		feed_add(f, in.buf, in.used);
		if (feed_is_full(f))
			feed_flush(f);
		return;
	}
	blob_try(&in, q_blob_new(feed_queue(f), &f->blob));
	do {
		blob_try(&in, q_blob_write(f->blob, in.buf, in.used));
		in.used = 0;
		fill(&in);
	} while (!in.ended);
	push_blob(&in);
	free(in.buf);
}

static bool
paused(const struct input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	return (poll(&p, 1, PAUSE_MS) == 0);
}

/* What one record becomes: a body as it is, or a JSON object. */
typedef void record_fn(struct input *in, const char *data, size_t size);

static const char *
place(const struct input *in, char buf[64])
{
	(void)snprintf(buf, 64, "stdin line %llu", (unsigned long long)in->records);
	return (buf);
}

static void
plain_record(struct input *in, const char *data, size_t size)
{
	char buf[64];

	if (size == 0 && !in->feed->allow_empty)
		feed_check_empty(in->feed, size, place(in, buf));
	feed_add(in->feed, data, size);
}

static void
release_json(void *json)
{
	json_push_free(json);
	free(json);
}

static void
json_record(struct input *in, const char *data, size_t size)
{
	struct json_push *j = calloc(1, sizeof(*j));
	const char *why;
	char buf[64];

	if (j == NULL)
		feed_refuse(in->feed, DIAG_FAILED, in->where, "out of memory");
	j->push = in->feed->model;
	if ((why = json_parse(data, size, now_wall(), j)) != NULL)
		feed_refuse(in->feed, DIAG_USAGE, place(in, buf), why);
	feed_check_empty(in->feed, j->push.size, place(in, buf));
	feed_own(in->feed, j, release_json);
	feed_add_push(in->feed, &j->push);
}

/* The complete records in the buffer from start on; returns where the last one ends. */
static size_t
split(struct input *in, size_t start, char sep, record_fn *record)
{
	char *p = in->buf + start, *end = in->buf + in->used, *s;

	while ((s = memchr(p, sep, (size_t)(end - p))) != NULL) {
		in->records++;
		record(in, p, (size_t)(s - p));
		p = s + 1;
		if (in->feed->count >= FEED_COUNT && !in->feed->atomic)
			feed_flush(in->feed);
	}
	return ((size_t)(p - in->buf));
}

/* A record that does not fit the buffer, which holds its beginning: into a blob. */
static void
long_record(struct input *in, char sep)
{
	char *s = NULL;
	size_t n;

	blob_try(in, q_blob_new(feed_queue(in->feed), &in->feed->blob));
	while (s == NULL) {
		s = memchr(in->buf, sep, in->used);
		n = s != NULL ? (size_t)(s - in->buf) : in->used;
		blob_try(in, q_blob_write(in->feed->blob, in->buf, n));
		if (s != NULL)
			n++;
		memmove(in->buf, in->buf + n, in->used - n);
		in->used -= n;
		if (s == NULL) {
			fill(in);
			if (in->ended)
				break;
		}
	}
	in->records++;
	push_blob(in);
}

/* One read, into more room if there is none. */
static void
fill_more(struct input *in, const char *where, const char *too_much)
{
	if (in->used == in->room) {
		if (in->room >= MEMORY_MOST)
			feed_refuse(in->feed, DIAG_USAGE, where, too_much);
		grow(in, in->room * 2);
	}
	fill(in);
}

/* All of it before anything is stored. */
static void
slurp(struct input *in)
{
	while (!in->ended)
		fill_more(in, in->where, "the input of --atomic is over 1 GiB");
}

/* A JSON object that does not fit the buffer, which holds its beginning: it is no body,
 * and has to be parsed whole. */
static void
long_object(struct input *in)
{
	const struct input next = { .records = in->records + 1 };
	size_t seen = 0;
	char buf[64];

	while (!in->ended && memchr(in->buf + seen, '\n', in->used - seen) == NULL) {
		seen = in->used;
		fill_more(in, place(&next, buf), "the line is over 1 GiB");
	}
}

static void
read_records(struct feed *f, int fd, char sep, record_fn *record)
{
	struct input in = { .feed = f, .fd = fd };
	size_t start = 0;

	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	grow(&in, READ_MOST); /* address space: what is not read into is not touched */
	if (f->atomic)
		slurp(&in);
	while (!in.ended) {
		if (in.used < in.room) /* else it holds the end of a long object */
			fill(&in);
		start = split(&in, start, sep, record);
		if (in.ended || (in.used < in.room && !feed_is_full(f) && !paused(&in)))
			continue;
		feed_flush(f); /* bodies are in the buffer: first store, then move */
		memmove(in.buf, in.buf + start, in.used - start);
		in.used -= start;
		start = 0;
		if (in.used < in.room)
			continue;
		if (record == json_record)
			long_object(&in);
		else
			long_record(&in, sep);
	}
	start = split(&in, start, sep, record);
	if (in.used > start) {
		in.records++;
		record(&in, in.buf + start, in.used - start);
	}
	/* Bodies are in the buffer until they are stored. */
	feed_own(f, in.buf, free);
}

void
source_records(struct feed *f, int fd, char sep)
{
	read_records(f, fd, sep, plain_record);
}

void
source_json(struct feed *f, int fd)
{
	read_records(f, fd, '\n', json_record);
}
