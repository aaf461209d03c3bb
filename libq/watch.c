/* SPDX-License-Identifier: ISC */
/* A place in what happens to a queue: events one after the other, as they come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "error.h"
#include "log.h"
#include "queue.h"
#include "ring.h"

enum {
	READ_MOST = 256, /* rows of the log at once */
	LOG_KEY = 16,    /* bytes of the key of a row */
};

/* A place in the log. */
struct reading {
	struct key last; /* of the row that was read last; its size is 0: none was */
	uint64_t time;   /* else, that to begin with */
	bool any;        /* one could be read: */
	uint64_t number; /* that of the newest, and of those damaged since */
	int code;        /* what comes after those that were read */
	size_t at, count;
	struct q_event event[READ_MOST]; /* read, and not given yet */
};

struct q_events {
	struct q *q;
	struct reading *log;        /* or NULL: what follows is used */
	const struct ctl_file *map; /* to read only, on a descriptor of its own */
	int fd;
	uint64_t next;   /* number of the event to come */
	uint64_t missed; /* before that; UINT64_MAX: nobody knows */
};

static void
detach(struct q_events *e)
{
	if (e->map != NULL) {
		(void)munmap((void *)(uintptr_t)e->map, CTL_SIZE);
		(void)close(e->fd);
	}
	e->map = NULL;
}

static int
attach(struct q_events *e)
{
	errno = 0;
	if (ctl_map_to_read(e->q, &e->map, &e->fd))
		return (0);
	e->map = NULL;
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return (fail_sys("ctl"));
	return (fail(Q_EACCES, "its events cannot be seen: there is no file ctl, which "
			       "only who may write to the queue can make"));
}

