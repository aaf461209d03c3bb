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
	int rc = q_backup(q, c->rest[0]);

	q_close(q);
	if (rc == Q_ECORRUPT || rc == Q_EBUSY || rc == Q_ENOQUEUE || rc == Q_EVERSION)
		return (queue_fail(c->queue, rc));
	if (rc == Q_EINVAL)
		diag_die(DIAG_FAILED, c->rest[0], "%s", q_errmsg());
	if (rc != 0) /* mostly what is of the directory, but for what cannot be read */
		diag_error(c->queue, "to %s: %s", c->rest[0], q_errmsg());
	return (rc == 0 ? 0 : diag_status(rc));
}
