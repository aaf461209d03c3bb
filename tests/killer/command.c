/* SPDX-License-Identifier: ISC */
/*
 * Commands that are started and may be killed, with files or pipes for stdin and
 * stdout: what one has written when it is dead is what it has promised.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

enum { ROOM = 1 << 18, WORDS = 16 };

extern char **environ;

static void
die(const char *what)
{
	fprintf(stderr, "killer: %s: %s\n", what, strerror(errno));
	exit(3);
}

static int
file(void)
{
	int fd = memfd_create("killer", MFD_CLOEXEC);

	if (fd == -1)
		die("memfd_create");
	return (fd);
}

/* What is written first is all that is read. */
static int
input(struct command *c, const char *data, size_t size)
{
	int pipe[2];

	if (dice(&c->seed, 2) == 0 && pipe2(pipe, O_CLOEXEC) == 0) {
		if (fcntl(pipe[1], F_SETPIPE_SZ, ROOM) >= ROOM &&
		    write(pipe[1], data, size) == (ssize_t)size) {
			(void)close(pipe[1]);
			return (pipe[0]);
		}
		(void)close(pipe[0]);
		(void)close(pipe[1]);
	}
	pipe[0] = file();
	if (pwrite(pipe[0], data, size, 0) != (ssize_t)size)
		die("write");
	return (pipe[0]);
}

/* The end to be written to; c->out is the end to be read from, when it has ended. */
static int
output(struct command *c)
{
	int pipe[2];

	c->size = 0;
	c->pipe = dice(&c->seed, 2) == 0;
	if (c->pipe) {
		if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0 ||
		    fcntl(pipe[1], F_SETFL, 0) != 0)
			die("pipe");
		c->out = pipe[0];
		return (pipe[1]);
	}
	c->out = file();
	return (fcntl(c->out, F_DUPFD_CLOEXEC, 0));
}

static pid_t
spawn(struct command *c, const char **argv, const char *in, size_t size)
{
	posix_spawn_file_actions_t actions;
	char path[4096];
	int out = output(c);
	pid_t pid;

	c->in = input(c, in, size);
	c->err = file();
	(void)snprintf(path, sizeof(path), "%s/%s", c->bin, argv[0]);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, c->in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, c->err, STDERR_FILENO);
	if ((errno = posix_spawn(&pid, path, &actions, NULL, (char **)argv, environ)) !=
	    0)
		die(path);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(out);
	return (pid);
}

/* ---- starting ---- */

static pid_t
push(struct command *c)
{
	static char *text;
	const char *lines[] = { "qpush", "--lock-wait", "10m", "-i", "-l", c->path,
		NULL };
	const char *one[] = { "qpush", "--lock-wait", "10m", "-i", c->path, NULL };
	unsigned n = 1 + (unsigned)dice(&c->seed, ITEMS);
	uint64_t serial = atomic_fetch_add(&c->shared->serial, n);
	struct note *note = note_new(c->journal, PUSH, n);
	size_t size = 0;

	if (text == NULL)
		text = note_room(ITEMS * (BODY_MOST + 1));
	for (unsigned i = 0; i < n; i++) {
		note->item[i].serial = serial + i;
		size += body_make(serial + i, text + size);
		text[size++] = '\n';
	}
	note_ask(c->shared, c->journal, note);
	return (n == 1 ? spawn(c, one, text, size - 1) : spawn(c, lines, text, size));
}

static pid_t
take(struct command *c, bool prints)
{
	static const struct {
		const char *word;
		q_time lease;
	} leases[] = { { "20ms", Q_SECOND / 50 }, { "200ms", Q_SECOND / 5 },
		{ "20s", 20 * Q_SECOND } };
	size_t i = dice(&c->seed, 3);
	char number[] = { (char)('1' + (int)dice(&c->seed, ITEMS)), '\0' };
	const char *argv[WORDS] = { "qpop", "--lock-wait", "10m", "-l", "-n", number,
		c->path, prints ? NULL : "-L", leases[i].word };
	struct note *note = note_new(c->journal, TAKE, 0);

	note->printed = true;
	note->lease = prints ? 0 : leases[i].lease;
	note_ask(c->shared, c->journal, note);
	return (spawn(c, argv, "", 0));
}