int
q_events_open(struct q *q, struct q_events **out)
{
	struct q_events *e = calloc(1, sizeof(*e));
	int rc;

	if (e == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	e->q = q;
	if ((rc = attach(e)) != 0) {
		free(e);
		return (rc);
	}
	e->next = atomic_load(&e->map->last_event) + 1;
	*out = e;
	return (0);
}

/* Whether there is a log: one that is not kept any more is there until it is gone. */
static int
check_log(struct q *q)
{
	struct txn t;
	bool none;
	int rc;

	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	none = t.meta.option[Q_OPT_LOG] == 0 && txn_entries(&t, T_LOG) == 0;
	txn_abort(&t);
	return (none ? fail(Q_ENOTSUP, "it keeps no log; set its option log, to 7d for "
				       "instance")
		     : 0);
}

int
q_events_since(struct q *q, q_time since, struct q_events **out)
{
	struct q_events *e;
	int rc;

	if (since < 0)
		return (fail(Q_EINVAL, "a time is negative"));
	if ((rc = check_log(q)) != 0)
		return (rc);
	if ((e = calloc(1, sizeof(*e))) == NULL ||
	    (e->log = calloc(1, sizeof(*e->log))) == NULL) {
		free(e);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	e->q = q;
	e->log->time = (uint64_t)since;
	*out = e;
	return (0);
}

void
q_events_close(struct q_events *e)
{
	if (e != NULL) {
		free(e->log);
		detach(e);
	}
	free(e);
}

static void
miss(struct q_events *e, uint64_t n)
{
	e->missed = n > UINT64_MAX - e->missed ? UINT64_MAX : e->missed + n;
}

/* False: there is none yet. */
static bool
read_next(struct q_events *e, struct q_event *event)
{
	uint64_t last = atomic_load(&e->map->last_event), ahead = last - e->next + 1;

	/* Numbers go round; what lies far ahead is behind us. */
	if (ahead > UINT64_MAX / 2) {
		e->missed = UINT64_MAX;
		e->next = last + 1;
		return (false);
	}
	if (ahead > CTL_EVENTS) {
		miss(e, ahead - CTL_EVENTS);
		e->next += ahead - CTL_EVENTS;
	}
	for (; e->next != last + 1; e->next++) {
		if (!ring_read(e->map, e->next, event)) {
			miss(e, 1);
			continue;
		}
		e->next++;
		event->missed = e->missed;
		e->missed = 0;
		return (true);
	}
	return (false);
}

/* Where a row is, also if its key is not of the size it should be. */
static struct key
place_of(struct span key)
{
	struct key k = { .size = LOG_KEY };

	memcpy(k.b, key.data, key.size < LOG_KEY ? key.size : (size_t)LOG_KEY);
	return (k);
}

/* One row. What was trimmed before it could be read is missed. */
static void
take_row(struct reading *r, struct span key, struct span value)
{
	struct q_event *e = &r->event[r->count++];
	uint64_t number;

	r->last = place_of(key);
	number = get_be64(r->last.b + 8);
	if (key.size != LOG_KEY || log_decode(value.data, value.size, number, e) != 0) {
		*e = (struct q_event){ .damaged = true };
		r->number++;
		return;
	}
	if (r->any && number != r->number + 1)
		e->missed = number > r->number ? number - r->number - 1 : UINT64_MAX;
	r->any = true;
	r->number = number;
}

/* Where a row comes, beside the one that was read last: the sign says it. */
static int
order_of(const struct reading *r, struct span key)
{
	struct key k = place_of(key);

	return (r->last.size == 0 ? 1 : memcmp(k.b, r->last.b, LOG_KEY));
}

/* What follows. Rows that go back are of pages that are damaged, perhaps in a ring. */
static int
read_rows(struct txn *t, struct reading *r)
{
	struct key from = r->last.size != 0 ? r->last : key_time(r->time, 0);
	struct span key = key_span(&from), v;
	int again = 0, rc;

	for (rc = txn_seek(t, T_LOG, &key, &v); rc == 0 && r->count < READ_MOST;
	     rc = txn_next(t, T_LOG, &key, &v)) {
		int order = order_of(r, key);

		if (order < 0 || (order == 0 && again++ == READ_MOST))
			return (Q_ECORRUPT);
		if (order > 0)
			take_row(r, key, v);
	}
	return (rc == STORE_BROKEN ? Q_ECORRUPT : rc == STORE_NONE ? 0 : rc);
}

static int
read_log(struct q_events *e)
{
	struct reading *r = e->log;
	struct txn t;
	int rc;

	if ((rc = txn_begin(e->q, &t)) != 0)
		return (rc);
	r->at = r->count = 0;
	r->code = read_rows(&t, r);
	txn_abort(&t);
	return (0);
}

static int
next_logged(struct q_events *e, struct q_event *event)
{
	struct reading *r = e->log;
	int rc;

	if (r->at == r->count && r->code == 0 && (rc = read_log(e)) != 0)
		return (rc);
	if (r->at < r->count) {
		*event = r->event[r->at++];
		return (0);
	}
	if (r->code == Q_ECORRUPT)
		return (fail(r->code, "the log is damaged; run 'qctl check'"));
	if (r->code != 0)
		return (fail(r->code, "log: %s", q_strerror(r->code)));
	return (fail(Q_EMPTY, "nothing has happened since"));
}

/* Whether it has all its bytes, and whether it is still the one that others write to.
 */
static bool
is_whole(const struct q_events *e, bool *named)
{
	struct stat st;

	if (fstat(e->fd, &st) != 0 || st.st_size != CTL_SIZE)
		return (false);
	*named = ctl_is_named(e->q, st.st_ino);
	return (true);
}

int
q_events_next(struct q_events *e, struct q_event *event)
{
	bool named = false;
	struct stat st;
	int rc;

	if (e->log != NULL)
		return (next_logged(e, event));
	/* What the old file still has comes before what the new one has. */
	for (int i = 0; i < 2; i++) {
		if (e->map != NULL && is_whole(e, &named) && read_next(e, event))
			return (0);
		if (e->map != NULL && named)
			break;
		detach(e);
		if ((rc = dir_check(&e->q->dir, &st)) != 0 || (rc = attach(e)) != 0)
			return (rc);
		e->next = 1;
		e->missed = UINT64_MAX;
	}
	rc = dir_check(&e->q->dir, &st);
	return (rc != 0 ? rc : fail(Q_EMPTY, "nothing has happened since"));
}
