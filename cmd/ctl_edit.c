/* SPDX-License-Identifier: ISC */
/* qctl edit: another body for a message, from an editor. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "queue.h"

#include "admin.h"

struct edit {
	const struct ctl *c;
	uint64_t id;
	struct q_batch *b;
	const struct q_msg *m;
	char *path;       /* of the file that is edited */
	const char *body; /* what was written to it, while the file of it is mapped */
	size_t size;
};

static _Noreturn void
give_up(const struct edit *e, int status, const char *why)
{
	if (e->path != NULL)
		(void)unlink(e->path);
	diag_die(status, e->c->queue, "%" PRIu64 ": %s", e->id, why);
}

/* ---- the file ---- */

static void
write_all(const struct edit *e, int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = write(fd, p, n)) == -1) {
			if (errno != EINTR)
				give_up(e, DIAG_FAILED, strerror(errno));
			done = 0;
		}
}

/* What is in a file, to be read; an empty one is "". */
static const char *
map(const struct edit *e, int fd, size_t *size)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		give_up(e, DIAG_FAILED, strerror(errno));
	*size = (size_t)st.st_size;
	if (*size == 0)
		return ("");
	if ((p = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		give_up(e, DIAG_FAILED, strerror(errno));
	return (p);
}

static void
read_message(struct edit *e)
{
	struct q *q = queue_open(e->c->queue, NULL); /* as it is to be changed */
	int rc = q_get(q, e->id, &e->b), fd;

	if (rc == 0) {
		e->m = q_batch_get(e->b, 0);
		e->body = e->m->body;
		e->size = e->m->body_size;
	}
	if (rc == 0 && e->m->blob && !e->m->damaged &&
	    (rc = q_msg_open(q, e->m, &fd)) == 0) {
		e->body = map(e, fd, &e->size);
		(void)close(fd); /* it was only read */
	}
	if (rc != 0)
		give_up(e, diag_status(rc), q_errmsg());
	q_close(q);
	if (e->m->damaged)
		give_up(e, DIAG_CORRUPT, "is damaged");
	if (e->m->state == Q_LEASED)
		give_up(e, DIAG_NO, "is leased");
	if (e->m->moving)
		give_up(e, DIAG_NO, "is on its way to another queue");
}

static void
write_file(struct edit *e)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (asprintf(&e->path, "%s/qctl-%" PRIu64 "-XXXXXX",
		dir != NULL && *dir != '\0' ? dir : "/tmp", e->id) == -1)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if ((fd = mkostemp(e->path, O_CLOEXEC)) == -1)
		diag_die(DIAG_FAILED, e->path, "%s", strerror(errno));
	write_all(e, fd, e->body, e->size);
	if (close(fd) != 0)
		give_up(e, DIAG_FAILED, strerror(errno));
}

/* ---- the editor ---- */

static _Noreturn void
exec_editor(const struct edit *e)
{
	diag_child();
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	(void)execl("/bin/sh", "sh", "-c",
	    "eval \"${VISUAL:-${EDITOR:-vi}} \\\"\\$1\\\"\"", "qctl", e->path,
	    (char *)NULL);
	_exit(127);
}

/* A terminal's signals are the editor's. */
static void
run_editor(const struct edit *e)
{
	int status = 0;
	pid_t pid;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if ((pid = fork()) == -1)
		give_up(e, DIAG_FAILED, strerror(errno));
	if (pid == 0)
		exec_editor(e);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			give_up(e, DIAG_FAILED, strerror(errno));
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		give_up(e, DIAG_COMMAND, "the editor failed; nothing changed");
}

/* ---- what comes of it ---- */

/* Editors end a file with a newline; a body that had none gets none. */
static bool
is_changed(const struct edit *e, const char *text, size_t *size)
{
	bool had = e->size > 0 && e->body[e->size - 1] == '\n';

	if (!had && *size > 0 && text[*size - 1] == '\n')
		--*size;
	return (*size != e->size || memcmp(text, e->body, *size) != 0);
}

static int
store(const struct edit *e, const char *text, size_t size)
{
	int status = 0, rc;
	struct q *q = queue_try(e->c->queue, NULL, &status);
	uint64_t id = 0;

	if (q == NULL) {
		diag_error(
		    e->c->queue, "%" PRIu64 ": your text is in %s", e->id, e->path);
		return (status);
	}
	rc = q_replace(q, e->m, text, size, NULL, &id);
	if (rc == 0 && !opt_common.quiet)
		printf("replaced by message %" PRIu64 "\n", id);
	else if (rc != 0)
		diag_error(e->c->queue, "%" PRIu64 ": %s; your text is in %s", e->id,
		    q_errmsg(), e->path);
	q_close(q);
	if (rc == 0)
		(void)unlink(e->path);
	return (rc == 0 ? 0 : diag_status(rc));
}

int
ctl_edit(const struct ctl *c)
{
	uint64_t *ids = ctl_ids(c->rest, 1);
	struct edit e = { .c = c, .id = ids[0] };
	const char *text;
	size_t size;
	int fd, status;

	free(ids);
	read_message(&e);
	write_file(&e);
	run_editor(&e);
	/* It may be another file of that name. */
	if ((fd = open(e.path, O_RDONLY | O_CLOEXEC)) == -1)
		diag_die(DIAG_FAILED, e.path, "%s; nothing changed", strerror(errno));
	text = map(&e, fd, &size);
	if (!is_changed(&e, text, &size)) {
		(void)unlink(e.path);
		diag_warn(c->queue, "%" PRIu64 ": unchanged", e.id);
		status = 0;
	} else if (size == 0) {
		give_up(&e, DIAG_NO, "the text is empty; nothing changed");
	} else {
		status = store(&e, text, size);
	}
	(void)close(fd); /* it was only read */
	q_batch_free(e.b);
	free(e.path);
	return (status);
}