static pid_t
settle(struct command *c)
{
	static const struct {
		const char *word;
		enum q_verb verb;
	} verbs[] = { { NULL, Q_ACK }, { NULL, Q_ACK }, { NULL, Q_ACK },
		{ "--release", Q_RELEASE }, { "--fail", Q_FAIL }, { "--dead", Q_KILL },
		{ "--extend=200ms", Q_EXTEND } };
	const char *argv[WORDS] = { "qack", "--lock-wait", "10m", c->path };
	char text[ITEMS][Q_MAX_RECEIPT];
	struct note *note = note_new(c->journal, SETTLE, c->receipts);
	size_t words = 4, i = dice(&c->seed, sizeof(verbs) / sizeof(verbs[0]));

	while (c->verb != 0 && verbs[i].verb != c->verb) /* the same once more */
		i = (i + 1) % (sizeof(verbs) / sizeof(verbs[0]));
	note->verb = verbs[i].verb;
	note->lease = Q_SECOND / 5;
	memcpy(note->item, c->item, sizeof(note->item));
	for (unsigned r = 0; r < c->receipts; r++) {
		q_receipt_format(&c->item[r].receipt, text[r]);
		argv[words++] = text[r];
	}
	argv[words++] = verbs[i].word;
	note_ask(c->shared, c->journal, note);
	return (spawn(c, argv, "", 0));
}

pid_t
command_start(struct command *c, enum kind *kind)
{
	if (c->receipts > 0 && dice(&c->seed, 100) < 85) {
		*kind = KIND_SETTLE;
		return (settle(c));
	}
	c->receipts = 0;
	c->verb = 0;
	if (c->pushes && (!c->takes || dice(&c->seed, 100) < 50)) {
		*kind = KIND_PUSH;
		return (push(c));
	}
	*kind = dice(&c->seed, 2) == 0 ? KIND_PRINT : KIND_LEASE;
	return (take(c, *kind == KIND_PRINT));
}

/* ---- what it has written ---- */

static void
ids(struct note *note, char *p)
{
	for (unsigned i = 0; i < note->n; i++) {
		char *end = strchr(p, '\n');

		if (end == NULL)
			return;
		note->item[i].id = strtoull(p, NULL, 10);
		p = end + 1;
	}
}

/* Lines "RECEIPT\tBODY" or, if printed, "BODY"; the last one perhaps in part. */
static void
messages(struct journal *j, struct note *note, char *p)
{
	for (char *end; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		struct item *item = &note->item[note->n];
		char *tab =
		    note->lease == 0 ? NULL : memchr(p, '\t', (size_t)(end - p));

		*end = '\0';
		if (note->n++ == ITEMS) {
			note_say(j, "more was printed than asked for");
			note->n = ITEMS;
			return;
		}
		if (tab != NULL) {
			*tab = '\0';
			if (q_receipt_parse(p, &item->receipt) != 0)
				note_say(j, "no receipt: %.40s", p);
			item->id = item->receipt.id;
			p = tab + 1;
		}
		item->serial = body_serial(p, (size_t)(end - p));
		if (item->serial == 0)
			note_say(j, "another body: %.40s", p);
	}
}

static size_t
read_all(int fd, char *text, size_t room)
{
	size_t size = 0;
	ssize_t n;

	while (size < room - 1 && (n = read(fd, text + size, room - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	return (size);
}

void
command_read(struct command *c)
{
	if (c->text == NULL)
		c->text = note_room(ROOM);
	c->size += read_all(c->out, c->text + c->size, ROOM - c->size);
}

/* Which receipts there are to settle next. */
static void
keep(struct command *c, enum kind kind, const struct note *note)
{
	if (kind == KIND_LEASE) {
		c->receipts = note->n;
		memcpy(c->item, note->item, sizeof(c->item));
	} else if (kind == KIND_SETTLE && note->answered != 0) {
		c->verb = 0;
		if (note->verb != Q_EXTEND)
			c->receipts = 0;
	} else if (kind == KIND_SETTLE) {
		c->verb = dice(&c->seed, 4) > 0 ? note->verb : 0;
	}
}

void
command_end(struct command *c, enum kind kind, int status)
{
	char err[SAID];
	struct note *note = &c->journal->note[atomic_load(&c->journal->count) - 1];
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (!c->pipe)
		(void)lseek(c->out, 0, SEEK_SET);
	(void)lseek(c->err, 0, SEEK_SET);
	command_read(c);
	(void)read_all(c->err, err, sizeof(err));
	(void)close(c->in);
	(void)close(c->out);
	(void)close(c->err);
	if (kind == KIND_PUSH)
		ids(note, c->text);
	else if (kind != KIND_SETTLE)
		messages(c->journal, note, c->text);
	/* A lease's short time was over before it was read. */
	if (code == 75 && strstr(err, " was lost before ") != NULL)
		code = 1;
	if (code > 1 || (code == 1 && kind == KIND_PUSH) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
		note_say(c->journal, "status %x: %s", (unsigned)status, err);
	if (kind == KIND_SETTLE && code == 1)
		note->item[0].code = Q_ESTALE;
	/* One of several receipts was refused, nobody knows which. */
	if (code == 0 || (code == 1 && (kind != KIND_SETTLE || note->n == 1)))
		note_answer(c->shared, note, 0);
	keep(c, kind, note);
}
