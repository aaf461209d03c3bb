/* SPDX-License-Identifier: ISC */
/* Takes that stand: a message goes to one who waits, in the transaction of its push. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "life.h"
#include "posters.h"
#include "serve.h"

enum { TAKERS = POSTERS };

static volatile sig_atomic_t stopped;
static q_time patience; /* of takers, with the lock */

static void
stop_now(int number)
{
	(void)number;
	stopped = 1;
}

static bool
is_stopped(void *arg)
{
	(void)arg;
	return (stopped != 0);
}

/* A process that takes, says what it got, and keeps it until it is killed. */
static pid_t
taker(int number, const struct q_take *how)
{
	const struct q_open args = { .stop = is_stopped, .lock_wait = patience };
	struct q_batch *b;
	struct q *q;
	pid_t pid;

	memset(&said[number], 0, sizeof(said[number]));
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return (pid);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of one whose test fails */
	(void)signal(SIGTERM, stop_now);
	if (q_open(path, &args, &q) != 0)
		_exit(1);
	if ((said[number].code = q_take(q, how, &b)) == 0)
		said[number].id = q_batch_get(b, 0)->id;
	(void)snprintf(said[number].text, sizeof(said->text), "%s", q_errmsg());
	said[number].done = 1;
	for (;;)
		(void)pause();
}

static unsigned
standing(struct q *q)
{
	struct ctl_file *f = ctl_need(q);
	unsigned n = 0;

	assert_non_null(f);
	for (unsigned i = 0; i < CTL_STANDING; i++)
		n += atomic_load(&f->standing) & 1U << i &&
		     slot_stands(atomic_load(&f->slot[i].word));
	return (n);
}

static void
await_standing(struct q *q, unsigned n)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	while (standing(q) != n && clock_monotonic() < until)
		(void)usleep(500);
	assert_int_equal(standing(q), n);
}

static void
start_takers(struct q *q, pid_t *pids, int n, const struct q_take *how)
{
	assert_non_null(ctl_need(q));
	for (int i = 0; i < n; i++)
		pids[i] = taker(i, how);
	await_standing(q, (unsigned)n);
}

static void
await_done(int number)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	while (!said[number].done && clock_monotonic() < until)
		(void)usleep(500);
	assert_true(said[number].done);
}

static int
served(int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += said[i].done && said[i].code == 0;
	return (count);
}

static void
await_served(int n, int wanted)
{
	q_time until = clock_monotonic() + 60 * Q_SECOND;

	while (served(n) < wanted && clock_monotonic() < until)
		(void)usleep(500);
	assert_int_equal(served(n), wanted);
}

static void
end_takers(const pid_t *pids, int n)
{
	for (int i = 0; i < n; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
}

static uint64_t
count_of(struct q *q, enum q_state state)
{
	struct q_stat stat;

	assert_int_equal(q_stat(q, &stat), 0);
	return (stat.count[state]);
}

/* The number of the last transaction. */
static uint64_t
last_transaction(struct q *q)
{
	(void)count_of(q, Q_READY);
	return (q->store.meta.txn);
}

static const struct q_take held = { .wait = 60 * Q_SECOND };
static const struct q_take timed = { .wait = 60 * Q_SECOND, .lease = 3600 * Q_SECOND };

static void
a_message_goes_to_one_who_waits_with_its_push(void **state)
{
	const struct q_take *const how[] = { &held, &timed };
	struct q *q = open_queue();
	pid_t pids[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t before;

		start_takers(q, &pids[i], 1, how[i]);
		before = last_transaction(q);
		push_some(q, 1);
		assert_int_equal(count_of(q, Q_LEASED), i + 1);
		assert_int_equal(last_transaction(q), before + 1);
		await_served(1, 1);
		assert_true(said[0].id == (uint64_t)i + 1);
		assert_int_equal(last_transaction(q), before + 1);
	}
	end_takers(pids, 2);
	q_close(q);
}

static void
as_many_are_served_as_there_are_messages(void **state)
{
	struct q *q = open_queue();
	pid_t pids[TAKERS];

	(void)state;
	start_takers(q, pids, TAKERS, &held);
	push_some(q, 3);
	assert_int_equal(count_of(q, Q_LEASED), 3);
	await_served(TAKERS, 3);
	assert_int_equal(standing(q), TAKERS - 3);
	push_some(q, TAKERS);
	await_served(TAKERS, TAKERS);
	for (int i = 0; i < TAKERS; i++)
		for (int j = 0; j < i; j++)
			assert_true(said[i].id != said[j].id);
	assert_int_equal(count_of(q, Q_READY), 3);
	end_takers(pids, TAKERS);
	q_close(q);
}

static void
nothing_is_taken_for_the_dead(void **state)
{
	struct q *q = open_queue();
	pid_t pids[TAKERS];

	(void)state;
	start_takers(q, pids, TAKERS, &held);
	end_takers(pids, TAKERS);
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_READY), 1);
	assert_int_equal(standing(q), 0);
	q_close(q);
}

