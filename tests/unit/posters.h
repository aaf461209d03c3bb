/* SPDX-License-Identifier: ISC */
#ifndef POSTERS_H
#define POSTERS_H

/*
 * A queue for each test, and processes that push to it while its lock is taken: they
 * post their requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "queue.h"
#include "scratch.h"
#include "slot.h"

enum { POSTERS = 8, LARGE = 8000 };

/* What one process says of its push; in memory that all share. */
struct said {
	volatile int code, done;
	volatile bool doubt;
	volatile uint64_t id;
	char text[256];
};

static struct said *said;

static inline void
set(struct q *q, enum q_option option, uint64_t value)
{
	assert_int_equal(q_option_set(q, option, value), 0);
}

/* A process that pushes its number, and says what became of it. */
static inline pid_t
poster(int number, size_t size, q_time lock_wait)
{
	const struct q_open open = { .lock_wait = lock_wait };
	struct q_push message = { .size = size };
	static char body[LARGE];
	struct q_pushed pushed = { 0 };
	size_t stored;
	struct q *q;
	pid_t pid;

	memset(&said[number], 0, sizeof(said[number]));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)snprintf(body, sizeof(body), "%d", number);
	message.body = body;
	if (q_open(path, &open, &q) != 0)
		_exit(1);
	said[number].code = q_push(q, &message, 1, 0, &stored, &pushed);
	said[number].id = pushed.id;
	(void)snprintf(said[number].text, sizeof(said->text), "%s", q_errmsg());
	said[number].doubt = q_in_doubt(q);
	said[number].done = 1;
	q_close(q);
	_exit(0);
}

static inline unsigned
posted(struct q *q)
{
	struct ctl_file *f = ctl_need(q);
	unsigned n = 0;

	assert_non_null(f);
	for (int i = 0; i < CTL_SLOTS; i++)
		n += slot_state(atomic_load(&f->slot[i].word)) == SLOT_READY;
	return (n);
}

static inline void
await_posted(struct q *q, unsigned n)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	while (posted(q) < n && clock_monotonic() < until)
		(void)usleep(500);
	assert_int_equal(posted(q), n);
}

/* ctl is there first: of many that make it at once, one may do without. */
static inline void
start_posters(struct q *q, pid_t *pids, int n, q_time lock_wait)
{
	assert_non_null(ctl_need(q));
	for (int i = 0; i < n; i++)
		pids[i] = poster(i, 100, lock_wait);
	await_posted(q, (unsigned)n);
}

static inline void
end_posters(const pid_t *pids, int n)
{
	int status;

	for (int i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_true(said[i].done);
	}
}

static inline void
lock(struct q *q)
{
	assert_int_equal(flock(q->dir.data, LOCK_EX), 0);
}

static inline void
unlock(struct q *q)
{
	assert_int_equal(flock(q->dir.data, LOCK_UN), 0);
}

/* Take all there is; how often each number was there. */
static inline void
drain(struct q *q, unsigned *times, int n)
{
	const struct q_take args = { .n = 1000 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	int rc;

	memset(times, 0, (size_t)n * sizeof(*times));
	while ((rc = q_take(q, &args, &b)) == 0) {
		for (size_t i = 0; i < q_batch_count(b); i++) {
			const struct q_msg *m = q_batch_get(b, i);
			int number = atoi(m->body);

			assert_in_range(number, 0, n - 1);
			times[number]++;
		}
		assert_int_equal(q_batch_settle(q, &ack, b, 0, q_batch_count(b)), 0);
		q_batch_free(b);
	}
	assert_int_equal(rc, Q_EMPTY);
}

static inline void
assert_once(struct q *q, int n)
{
	unsigned times[POSTERS];

	drain(q, times, n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(said[i].code, 0);
		assert_int_equal(times[i], 1);
		for (int j = 0; j < i; j++)
			assert_true(said[i].id != said[j].id);
	}
}

static inline int
make_shared(void **state)
{
	said = mmap(NULL, POSTERS * sizeof(*said), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return (said == MAP_FAILED ? -1 : make_dir(state));
}

#define TEST(name) cmocka_unit_test_setup(name, make_path)

#endif
