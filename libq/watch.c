/* SPDX-License-Identifier: ISC */
/* A place in what happens to a queue: events one after the other, as they come. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "queue.h"
#include "ring.h"

struct q_events {
	struct q *q;
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
	if (ctl_map_to_read(e->q, &e->map, &e->fd))
		return (0);
	e->map = NULL;
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

void
q_events_close(struct q_events *e)
{
	if (e != NULL)
		detach(e);
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

/* Whether it has all its bytes, and whether it is still the one that others write to.
 */
static bool
is_whole(const struct q_events *e, bool *named)
{
	struct stat st;

	if (fstat(e->fd, &st) != 0 || st.st_size != CTL_SIZE)
		return (false);
	*named = st.st_nlink == 1;
	return (true);
}

int
q_events_next(struct q_events *e, struct q_event *event)
{
	bool named = false;
	struct stat st;
	int rc;

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
