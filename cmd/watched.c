/* SPDX-License-Identifier: ISC */
/* Queues that are watched for long. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "diag.h"
#include "now.h"
#include "queue.h"
#include "root.h"

#include "watched.h"

struct q *
watched_open(const char *name, int *status)
{
	static const struct q_open look = { .flags = Q_RDONLY };

	return (queue_try(name, &look, status));
}

void
watched_lost(const char *name, struct q *q)
{
	q_close(q);
	diag_warn(name, "the queue was removed or replaced; waiting for another");
}

struct q *
watched_again(const char *name, int *status)
{
	struct q *q;

	*status = 0;
	if (!queue_exists(name) || (q = watched_open(name, status)) == NULL)
		return (NULL);
	diag_warn(name, "there is a queue again");
	return (q);
}

/* When the root was changed last; 0: it was just now, or that is not known. */
static q_time
root_changed(void)
{
	char *path = NULL;
	struct stat st;
	q_time when = 0;

	if (q_root(&path) == 0 && stat(path, &st) == 0)
		when = (q_time)st.st_mtim.tv_sec * Q_SECOND + st.st_mtim.tv_nsec;
	free(path);
	/* What follows within a tick of its clock does not change it again. */
	return (when < now_wall() - Q_SECOND ? when : 0);
}

const char *
watched_know(struct watched_root *root, const char *name)
{
	char *copy = strdup(name);

	root->names = reallocarray(root->names, root->n + 1, sizeof(*root->names));
	if (copy == NULL || root->names == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	root->names[root->n++] = copy;
	return (copy);
}

static bool
is_known(struct watched_root *root, const char *name)
{
	/* Asked in order, most are behind the one before. */
	for (size_t i = 0; i < root->n; i++)
		if (strcmp(root->names[root->asked++ % root->n], name) == 0)
			return (true);
	return (false);
}

void
watched_more(
    struct watched_root *root, void (*add)(void *arg, const char *name), void *arg)
{
	q_time changed;
	int status = 0;
	char **names;
	size_t n;

	if (!root->used || now_monotonic() < root->next)
		return;
	root->next = now_after(Q_SECOND);
	changed = root_changed();
	if (changed != 0 && changed == root->seen)
		return;
	if ((names = root_names(&n, &status)) == NULL)
		root->used = false; /* that was said, and once is enough */
	else
		root->seen = changed;
	for (size_t i = 0; names != NULL && i < n; i++)
		if (!is_known(root, names[i]))
			add(arg, watched_know(root, names[i]));
	root_free(names);
}

void
watched_forget(struct watched_root *root)
{
	for (size_t i = 0; i < root->n; i++)
		free(root->names[i]);
	free(root->names);
}

void
watched_many(bool many)
{
	static struct rlimit before;
	struct rlimit limit;

	if (before.rlim_max == 0 && getrlimit(RLIMIT_NOFILE, &before) != 0)
		return;
	limit = before;
	if (many)
		limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* no more than there may be */
}
