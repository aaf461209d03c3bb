/* SPDX-License-Identifier: ISC */
/* Queues that are watched for long. */
#include <sys/resource.h>

#include "diag.h"
#include "queue.h"

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
