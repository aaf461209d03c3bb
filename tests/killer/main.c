/* SPDX-License-Identifier: ISC */
/*
 * killer [-a ACTORS] [-k KILLS] [-r KILLS] [-s SEED] BIN QUEUE
 *
 * Keeps so many actors at a queue that it makes, commands of the directory BIN and
 * resident processes that use libq, and kills them by SIGKILL: at moments that are
 * evenly spread over what they do, and just after they began something. After each
 * -r kills all are dead, and what they were told is compared with what is left. In one
 * of four rounds there is a single consumer, not killed, who sees the order. Prints
 * what is wrong, then figures; 1 if anything was wrong.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "command.h"
#include "judge.h"

#define PATIENCE (900 * Q_SECOND) /* nothing takes so long */

enum { RESIDENT = KINDS, ORDER_EACH = 4, SPARED = 15 /* of 100 */, LIFE = 4 };

struct seat { /* where one actor after the other sits */
	pid_t pid;
	int fd;
	unsigned kind;
	bool timed; /* it is to be killed by its own timer */
	q_time began, kill_at;
	struct command command;
};

static struct {
	unsigned actors;
	uint64_t kills, round_kills, seed;
	const char *bin, *path;
	struct shared *shared;
	struct judge *judge;
	struct seat seat[ACTORS];
	q_time
	    usual[KINDS + 2]; /* how long each takes, and an operation of a resident */
	bool ordered;
	q_time began;
	uint64_t killed[2], amid, rounds; /* commands, residents */
	struct verdict sum;
} run = { .actors = 8, .kills = 10000, .round_kills = 2500, .seed = 1 };

enum { OPERATION = RESIDENT + 1, TOLD_EACH = 50000 };

static void
die(const char *what)
{
	fprintf(stderr, "killer: %s: %s\n", what, strerror(errno));
	exit(3);
}

/* ---- when to kill ---- */

static void
learn(unsigned kind, q_time took)
{
	run.usual[kind] += (took - run.usual[kind]) / (run.usual[kind] == 0 ? 1 : 16);
}

/* How long a resident needs until it asks for something, and for an operation. */
static void
learn_of(const struct seat *s, const struct journal *j, q_time now)
{
	unsigned count = atomic_load(&j->count);

	/* One that got nowhere would have needed longer. */
	learn(RESIDENT,
	    count == 0 ? 2 * (now - s->began) : j->note[0].asked_at - s->began);
	for (unsigned i = 0; i < count; i++)
		if (j->note[i].answered != 0)
			learn(OPERATION, j->note[i].answered_at - j->note[i].asked_at);
}

static q_time
some(q_time most)
{
	return ((q_time)dice(&run.seed, (uint64_t)most + 1));
}

static q_time
moment(const struct seat *s)
{
	if (dice(&run.seed, 100) < SPARED)
		return (s->began + PATIENCE);
	if (s->kind == RESIDENT)
		return (
		    s->began + run.usual[RESIDENT] + some(LIFE * run.usual[OPERATION]));
	return (s->began + some(run.usual[s->kind] + run.usual[s->kind] / 4));
}

/* ---- actors ---- */

static struct journal *
journal_of(const struct seat *s)
{
	return (&run.shared->journal[s - run.seat]);
}

static void
start_resident(struct seat *s, bool consumer)
{
	struct actor a = { .path = run.path,
		.shared = run.shared,
		.journal = journal_of(s),
		.seed = run.seed,
		.pushes = !consumer,
		.takes = !run.ordered || consumer,
		.ordered = run.ordered && consumer };

	if (!a.ordered && dice(&run.seed, 2) == 0) {
		a.aim_at = 1 + (unsigned)dice(&run.seed, LIFE);
		a.aim = 1 + some(run.usual[OPERATION] + run.usual[OPERATION] / 4);
	}
	s->kind = RESIDENT;
	s->timed = a.aim > 0;
	s->pid = fork();
	if (s->pid == -1)
		die("fork");
	if (s->pid == 0)
		actor_run(&a);
	s->kill_at = a.aim > 0 || a.ordered ? s->began + PATIENCE : moment(s);
}

static void
start(struct seat *s)
{
	bool consumer = run.ordered && s == run.seat;
	enum kind kind;

	s->began = boot_time();
	if (consumer || dice(&run.seed, 2) == 0) {
		start_resident(s, consumer);
		run.seed++;
	} else {
		s->timed = false;
		s->command.pushes = true;
		s->command.takes = !run.ordered;
		s->pid = command_start(&s->command, &kind);
		s->kind = kind;
		s->kill_at = moment(s);
	}
	if ((s->fd = pidfd_open(s->pid, 0)) == -1)
		die("pidfd_open");
}

static bool
is_amid(const struct journal *j)
{
	unsigned count = atomic_load(&j->count);

	return (count > 0 && j->note[count - 1].answered == 0);
}

/* It has ended, or does so now. */
static void
end(struct seat *s, bool kill_it)
{
	struct journal *j = journal_of(s);
	uint64_t now = tick(run.shared);
	int status;

	if (s->timed) /* by then it may be dead for long */
		now = note_last(j);

	if (kill_it)
		(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) == -1)
		if (errno != EINTR)
			die("waitpid");
	(void)close(s->fd);
	s->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		run.killed[s->kind == RESIDENT]++;
		run.amid += is_amid(j);
	}
	if (s->kind == RESIDENT) {
		learn_of(s, j, boot_time());
		if (!WIFSIGNALED(status) ? status != 0 : WTERMSIG(status) != SIGKILL)
			note_say(
			    j, "a resident ended with status %x", (unsigned)status);
	} else {
		if (WIFEXITED(status))
			learn(s->kind, boot_time() - s->began);
		command_end(&s->command, (enum kind)s->kind, status);
	}
	judge_add(run.judge, (unsigned)(s - run.seat), j, now);
}

