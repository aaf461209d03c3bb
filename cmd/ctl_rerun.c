/* SPDX-License-Identifier: ISC */
/* qctl rerun: the command that failed, again, in the place of this process. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "body.h"
#include "diag.h"
#include "jobenv.h"
#include "queue.h"

#include "admin.h"

extern char **environ;

static _Noreturn void
give_up(const struct ctl *c, int status, const char *why)
{
	diag_die(status, c->queue, "%s: %s", c->rest[0], why);
}

/* The last of its failures whose command is known. */
static const struct q_report *
find(const struct ctl *c, const struct q_msg *m)
{
	for (size_t i = m->failure_count; i > 0; i--) {
		const struct q_report *r = &m->failures[i - 1].report;

		if (r->command_size > 0 && r->command[r->command_size - 1] == '\0')
			return (r);
	}
	give_up(c, DIAG_NO,
	    m->failure_count == 0 ? "it has not failed"
				  : "which command failed is not known");
}

/* The wrapper, and the command with its marks replaced, whose words are in *replaced.
 */
static char **
arguments(const struct ctl *c, const struct q_msg *m, const struct q_report *r,
    char ***replaced)
{
	const char *mark = r->command, *end = mark + r->command_size;
	char **words = calloc(c->n + r->command_size + 1, sizeof(*words));
	char *text = NULL;
	size_t n = 0;

	if (words == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (const char *p = mark + strlen(mark) + 1; p < end; p += strlen(p) + 1)
		words[n++] = (char *)(uintptr_t)p;
	if (n == 0)
		give_up(c, DIAG_CORRUPT, "the command has no words");
	if (jobenv_has_mark(words, mark) && (text = body_argument(m)) == NULL)
		give_up(c, DIAG_FAILED, "the body cannot be an argument");
	*replaced = jobenv_arguments(words, mark, text);
	free(text);
	if (*replaced == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	/* Its first element is "sh", which execvp() adds itself where need be. */
	memcpy(words, c->rest + 1, (c->n - 1) * sizeof(*words));
	memcpy(words + c->n - 1, *replaced + 1, (n + 1) * sizeof(*words));
	return (words);
}

/* A receipt that fits nothing is in it, unless the message is leased. */
static char **
environment(const struct ctl *c, const struct q_msg *m)
{
	struct q_msg copy = *m;
	char **env;

	if (copy.receipt.id == 0)
		copy.receipt = (struct q_receipt){ m->id, m->delivery, 0 };
	if ((env = jobenv_environment(c->queue, &copy)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	return (env);
}

/* The body as stdin. */
static void
give_body(const struct ctl *c, struct q *q, const struct q_msg *m)
{
	const char *p = m->body;
	ssize_t done;
	int fd, rc;

	if (m->blob) {
		if ((rc = q_msg_open(q, m, &fd)) != 0)
			give_up(c, diag_status(rc), q_errmsg());
	} else {
		fd = memfd_create("body", MFD_CLOEXEC);
		for (size_t n = m->body_size; fd != -1 && n > 0;
		     p += done, n -= (size_t)done)
			if ((done = write(fd, p, n)) == -1)
				give_up(c, DIAG_FAILED, strerror(errno));
	}
	if (fd == -1 || lseek(fd, 0, SEEK_SET) == -1 || dup2(fd, STDIN_FILENO) == -1)
		give_up(c, DIAG_FAILED, strerror(errno));
}

int
ctl_rerun(const struct ctl *c)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	struct q *q = queue_open(c->queue, &look);
	uint64_t *ids = ctl_ids(c->rest, 1);
	struct q_batch *b = NULL;
	const struct q_msg *m;
	char **words, **replaced, **env;
	int rc;

	if ((rc = q_get(q, ids[0], &b)) != 0)
		give_up(c, diag_status(rc), q_errmsg());
	m = q_batch_get(b, 0);
	if (m->damaged)
		give_up(c, DIAG_CORRUPT, "is damaged");
	give_body(c, q, m);
	words = arguments(c, m, find(c, m), &replaced);
	env = environment(c, m);
	q_close(q);
	diag_child();
	environ = env;
	(void)execvp(words[0], words);
	diag_error(words[0], "%s", strerror(errno));
	environ = NULL;
	jobenv_free(env);
	jobenv_free(replaced);
	free(words);
	free(ids);
	q_batch_free(b);
	return (DIAG_FAILED);
}
