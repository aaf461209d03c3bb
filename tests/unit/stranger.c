/* SPDX-License-Identifier: ISC */
/*
 * A stranger writes to ctl, links to it, or a holder dies and the disk is full besides:
 * a request is done once, as it was asked, and its owner is told so.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "posters.h"
#include "serve.h"

enum { SLOT = 5, SIZE = 40 };

static uint64_t
push(struct q *q, int number, q_time delay)
{
	char body[SIZE] = { 0 };
	struct q_push message = { .body = body, .size = SIZE, .delay = delay };
	struct q_pushed pushed = { 0 };
	size_t stored;

	(void)snprintf(body, sizeof(body), "%d", number);
	said->code = q_push(q, &message, 1, 0, &stored, &pushed);
	return (pushed.id);
}

/* A process that finds the lock taken and posts its push in the one slot there is. */
static pid_t
start_poster(struct q *q, int number, bool may_write)
{
	const struct rlimit none = { 0, 0 };
	q_time until = clock_monotonic() + 60 * Q_SECOND;
	_Atomic uint32_t *word = &q->ctl.map->slot[SLOT].word;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		q = open_queue();
		(void)signal(SIGXFSZ, SIG_IGN);
		if (!may_write)
			(void)setrlimit(RLIMIT_FSIZE, &none);
		said->id = push(q, number, 0);
		q_close(q);
		_exit(0);
	}
	while (slot_state(atomic_load(word)) != SLOT_READY && clock_monotonic() < until)
		(void)usleep(500);
	assert_int_equal(slot_state(atomic_load(word)), SLOT_READY);
	return (pid);
}

static void
end_poster(pid_t pid, uint64_t id)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(said->code, 0);
	assert_true(said->id == id);
}

/* Nobody has any other slot. */
static struct q *
open_with_one_slot(int *fd)
{
	struct flock others = { .l_type = F_WRLCK, .l_start = CTL_SIZE, .l_len = SLOT };
	struct q *q = open_queue();

	assert_non_null(ctl_need(q));
	*fd = openat(q->dir.fd, "ctl", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(*fd, F_OFD_SETLK, &others), 0);
	others.l_start += SLOT + 1;
	others.l_len = CTL_SLOTS - SLOT - 1;
	assert_int_equal(fcntl(*fd, F_OFD_SETLK, &others), 0);
	return (q);
}

/* The messages 0 to n - 1 in this order, and no other. */
static void
assert_there(struct q *q, int n)
{
	const struct q_take args = { .n = 1000 };
	char body[SIZE] = { 0 };
	struct q_batch *b;

	assert_int_equal(q_take(q, &args, &b), 0);
	assert_int_equal(q_batch_count(b), n);
	for (int i = 0; i < n; i++) {
		const struct q_msg *m = q_batch_get(b, (size_t)i);

		memset(body, 0, sizeof(body));
		(void)snprintf(body, sizeof(body), "%d", i);
		assert_int_equal(m->body_size, SIZE);
		assert_memory_equal(m->body, body, SIZE);
	}
	q_batch_free(b);
}

static void
a_changed_byte_of_a_request_changes_nothing(void **state)
{
	int fd, n = 0;
	struct q *q = open_with_one_slot(&fd);
	struct ctl_slot *s = &q->ctl.map->slot[SLOT];
	size_t size = 1;
	pid_t pid;

	(void)state;
	for (size_t at = 0; at < size; at++) {
		lock(q);
		pid = start_poster(q, n + 1, true);
		size = s->size;
		s->data[at] ^= 0x10;
		(void)push(q, n, 0); /* which lets go of the lock */
		n += 2;
		end_poster(pid, (uint64_t)n);
	}
	assert_in_range(size, SIZE, CTL_PAYLOAD);
	assert_there(q, n);
	(void)close(fd);
	q_close(q);
}

/* Serve a poster, who does not read the answer yet. */
static void
serve_stopped(struct q *q, pid_t pid, int number)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	(void)push(q, number, 0);
	assert_int_equal(said->code, 0);
	assert_int_equal(
	    slot_state(atomic_load(&q->ctl.map->slot[SLOT].word)), SLOT_DONE);
}