/* However long ago the transaction began. */
static void
a_lease_lasts_from_when_it_is_given(void **state)
{
	const struct q_push message = { .body = "a", .size = 1 };
	struct request push = { .op = OP_PUSH }, take = { .op = OP_TAKE };
	struct q *q = open_queue(), *other = open_queue();
	struct result result = { 0 };
	struct q_pushed pushed;
	struct clock asked;
	struct state s;
	struct txn t;

	(void)state;
	push.push.messages = &message;
	push.push.n = 1;
	push.push.pushed = &pushed;
	take.take.how = &(struct q_take){ .lease = 3600 * Q_SECOND };
	assert_non_null(ctl_need(q));
	lock(q);
	assert_int_equal(txn_begin_write(q, &t), 0);
	assert_int_equal(clock_read(&asked), 0);
	assert_true(slot_stand(other, &take));
	assert_int_equal(apply_one(&t, &push, &result), 0);
	assert_int_equal(serve_apply(q, &t), 0);
	assert_int_equal(life_get(&t, pushed.id, &s), 0);
	assert_int_equal(s.state, Q_LEASED);
	assert_true((q_time)s.due >= asked.boot + 3600 * Q_SECOND);
	txn_abort(&t);
	serve_return(q);
	unlock(q);
	q_close(other);
	q_close(q);
}

/* Of several, one is told that there is nothing for him, and stands again. */
static void
who_stands_in_vain_goes_on(void **state)
{
	struct q *q = open_queue();
	const struct ctl_file *f = ctl_need(q);
	uint64_t ticket[CTL_STANDING];
	pid_t pids[TAKERS];
	int again = 0;

	(void)state;
	start_takers(q, pids, TAKERS, &held);
	assert_int_equal(q_pause(q, Q_GATE_OUT, true), 0);
	for (int i = 0; i < CTL_STANDING; i++)
		ticket[i] = f->slot[i].ticket;
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_READY), 1);
	await_standing(q, TAKERS);
	for (int i = 0; i < CTL_STANDING; i++)
		again += f->slot[i].ticket != ticket[i];
	assert_in_range(again, 1, TAKERS - 2);
	assert_int_equal(served(TAKERS), 0);
	assert_int_equal(q_pause(q, Q_GATE_OUT, false), 0);
	await_served(TAKERS, 1);
	end_takers(pids, TAKERS);
	q_close(q);
}

static void
who_is_stopped_or_late_has_taken_nothing(void **state)
{
	const struct q_take brief = { .wait = Q_SECOND / 5 };
	struct q *q = open_queue();
	pid_t pids[2];

	(void)state;
	start_takers(q, pids, 1, &held);
	(void)kill(pids[0], SIGTERM);
	await_done(0);
	pids[1] = taker(1, &brief);
	await_done(1);
	assert_int_equal(said[0].code, Q_ETIMEDOUT);
	assert_int_equal(said[1].code, Q_ETIMEDOUT);
	assert_int_equal(standing(q), 0);
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_READY), 1);
	end_takers(pids, 2);
	q_close(q);
}

/* He is stopped, and somebody gives it to another: then he goes on waiting. */
static void
who_loses_what_he_was_given_waits_on(void **state)
{
	const uint64_t id = 1;
	const struct q_manage release = {
		.act = Q_ACT_RELEASE,
		.ids = &id,
		.id_count = 1,
	};
	struct q_managed managed;
	struct q *q = open_queue();
	struct q_batch *b;
	pid_t pid;

	(void)state;
	start_takers(q, &pid, 1, &timed);
	(void)kill(pid, SIGSTOP);
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_LEASED), 1);
	assert_int_equal(q_manage(q, &release, &managed), 0);
	assert_int_equal(q_take(q, &(struct q_take){ .lease = Q_SECOND }, &b), 0);
	q_batch_free(b);
	(void)kill(pid, SIGCONT);
	await_standing(q, 1);
	push_some(q, 1);
	await_served(1, 1);
	assert_true(said[0].id == 2);
	end_takers(&pid, 1);
	q_close(q);
}