/* ---- rounds ---- */

static uint64_t
killed(void)
{
	return (run.killed[0] + run.killed[1]);
}

/* Until somebody has ended or is to be killed. */
static void
wait_for_any(struct pollfd poll[2 * ACTORS])
{
	q_time next = INT64_MAX, now = boot_time();
	struct timespec ts;

	for (unsigned i = run.actors; i < ACTORS; i++)
		poll[i].fd = -1;
	for (unsigned i = 0; i < run.actors; i++) {
		poll[i] = (struct pollfd){ .fd = run.seat[i].fd, .events = POLLIN };
		poll[ACTORS + i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (run.seat[i].kind != RESIDENT && run.seat[i].command.pipe)
			poll[ACTORS + i].fd = run.seat[i].command.out;
		if (run.seat[i].kill_at < next)
			next = run.seat[i].kill_at;
	}
	if ((next -= now) < 0)
		next = 0;
	ts = (struct timespec){ next / Q_SECOND, (long)(next % Q_SECOND) };
	if (ppoll(poll, ACTORS + run.actors, &ts, NULL) == -1)
		die("ppoll");
}

static void
step(void)
{
	struct pollfd poll[2 * ACTORS];

	wait_for_any(poll);
	for (unsigned i = 0; i < run.actors; i++) {
		struct seat *s = &run.seat[i];
		bool is_time = boot_time() >= s->kill_at;

		if (poll[ACTORS + i].revents & POLLIN)
			command_read(&s->command);
		if (poll[i].revents == 0 && !is_time)
			continue;
		if (is_time && boot_time() >= s->began + PATIENCE)
			note_say(journal_of(s), "kind %u hangs", s->kind);
		end(s, poll[i].revents == 0);
		start(s);
	}
}

static void
play_round(void)
{
	uint64_t until = killed() + run.round_kills;
	struct verdict v;
	char name[64];

	(void)snprintf(name, sizeof(name), "round %" PRIu64, run.rounds + 1);
	judge_begin(run.judge, name);
	run.ordered = run.rounds++ % ORDER_EACH == ORDER_EACH - 1;
	for (unsigned i = 0; i < run.actors; i++)
		start(&run.seat[i]);
	while (killed() < until && judge_has_room(run.judge))
		step();
	for (unsigned i = 0; i < run.actors; i++)
		end(&run.seat[i], true);
	for (unsigned i = 0; i < run.actors; i++)
		run.seat[i].command.receipts = 0;
	v = judge_round(run.judge);
	run.sum.pushed += v.pushed;
	run.sum.delivered += v.delivered;
	run.sum.stored_untold += v.stored_untold;
	run.sum.ended_untold += v.ended_untold;
	run.sum.wrong += v.wrong;
}

/* Failures come back at once, large bodies are rare but not too rare, some die. */
static void
make_queue(void)
{
	static const struct {
		enum q_option option;
		uint64_t value;
	} set[] = { { Q_OPT_BACKOFF, 0 }, { Q_OPT_INLINE, INLINE },
		{ Q_OPT_MAX_ATTEMPTS, 8 } };
	const struct q_open how = { .flags = Q_CREATE | Q_EXCL };
	struct q *q;
	int rc = q_open(run.path, &how, &q);

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]) && rc == 0; i++)
		rc = q_option_set(q, set[i].option, set[i].value);
	if (rc != 0) {
		fprintf(stderr, "killer: %s: %s\n", run.path, q_errmsg());
		exit(3);
	}
	q_close(q);
}

static void
prepare(void)
{
	run.shared = note_room(sizeof(*run.shared));
	atomic_store(&run.shared->serial, 1);
	make_queue();
	run.judge = judge_new(run.path, run.shared);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned i = 0; i < run.actors; i++)
		run.seat[i].command = (struct command){ .bin = run.bin,
			.path = run.path,
			.shared = run.shared,
			.journal = &run.shared->journal[i],
			.seed = run.seed * ACTORS + i };
}

static void
arguments(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "a:k:r:s:")) != -1;) {
		uint64_t n = c == '?' ? 0 : strtoull(optarg, NULL, 10);

		if (n == 0 || (c == 'a' && n > ACTORS))
			exit(2);
		*(c == 'k'     ? &run.kills
		    : c == 'r' ? &run.round_kills
			       : &run.seed) = c == 'a' ? run.seed : n;
		if (c == 'a')
			run.actors = (unsigned)n;
	}
	if (argc - optind != 2)
		exit(2);
	run.bin = argv[optind];
	run.path = argv[optind + 1];
}

static void
print_figures(const char *head)
{
	double seconds = (double)(boot_time() - run.began) / (double)Q_SECOND;

	printf("%skills %" PRIu64 " commands %" PRIu64 " residents %" PRIu64
	       " amid %" PRIu64 " rounds %" PRIu64 " messages %" PRIu64
	       " deliveries %" PRIu64 " stored_untold %" PRIu64 " ended_untold %" PRIu64
	       " violations %" PRIu64 " seconds %.1f per_second %.0f\n",
	    head, killed(), run.killed[0], run.killed[1], run.amid, run.rounds,
	    run.sum.pushed, run.sum.delivered, run.sum.stored_untold,
	    run.sum.ended_untold, run.sum.wrong, seconds, (double)killed() / seconds);
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	arguments(argc, argv);
	prepare();
	run.began = boot_time();
	while (killed() < run.kills) {
		uint64_t before = killed();

		play_round();
		if (killed() / TOLD_EACH != before / TOLD_EACH && killed() < run.kills)
			print_figures("so far: ");
	}
	print_figures("");
	return (run.sum.wrong > 0);
}