static void
a_changed_byte_of_an_answer_changes_nothing(void **state)
{
	int fd, n = 0;
	struct q *q = open_with_one_slot(&fd);
	struct ctl_slot *s = &q->ctl.map->slot[SLOT];
	size_t size = 1;
	pid_t pid;

	(void)state;
	for (size_t at = 0; at < size; at++) {
		lock(q);
		pid = start_poster(q, n + 1, true);
		serve_stopped(q, pid, n);
		size = s->size;
		s->data[at] ^= 1;
		assert_int_equal(kill(pid, SIGCONT), 0);
		n += 2;
		end_poster(pid, (uint64_t)n);
	}
	assert_in_range(size, 8, CTL_PAYLOAD);
	assert_there(q, n);
	(void)close(fd);
	q_close(q);
}

static void
a_slot_that_is_cleared_does_not_find_the_answer_to_another(void **state)
{
	int fd;
	struct q *q = open_with_one_slot(&fd);
	struct ctl_slot *s = &q->ctl.map->slot[SLOT];
	pid_t pid;

	(void)state;
	for (int n = 0; n < 4; n += 2) {
		lock(q);
		pid = start_poster(q, n + 1, true);
		(void)push(q, n, 0);
		end_poster(pid, (uint64_t)n + 2);
		memset(s, 0, sizeof(*s));
	}
	lock(q);
	pid = start_poster(q, 4, true);
	memset(s, 0, sizeof(*s));
	unlock(q);
	end_poster(pid, 5);
	assert_there(q, 5);
	(void)close(fd);
	q_close(q);
}

static void
what_was_taken_back_is_not_served_when_ctl_can_be_used_again(void **state)
{
	int fd;
	struct q *q = open_with_one_slot(&fd);
	pid_t pid;

	(void)state;
	lock(q);
	pid = start_poster(q, 0, true);
	assert_int_equal(linkat(q->dir.fd, "ctl", q->dir.fd, "link", 0), 0);
	unlock(q);
	end_poster(pid, 1);
	assert_int_equal(unlinkat(q->dir.fd, "link", 0), 0);
	slot_mark_pending(q->ctl.map, SLOT);
	assert_int_equal(push(q, 1, 0), 2);
	assert_there(q, 2);
	(void)close(fd);
	q_close(q);
}

/* As a holder leaves it who dies between the commit and the answer; and the clock was
 * that much ahead of what it is now. */
static void
leave_taken(struct q *q, pid_t pid, q_time ahead)
{
	struct txn t;
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_int_equal(txn_begin_write(q, &t), 0);
	t.now.wall += ahead;
	serve_collect(q);
	assert_int_equal(serve_apply(q, &t), 0);
	assert_int_equal(txn_commit(&t, true), 0);
	txn_end(&t);
	serve_free(q);
}

static void
what_a_dead_holder_stored_is_done_once_whatever_the_clock_says(void **state)
{
	static const q_time steps[] = { 1, 5 * Q_SECOND, -25 * (3600 * Q_SECOND) };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct q *q = open_queue(), *next = open_queue();
		struct q_stat stat;
		pid_t pids[2];

		lock(q);
		pids[0] = poster(0, 100, 0);
		await_posted(q, 1);
		leave_taken(q, pids[0], steps[i]);
		pids[1] = poster(1, 100, 0);
		await_posted(q, 1);
		unlock(q);
		(void)push(next, 2, 0); /* and serves the other */
		assert_int_equal(waitpid(pids[1], NULL, 0), pids[1]);
		assert_int_equal(kill(pids[0], SIGCONT), 0);
		assert_int_equal(waitpid(pids[0], NULL, 0), pids[0]);
		assert_int_equal(q_stat(next, &stat), 0);
		assert_int_equal(stat.pushed, 3 * (i + 1));
		q_close(next);
		q_close(q);
	}
}

