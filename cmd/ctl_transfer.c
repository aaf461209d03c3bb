/* SPDX-License-Identifier: ISC */
/* qctl move, copy and redrive --to: messages from queue to queue. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "diag.h"
#include "queue.h"
#include "stop.h"

#include "admin.h"

/* What a move finds there of its own is moved with its end here. */
static void
say_done(const char *did, const struct q_managed *sum, bool copy)
{
	uint64_t known = copy ? sum->known : 0, n = sum->count - known;

	printf("%s %" PRIu64 " message%s", did, n, n == 1 ? "" : "s");
	if (known > 0)
		printf(", %" PRIu64 " %s there already", known,
		    known == 1 ? "was" : "were");
	(void)putchar('\n');
}

/* What went wrong, by the queue it is of; what was done is said in any case. */
static int
run(const struct ctl *c, const struct q_transfer *how, const char *to, const char *did)
{
	const struct q_open look = { .flags = how->copy ? Q_RDONLY : 0 };
	struct q_managed sum = { 0 };
	struct q *from = queue_open(c->queue, &look), *q = queue_open(to, NULL);
	int rc, status = 0;

	stop_catch();
	rc = q_transfer(from, q, how, &sum);
	q_close(q);
	q_close(from);
	if (rc == Q_EINVAL)
		diag_usage("%s: %s", to, q_errmsg());
	if (!opt_common.quiet && (rc == 0 || sum.count > 0))
		say_done(did, &sum, how->copy);
	if (rc != 0)
		return (queue_fail(sum.there ? to : c->queue, rc));
	status = ctl_refused(c, &how->which, sum.refused,
	    how->copy ? "is of another state, or its time to live is over"
		      : "is of another state, or leased, or its time to live is "
			"over, or it is on its way to another queue");
	if (!how->copy && sum.known > 0) {
		diag_error(c->queue,
		    "%" PRIu64 " left; there are others of their keys in %s", sum.known,
		    to);
		status = status == 0 ? DIAG_NO : status;
	}
	if (stop_signal() != 0) {
		diag_error(c->queue, "stopped; the same again takes over the rest");
		status = DIAG_AGAIN;
	}
	return (status);
}

static int
transfer(const struct ctl *c, struct q_transfer how, const char *to, char **ids,
    size_t n, const char *did)
{
	int *codes = calloc(n + 1, sizeof(*codes)), status;
	uint64_t *list = ctl_ids(ids, n);

	if (codes == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	how.most = c->limit;
	how.which.older = c->older;
	how.which.reason = c->reason;
	how.which.force = opt_common.force;
	if (c->state != 0)
		how.which.states = 1U << c->state;
	if (n > 0) {
		how.which.ids = list;
		how.which.id_count = n;
		how.which.codes = codes;
	}
	status = run(c, &how, to, did);
	free(codes);
	free(list);
	return (status);
}

int
ctl_move(const struct ctl *c)
{
	return (transfer(c, (struct q_transfer){ .copy = false }, c->rest[0],
	    c->rest + 1, c->n - 1, "moved"));
}

int
ctl_copy(const struct ctl *c)
{
	return (transfer(c, (struct q_transfer){ .copy = true }, c->rest[0],
	    c->rest + 1, c->n - 1, "copied"));
}

int
ctl_redrive_to(const struct ctl *c)
{
	return (transfer(c, (struct q_transfer){ .which = { .states = 1U << Q_DEAD } },
	    c->to, c->rest, c->n, "made ready again"));
}
