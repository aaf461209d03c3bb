/* SPDX-License-Identifier: ISC */
/* qctl rm: remove a queue and all that is in it. */
#include <inttypes.h>
#include <stdlib.h>

#include "diag.h"
#include "queue.h"

#include "admin.h"

/* What it would remove is counted, where damage is not to be expected. */
static int
say(const struct ctl *c)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	struct q *q = queue_open(c->queue, &look);
	struct q_stat stat = { .pushed = 0 };
	uint64_t n = 0;
	int rc = opt_common.force ? 0 : q_stat(q, &stat);

	q_close(q);
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	for (int s = Q_READY; s < Q_STATES; s++)
		n += stat.count[s];
	if (opt_common.force)
		ctl_would(c, "would remove the queue, whatever is in it");
	else
		ctl_would(c, "would remove the queue and its %" PRIu64 " message%s", n,
		    n == 1 ? "" : "s");
	return (DIAG_USAGE);
}

int
ctl_rm(const struct ctl *c)
{
	struct q_open args = { .lock_wait = opt_common.lock_wait };
	char *path = NULL;
	int rc;

	if (!ctl_has(c, CTL_YES))
		return (say(c));
	args.flags = opt_common.force ? Q_FORCE : 0;
	diag_queue(c->queue);
	if ((rc = q_path(c->queue, &path)) == 0)
		rc = q_remove(path, &args);
	free(path);
	return (rc == 0 ? 0 : queue_fail(c->queue, rc));
}