/* A process that has the lock, and may not write. */
static void
fail_to_push(void)
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		(void)signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &none);
		(void)push(open_queue(), 1, 0);
		_exit(said->code == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_limit_of_the_holder_fails_nobody_else(void **state)
{
	int fd, status;
	struct q *q = open_with_one_slot(&fd);
	pid_t pid;

	(void)state;
	(void)push(q, 0, 0);
	lock(q);
	pid = start_poster(q, 1, true);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	unlock(q);
	fail_to_push();
	assert_int_equal(kill(pid, SIGCONT), 0);
	end_poster(pid, 2);
	assert_there(q, 2);
	(void)close(fd);
	q_close(q);
}

static void
put_row(struct txn *t, uint64_t generation, q_time when)
{
	uint8_t record[ANSWERED_MAX];
	struct answered a = { .ticket = 1, .when = when, .data = record };
	struct key k = key_slot(generation, 0);
	size_t size = answered_encode(&a, 0, record);

	assert_int_equal(
	    txn_put(t, T_SLOT, key_span(&k), (struct span){ record, size }), 0);
}

static uint64_t
rows(struct q *q)
{
	struct txn t;
	uint64_t n;

	assert_int_equal(txn_begin(q, &t), 0);
	n = txn_entries(&t, T_SLOT);
	txn_abort(&t);
	return (n);
}

/* Also behind more than are looked at each time, of files that were made of late. */
static void
what_old_files_have_left_goes(void **state)
{
	enum { LATE = 400, OLD = 50 };
	struct q *q = open_queue(), *next;
	struct txn t;
	pid_t pid;
	int n = 0;

	(void)state;
	lock(q);
	assert_int_equal(txn_begin_write(q, &t), 0);
	for (uint64_t i = 0; i < LATE; i++)
		put_row(&t, 1 + i, t.now.wall);
	for (uint64_t i = 0; i < OLD; i++)
		put_row(&t, UINT64_MAX / 2 + i, t.now.wall - 25 * (3600 * Q_SECOND));
	assert_int_equal(txn_commit(&t, true), 0);
	unlock(q);
	txn_end(&t);
	for (; rows(q) > LATE + 20 && n < 100; n++) {
		lock(q);
		pid = poster(0, 100, 0);
		await_posted(q, 1);
		unlock(q);
		next = open_queue();
		(void)push(next, 1, 0);
		q_close(next);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	assert_in_range(rows(q), LATE, LATE + 20);
	q_close(q);
}

/* As a holder leaves it who dies between the commit and the answer. */
static void
what_a_dead_holder_stored_is_stored_whatever_fails_now(void **state)
{
	int fd;
	struct q *q = open_with_one_slot(&fd);
	struct ctl_slot *s = &q->ctl.map->slot[SLOT];
	struct q_stat stat;
	pid_t pid;

	(void)state;
	(void)push(q, 0, Q_SECOND / 1000); /* it has fallen due when he has the lock */
	lock(q);
	pid = start_poster(q, 2, false);
	serve_stopped(q, pid, 1);
	(void)push(q, 3, Q_SECOND / 1000);
	(void)usleep(2000);
	atomic_store(&s->word, slot_word(s->ticket, SLOT_TAKEN));
	assert_int_equal(kill(pid, SIGCONT), 0);
	end_poster(pid, 3);
	assert_int_equal(q_stat(q, &stat), 0);
	assert_int_equal(stat.pushed, 4);
	(void)close(fd);
	q_close(q);
}

/* Of all the slots that there are, each has a request; and one a take that stands, once
 * that was collected. */
static void
more_that_is_asked_for_than_there_are_slots_is_left(void **state)
{
	const struct q_take how = { .lease = Q_SECOND };
	struct request take = { .op = OP_TAKE };
	struct q *q = open_queue(), *other = open_queue();
	struct ctl_file *f = ctl_need(q);
	struct ctl_slot *s;
	struct txn t;

	(void)state;
	assert_non_null(f);
	take.take.how = &how;
	assert_true(slot_stand(other, &take));
	s = &f->slot[other->ctl.slot];
	s->check = ~s->check;
	for (unsigned i = 0; i < CTL_SLOTS; i++) {
		atomic_store(
		    &f->slot[i].word, slot_word(f->slot[i].ticket, SLOT_READY));
		slot_mark_pending(f, i);
	}
	lock(q);
	assert_int_equal(txn_begin_write(q, &t), 0);
	serve_collect(q);
	s->check = ~s->check;
	atomic_store(&s->word, slot_word(s->ticket, SLOT_STANDING));
	t.readied = 1;
	assert_int_equal(serve_apply(q, &t), 0);
	assert_true(slot_stands(atomic_load(&s->word)));
	txn_abort(&t);
	serve_return(q);
	unlock(q);
	q_close(other);
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_changed_byte_of_a_request_changes_nothing),
		TEST(a_changed_byte_of_an_answer_changes_nothing),
		TEST(a_slot_that_is_cleared_does_not_find_the_answer_to_another),
		TEST(what_was_taken_back_is_not_served_when_ctl_can_be_used_again),
		TEST(what_a_dead_holder_stored_is_done_once_whatever_the_clock_says),
		TEST(a_limit_of_the_holder_fails_nobody_else),
		TEST(what_old_files_have_left_goes),
		TEST(what_a_dead_holder_stored_is_stored_whatever_fails_now),
		TEST(more_that_is_asked_for_than_there_are_slots_is_left),
	};

	return (
	    cmocka_run_group_tests_name("stranger", tests, make_shared, remove_dir));
}
