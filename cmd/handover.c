/* SPDX-License-Identifier: ISC */
/* Handing output over to the next queue. */
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "output.h"
#include "queue.h"

#include "handover.h"

enum { ROOM_MIN = 64, LINES_MIN = 64 };

static void
uuid_of(struct q *q, const char *name, uint8_t uuid[16])
{
	struct q_stat st;
	int rc = q_stat(q, &st);

	if (rc != 0)
		exit(queue_fail(name, rc));
	memcpy(uuid, st.uuid, sizeof(st.uuid));
}

void
handover_open(struct handover *h, const char *name, bool lines, struct q *from)
{
	uint8_t uuid[16];

	*h = (struct handover){ .name = name, .lines = lines };
	h->q = queue_open(name, NULL);
	q_lock_wait(h->q, Q_SECOND); /* the worker has other things to do */
	uuid_of(from, name, h->from);
	uuid_of(h->q, name, uuid);
	if (memcmp(uuid, h->from, sizeof(uuid)) == 0)
		diag_usage("--to: '%s' is the queue itself", name);
}

void
handover_close(struct handover *h)
{
	bool known;

	/* What is not forgotten now is so in time. */
	if (h->over_count > 0)
		(void)q_hand_over(h->q, NULL, 0, NULL, &known, h->over, h->over_count);
	q_close(h->q);
	free(h->over);
	*h = (struct handover){ 0 };
}

static struct q_origin
origin_of(const struct handover *h, const struct q_msg *m)
{
	struct q_origin origin = { .id = m->id, .pushed = m->pushed };

	memcpy(origin.queue, h->from, sizeof(origin.queue));
	return (origin);
}

void
handover_done(struct handover *h, const struct q_msg *m)
{
	size_t room = h->over_room == 0 ? (size_t)ROOM_MIN : 2 * h->over_room;
	struct q_origin *p;

	/* Who had it before, and it was released, may be at work on it yet: when he
	 * ends, his output has to be found there. */
	if (m->delivery > 1)
		return;
	if (h->over_count == h->over_room) {
		if ((p = reallocarray(h->over, room, sizeof(*p))) == NULL)
			return; /* it is forgotten in time */
		h->over = p;
		h->over_room = room;
	}
	h->over[h->over_count++] = origin_of(h, m);
}

static struct q_push
model(const struct q_msg *m, const char *body, size_t size)
{
	return ((struct q_push){ .body = body,
	    .size = size,
	    .priority = m->priority,
	    .headers = m->headers,
	    .headers_size = m->headers_size });
}

/* A push for each line that is not empty. NULL: out of memory. */
static struct q_push *
split(const struct q_msg *m, const char *data, size_t size, size_t *n)
{
	const char *p = data, *end = data + size, *s;
	struct q_push *list = NULL, *more;
	size_t room = 0;

	for (*n = 0; p < end; p = s + 1) {
		if ((s = memchr(p, '\n', (size_t)(end - p))) == NULL)
			s = end;
		if (*n == room) {
			room = room == 0 ? (size_t)LINES_MIN : 2 * room;
			if ((more = reallocarray(list, room, sizeof(*more))) == NULL) {
				free(list);
				return (NULL);
			}
			list = more;
		}
		if (s > p)
			list[(*n)++] = model(m, p, (size_t)(s - p));
		if (s == end)
			break;
	}
	return (list);
}

int
handover_push(struct handover *h, const struct q_msg *m, int fd)
{
	struct q_origin origin = origin_of(h, m);
	struct q_push whole, *list = &whole;
	struct output out = { 0 };
	size_t n = 1;
	bool known;
	int rc;

	/* Lines are all in memory: they are pushed at once. */
	if ((rc = output_read(h->q, fd, h->lines ? NULL : q_blob_new, &out)) != 0)
		return (rc);
	whole = model(m, out.keep.data, out.keep.size);
	whole.blob = out.keep.blob;
	if (out.keep.size == 0 && out.keep.blob == NULL)
		goto out;
	if (h->lines)
		list = split(m, out.keep.data, out.keep.size, &n);
	rc = list == NULL
	         ? Q_ENOMEM
	         : q_hand_over(h->q, list, n, &origin, &known, h->over, h->over_count);
	if (rc == 0)
		h->over_count = 0;
out:
	if (list != &whole)
		free(list);
	output_free(&out);
	return (rc);
}
