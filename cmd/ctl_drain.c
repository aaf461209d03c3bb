/* SPDX-License-Identifier: ISC */
/* qctl drain: take in no more, and wait until what is there is done. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "diag.h"
#include "now.h"
#include "queue.h"
#include "stop.h"

#include "admin.h"

#define LOOK   (Q_SECOND / 10) /* between two looks */
#define SILENT (5 * Q_SECOND)  /* and between two lines about them */

struct drain {
	const struct ctl *c;
	struct q *q;
	struct q_stat stat;
	q_time until; /* monotonic */
	q_time said;  /* likewise: when the last line was printed */
	uint64_t left, shown;
	bool ours; /* that nothing comes in */
};

static int
look(struct drain *d)
{
	const uint64_t *n = d->stat.count;
	int rc = q_stat(d->q, &d->stat);

	d->left = n[Q_READY] + n[Q_DELAYED] + n[Q_BLOCKED] + n[Q_LEASED];
	return (rc);
}

static void
say(struct drain *d)
{
	const uint64_t *n = d->stat.count;

	if (d->shown == d->left || (d->said != 0 && now_monotonic() < d->said + SILENT))
		return;
	diag_warn(d->c->queue,
	    "waiting for %" PRIu64 " ready, %" PRIu64 " delayed, %" PRIu64
	    " blocked, %" PRIu64 " leased%s",
	    n[Q_READY], n[Q_DELAYED], n[Q_BLOCKED], n[Q_LEASED],
	    d->stat.paused_out != 0 ? "; but its way out is paused" : "");
	d->said = now_monotonic();
	d->shown = d->left;
}

static void
nap(void)
{
	static const struct timespec t = { .tv_nsec = LOOK };

	(void)nanosleep(&t, NULL); /* a signal ends it */
}

/* 0: nothing is left; Q_ETIMEDOUT; Q_EBUSY also when a signal came. */
static int
wait_for_all(struct drain *d)
{
	int rc;

	while ((rc = look(d)) == 0 && d->left > 0) {
		if (stop_signal() != 0)
			return (Q_EBUSY);
		say(d);
		if (now_monotonic() >= d->until)
			return (Q_ETIMEDOUT);
		nap();
	}
	return (rc);
}

/* Whoever stops it wants it undone: unless it was so before. */
static int
give_up(struct drain *d)
{
	int rc = d->ours ? q_pause(d->q, Q_GATE_IN, false) : 0;

	if (rc != 0)
		(void)queue_fail(d->c->queue, rc);
	else
		diag_error(d->c->queue, "stopped; %" PRIu64 " left; %s", d->left,
		    d->ours ? "it takes in messages again" : "still paused");
	q_close(d->q);
	stop_exit();
}

static int
finish(struct drain *d, int rc)
{
	int status = 0;

	if (rc == Q_ETIMEDOUT) {
		diag_error(d->c->queue, "%" PRIu64 " left; it stays paused", d->left);
		status = DIAG_NO;
	} else if (rc != 0) {
		status = queue_fail(d->c->queue, rc);
	} else if (!opt_common.quiet) {
		printf("drained\n");
	}
	q_close(d->q);
	return (status);
}

int
ctl_drain(const struct ctl *c)
{
	struct drain d = { .c = c, .until = Q_FOREVER };
	int rc;

	d.q = queue_open(c->queue, NULL);
	if (ctl_has(c, CTL_TIMEOUT))
		d.until = now_after(c->timeout);
	stop_catch();
	if ((rc = look(&d)) == 0) {
		d.ours = d.stat.paused_in == 0;
		rc = q_pause(d.q, Q_GATE_IN, true);
	}
	if (rc == 0)
		rc = wait_for_all(&d);
	return (stop_signal() != 0 ? give_up(&d) : finish(&d, rc));
}
