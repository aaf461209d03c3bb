/* SPDX-License-Identifier: ISC */
/* qctl pause and resume. */
#include <string.h>

#include "diag.h"
#include "queue.h"

#include "admin.h"

static unsigned
gates(const struct ctl *c)
{
	if (c->n == 0)
		return (Q_GATE_IN | Q_GATE_OUT);
	if (strcmp(c->rest[0], "in") == 0)
		return (Q_GATE_IN);
	if (strcmp(c->rest[0], "out") == 0)
		return (Q_GATE_OUT);
	diag_usage("'%.64s' is neither 'in' nor 'out'", c->rest[0]);
}

static int
set_gates(const struct ctl *c, bool close)
{
	unsigned which = gates(c);
	struct q *q = queue_open(c->queue, NULL);
	int rc = q_pause(q, which, close);

	q_close(q);
	return (rc == 0 ? 0 : queue_fail(c->queue, rc));
}

int
ctl_pause(const struct ctl *c)
{
	return (set_gates(c, true));
}

int
ctl_resume(const struct ctl *c)
{
	return (set_gates(c, false));
}
