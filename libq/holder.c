/* SPDX-License-Identifier: ISC */
/*
 * Who has what: leases as the records say, processes as /proc does. A pid in a record
 * may be of another pid namespace, or used again since: a process is named only if it
 * is seen to have the queue open, or is known by its start.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "error.h"
#include "life.h"
#include "lock.h"
#include "look.h"
#include "proc.h"
#include "queue.h"

enum { ROWS = 1000 }; /* looked at under one lock */

/* A lease, with what is needed to know its process again. */
struct lease {
	struct q_holder row;
	uint32_t delivery;
	q_time began; /* boot clock */
	uint64_t owner_start, owner_ns;
};

struct view {
	struct lease *lease;
	size_t leases, lease_room;
	struct q_holder *row;
	size_t rows, row_room;
	struct grips hold, data; /* who has these files open */
};

static void *
grow(void *list, size_t count, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 16 : 2 * *room;
	void *p;

	if (count < *room)
		return (list);
	if ((p = reallocarray(list, more, size)) == NULL)
		(void)fail(Q_ENOMEM, "out of memory");
	else
		*room = more;
	return (p);
}

/* ---- leases ---- */

static enum q_lease
kind_of(const struct state *s)
{
	if (s->due == HELD)
		return (s->flags & ST_AHEAD ? Q_LEASE_AHEAD : Q_LEASE_HELD);
	return (s->flags & ST_OWNED ? Q_LEASE_OWNED : Q_LEASE_TIMED);
}

static int
add_lease(struct view *v, const struct txn *t, uint64_t id, const struct state *s)
{
	struct lease *l = grow(v->lease, v->leases, &v->lease_room, sizeof(*v->lease));

	if (l == NULL)
		return (Q_ENOMEM);
	v->lease = l;
	l[v->leases++] = (struct lease){
		.row = { .role = Q_ROLE_LEASE,
		    .pid = (pid_t)s->pid,
		    .id = id,
		    .attempt = life_attempts(s),
		    .lease = kind_of(s),
		    .since = s->changed,
		    .due = life_lease_end(t, s) },
		.delivery = s->delivery,
		.began = s->began,
		.owner_start = s->owner_start,
		.owner_ns = s->owner_ns,
	};
	return (0);
}

static int
add_extent(struct view *v, struct txn *t, const struct extent *e)
{
	int rc = 0;

	for (unsigned i = 0; i < e->count && rc == 0; i++)
		if (look_state(t, e->first + i, &e->s) == Q_LEASED)
			rc = add_lease(v, t, e->first + i, &e->s);
	return (rc);
}

/* Some rows of the index of leases, from a key on, which moves. */
static int
read_leases(struct view *v, struct txn *t, struct key *from, bool *end)
{
	struct span key = key_span(from), value;
	int rc = txn_seek(t, T_LEASED, &key, &value);

	for (int i = 0; i < ROWS && rc == 0; i++) {
		const uint8_t *k = key.data;
		uint64_t id = get_be64(k + 12);
		struct extent e = { .count = 0 };

		*from = key_lease(get_be32(k), get_be64(k + 4), id + 1);
		rc = extent_find(t, id, &e);
		if (rc == 0 && e.s.state == Q_LEASED)
			rc = add_extent(v, t, &e);
		if (rc == Q_ECORRUPT || rc == STORE_BROKEN || rc == STORE_NONE)
			rc = 0; /* a damaged one is its taker's to find */
		if (rc == 0)
			rc = txn_next(t, T_LEASED, &key, &value);
	}
	*end = rc == STORE_NONE;
	return (*end ? 0 : rc);
}

static int
read_all_leases(struct view *v, struct q *q)
{
	struct key from = key_lease(0, 0, 0);
	bool end = false;
	struct txn t;
	int rc = 0;

	while (rc == 0 && !end) {
		if ((rc = txn_begin(q, &t)) != 0)
			break;
		rc = read_leases(v, &t, &from, &end);
		txn_abort(&t);
	}
	return (rc);
}

/* ---- processes ---- */

static int
add_row(struct view *v, struct q_holder row)
{
	struct q_holder *p = grow(v->row, v->rows, &v->row_room, sizeof(*v->row));

	if (p == NULL)
		return (Q_ENOMEM);
	v->row = p;
	p[v->rows++] = row;
	return (0);
}

/* The row's process is the one of that pid here. */
static void
name_it(struct q_holder *row)
{
	struct proc p;

	if (proc_read(row->pid, &p) != 0) {
		row->process = kill(row->pid, 0) != 0 && errno == ESRCH
		                   ? Q_PROCESS_GONE
		                   : Q_PROCESS_UNKNOWN;
		return;
	}
	row->process = proc_is_over(&p)      ? Q_PROCESS_ZOMBIE
	               : proc_is_stopped(&p) ? Q_PROCESS_STOPPED
	                                     : Q_PROCESS_RUNNING;
	memcpy(row->command, p.name, sizeof(row->command));
}

static bool
opens(const struct grips *g, pid_t pid)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->list[i].pid == pid)
			return (true);
	return (false);
}

static bool
started_before(const struct proc *p, q_time began)
{
	uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);

	return (p->start / tick <= (uint64_t)(began / Q_SECOND));
}

/* Whether it is seen to be the one that had the queue open then: or was, for a zombie
 * has nothing open. */
static bool
is_taker(const struct view *v, const struct lease *l)
{
	pid_t pid = l->row.pid;
	struct proc p;

	return (proc_read(pid, &p) == 0 && started_before(&p, l->began) &&
		(proc_is_over(&p) || opens(&v->data, pid)));
}

