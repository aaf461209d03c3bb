/* SPDX-License-Identifier: ISC */
/* Queues that are watched for long. */
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
