/* SPDX-License-Identifier: ISC */
/* qctl backup: a copy of a queue in use. */
#include "diag.h"
#include "queue.h"

#include "admin.h"

int
ctl_backup(const struct ctl *c)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	struct q *q = queue_open(c->queue, &look);
	int rc = q_backup(q, c->rest[0]), status;

	q_close(q);
	if (rc == 0)
		return (0);
	status = queue_fail(rc == Q_EINVAL ? c->rest[0] : c->queue, rc);
	return (rc == Q_EINVAL ? DIAG_FAILED : status);
}