/* It is leased to him: who went on waiting would not say so. */
static void
who_cannot_read_what_he_was_given_says_so(void **state)
{
	struct q *q = open_queue();
	pid_t pid;

	(void)state;
	patience = Q_SECOND / 100;
	start_takers(q, &pid, 1, &timed);
	patience = 0;
	(void)kill(pid, SIGSTOP);
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_LEASED), 1);
	lock(q);
	(void)kill(pid, SIGCONT);
	await_done(0);
	assert_int_equal(said[0].code, Q_EBUSY);
	assert_non_null(strstr(said[0].text, "comes back when its lease ends"));
	unlock(q);
	end_takers(&pid, 1);
	q_close(q);
}

/* Then he can give it back. */
static void
who_is_to_stop_gets_what_he_was_given(void **state)
{
	struct q *q = open_queue();
	struct ctl_slot *s;
	unsigned slot = 0;
	pid_t pid;

	(void)state;
	start_takers(q, &pid, 1, &timed);
	while (!slot_stands(atomic_load(&q->ctl.map->slot[slot].word)))
		slot++;
	s = &q->ctl.map->slot[slot];
	(void)kill(pid, SIGSTOP);
	push_some(q, 1);
	assert_int_equal(count_of(q, Q_LEASED), 1);
	lock(q);
	(void)kill(pid, SIGTERM);
	(void)kill(pid, SIGCONT);
	while (slot_state(atomic_load(&s->word)) != SLOT_FREE)
		(void)usleep(500);
	for (int i = 0; i < 40 && !said[0].done; i++) /* else it tries again */
		(void)usleep(500);
	unlock(q);
	await_done(0);
	assert_int_equal(said[0].code, 0);
	assert_true(said[0].id == 1);
	end_takers(&pid, 1);
	q_close(q);
}

/* Of one who waits for one message, or has a rate, others are not to know. */
static void
who_is_particular_does_not_stand(void **state)
{
	const struct q_take slow = { .wait = 60 * Q_SECOND, .every = Q_SECOND };
	struct q *q = open_queue();
	const struct ctl_file *f = ctl_need(q);
	pid_t pid;

	(void)state;
	assert_non_null(f);
	pid = taker(0, &slow);
	while (atomic_load(&f->channel[CTL_CHANGE].armed) < 2) /* it has slept */
		(void)usleep(500);
	assert_int_equal(standing(q), 0);
	push_some(q, 1);
	await_served(1, 1);
	end_takers(&pid, 1);
	q_close(q);
}

/* A pusher, killed before or after one of its system calls. If that was when it had
 * taken for him, who waits finds out with his next look, in half a second. */
static bool
survive_death(struct q *q, int stop)
{
	pid_t pid, waiter;
	int status = 0;
	bool alive = true;

	start_takers(q, &waiter, 1, &held);
	if ((pid = fork()) == 0) {
		struct q *own = open_queue();

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
			_exit(1);
		push_some(own, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < stop && alive; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		alive = WIFSTOPPED(status);
	}
	if (alive) {
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	/* Whatever became of that message, there is one for whoever waits. */
	if (count_of(q, Q_LEASED) + count_of(q, Q_READY) == 0)
		push_some(q, 1);
	await_served(1, 1);
	assert_int_equal(count_of(q, Q_LEASED), 1);
	assert_int_equal(count_of(q, Q_READY), 0);
	end_takers(&waiter, 1);
	for (;;) {
		const struct q_take all = { .n = 10 };
		const struct q_settle ack = { .verb = Q_ACK };
		struct q_batch *b;

		if (q_take(q, &all, &b) != 0)
			break;
		assert_int_equal(q_batch_settle(q, &ack, b, 0, q_batch_count(b)), 0);
		q_batch_free(b);
	}
	return (alive);
}

static void
who_waits_survives_the_death_of_a_pusher(void **state)
{
	struct q *q = open_queue();
	int stop = 1;

	(void)state;
	while (survive_death(q, stop))
		stop += 3;
	assert_true(stop > 50);
	q_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_goes_to_one_who_waits_with_its_push),
		TEST(as_many_are_served_as_there_are_messages),
		TEST(nothing_is_taken_for_the_dead),
		TEST(a_lease_lasts_from_when_it_is_given),
		TEST(who_stands_in_vain_goes_on),
		TEST(who_is_stopped_or_late_has_taken_nothing),
		TEST(who_loses_what_he_was_given_waits_on),
		TEST(who_cannot_read_what_he_was_given_says_so),
		TEST(who_is_to_stop_gets_what_he_was_given),
		TEST(who_is_particular_does_not_stand),
		TEST(who_waits_survives_the_death_of_a_pusher),
	};

	return (cmocka_run_group_tests_name("stand", tests, make_shared, remove_dir));
}