/* Whoever took it. Often he has ended, and another finishes it. */
static void
name_taker(const struct view *v, const struct lease *l, struct q_holder *row)
{
	if (is_taker(v, l))
		name_it(row);
	else if (kill(row->pid, 0) == 0 || errno == ESRCH)
		row->process = Q_PROCESS_GONE;
}

static void
name_owner(const struct lease *l, struct q_holder *row)
{
	struct proc p;

	if (l->owner_ns != proc_namespace())
		row->process = Q_PROCESS_ELSEWHERE;
	else if (proc_read(row->pid, &p) == 0 && p.start == l->owner_start)
		name_it(row);
	else
		row->process = Q_PROCESS_GONE;
}

static bool
has_row(const struct view *v, size_t from, pid_t pid)
{
	for (size_t i = from; i < v->rows; i++)
		if (v->row[i].pid == pid)
			return (true);
	return (false);
}

/* A row for each process whose lock is on the message: who took it first. */
static int
add_holders(struct view *v, const struct lease *l)
{
	size_t from = v->rows;
	int rc = 0;

	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < v->hold.count && rc == 0; i++) {
			const struct grip *g = &v->hold.list[i];
			struct q_holder row = l->row;

			if (!g->locked || g->first > row.id || g->last < row.id ||
			    (g->pid == row.pid) != (turn == 0) ||
			    has_row(v, from, g->pid))
				continue;
			row.pid = g->pid;
			name_it(&row);
			rc = add_row(v, row);
		}
	return (rc);
}

/* Nobody was seen to hold it: it may have ended since it was read. */
static int
add_unseen(struct view *v, struct q *q, const struct lease *l)
{
	struct q_holder row = l->row;
	struct state s;
	struct txn t;
	bool is = false;
	int rc = txn_begin(q, &t);

	if (rc != 0)
		return (rc);
	if (life_get(&t, row.id, &s) == 0)
		is = s.state == Q_LEASED && s.delivery == l->delivery &&
		     look_state(&t, row.id, &s) == Q_LEASED;
	txn_abort(&t);
	row.process = v->hold.partial ? Q_PROCESS_UNKNOWN : Q_PROCESS_ELSEWHERE;
	return (is ? add_row(v, row) : 0);
}

static int
add_leases(struct view *v, struct q *q)
{
	int rc = 0;

	for (size_t i = 0; i < v->leases && rc == 0; i++) {
		const struct lease *l = &v->lease[i];
		struct q_holder row = l->row;
		size_t before = v->rows;

		if (row.due == Q_FOREVER) {
			rc = add_holders(v, l);
			if (rc == 0 && v->rows == before)
				rc = add_unseen(v, q, l);
			continue;
		}
		if (row.lease == Q_LEASE_OWNED)
			name_owner(l, &row);
		else
			name_taker(v, l, &row);
		rc = add_row(v, row);
	}
	return (rc);
}

/* ---- the lock, and the others ---- */

/* Who waits has the gate, too. */
static int
add_lock(void *arg, pid_t pid, bool waits)
{
	struct q_holder row = { .role = waits ? Q_ROLE_WAIT : Q_ROLE_LOCK, .pid = pid };
	const struct view *v = arg;

	for (size_t i = v->rows; i > 0 && v->row[i - 1].role != Q_ROLE_LEASE; i--)
		if (v->row[i - 1].pid == pid)
			return (0);
	if (pid == getpid())
		return (0);
	row.process = Q_PROCESS_ELSEWHERE;
	if (pid > 0)
		name_it(&row);
	return (add_row(arg, row));
}

static int
add_locks(struct view *v, const struct q *q)
{
	struct stat data, dir;
	size_t first;
	int rc;

	if (fstat(q->dir.data, &data) != 0 || fstat(q->dir.fd, &dir) != 0)
		return (fail_sys("data.mdb"));
	if ((rc = proc_flocks(&data, add_lock, v)) != 0)
		return (rc);
	/* Whoever has the gate waits for the lock, or has just got it. */
	first = v->rows;
	rc = proc_flocks(&dir, add_lock, v);
	for (size_t i = first; i < v->rows; i++)
		v->row[i].role = Q_ROLE_WAIT;
	return (rc);
}

static int
add_others(struct view *v)
{
	int rc = 0;

	for (size_t i = 0; i < v->data.count && rc == 0; i++) {
		struct q_holder row = { .role = Q_ROLE_OPEN,
			.pid = v->data.list[i].pid };

		if (has_row(v, 0, row.pid))
			continue;
		name_it(&row);
		if (row.process != Q_PROCESS_GONE)
			rc = add_row(v, row);
	}
	return (rc);
}

static int
look(struct view *v, struct q *q)
{
	struct stat data, hold;
	int rc = read_all_leases(v, q);

	if (rc != 0) {
		if (rc == Q_EBUSY && add_locks(v, q) != 0)
			return (Q_ENOMEM);
		return (rc == Q_EBUSY ? lock_busy(q) : rc);
	}
	if (fstat(q->dir.data, &data) != 0)
		return (fail_sys("data.mdb"));
	if ((rc = proc_grips(q->dir.name, &data, &v->data)) != 0)
		return (rc);
	if (fstatat(q->dir.fd, "hold", &hold, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (rc = proc_grips("hold", &hold, &v->hold)) != 0)
		return (rc);
	if ((rc = add_leases(v, q)) != 0 || (rc = add_locks(v, q)) != 0)
		return (rc);
	return (add_others(v));
}

int
q_holders(struct q *q, struct q_holder **list, size_t *count)
{
	struct view v = { .lease = NULL };
	int rc = look(&v, q);

	free(v.lease);
	proc_free(&v.hold);
	proc_free(&v.data);
	if (rc != 0 && rc != Q_EBUSY) {
		free(v.row);
		return (rc);
	}
	*list = v.row;
	*count = v.rows;
	return (rc);
}
