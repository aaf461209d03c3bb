/* SPDX-License-Identifier: ISC */
/* qctl purge, cancel, redrive, release and dead: what is done to messages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "diag.h"
#include "parse.h"
#include "queue.h"

#include "admin.h"

/* An act, as its subcommand says it. */
struct words {
	enum q_act act;
	const char *would, *did; /* "would remove", "removed" */
	const char *why;         /* why one that is there was left */
	bool destroys;
};

static const struct words purge = { Q_ACT_PURGE, "remove", "removed",
	"is leased; with --force it is removed all the same", true };
static const struct words redrive = { Q_ACT_REDRIVE, "make ready again",
	"made ready again",
	"is not dead, or its time to live is over, or it is on its way to another "
	"queue",
	false };
static const struct words release = { Q_ACT_RELEASE, "make ready", "made ready",
	"is neither delayed nor leased", false };
static const struct words dead = { Q_ACT_DEAD, "make dead", "made dead",
	"is dead already", false };

uint64_t *
ctl_ids(char **operands, size_t n)
{
	uint64_t *ids = calloc(n + 1, sizeof(*ids));

	if (ids == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *why = parse_count(operands[i], 1, UINT64_MAX, &ids[i]);

		if (why != NULL)
			diag_usage("%s", why);
	}
	return (ids);
}

int
ctl_refused(
    const struct ctl *c, const struct q_manage *m, uint64_t refused, const char *why)
{
	int status = 0;

	if (m->ids == NULL && refused > 0)
		diag_error(c->queue, "%" PRIu64 " damaged; left", refused);
	if (m->ids == NULL)
		return (refused > 0 ? DIAG_CORRUPT : 0);
	for (size_t i = 0; i < m->id_count; i++) {
		if (m->codes[i] == 0)
			continue;
		if (status != DIAG_CORRUPT)
			status = m->codes[i] == Q_ECORRUPT ? DIAG_CORRUPT : DIAG_NO;
		diag_error(c->queue, "%" PRIu64 ": %s", m->ids[i],
		    m->codes[i] == Q_EINVAL ? why : q_strerror(m->codes[i]));
	}
	return (status);
}

static void
say_done(const struct words *w, uint64_t n)
{
	if (!opt_common.quiet)
		printf("%s %" PRIu64 " message%s\n", w->did, n, n == 1 ? "" : "s");
}

/* What it would do is counted first, where that has to be said. */
static int
run(const struct ctl *c, const struct words *w, struct q_manage *m)
{
	struct q *q = queue_open(c->queue, NULL);
	struct q_managed sum;
	int rc = 0, status = 0;

	m->dry = w->destroys && !ctl_has(c, CTL_YES);
	rc = q_manage(q, m, &sum);
	q_close(q);
	if (m->dry && rc == 0 && sum.count > 0) {
		ctl_would(c, "would %s %" PRIu64 " message%s", w->would, sum.count,
		    sum.count == 1 ? "" : "s");
		status = DIAG_USAGE;
	} else if (rc == 0 || sum.count > 0) {
		say_done(w, sum.count);
	}
	if (rc == 0) {
		int refused = ctl_refused(c, m, sum.refused, w->why);

		status = status != 0 ? status : refused;
	}
	return (rc != 0 ? queue_fail(c->queue, rc) : status);
}

static int
manage(const struct ctl *c, const struct words *w, struct q_manage m)
{
	uint64_t *ids = ctl_ids(c->rest, c->n);
	int *codes = calloc(c->n + 1, sizeof(*codes)), status;

	if (codes == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	m.act = w->act;
	m.older = c->older;
	if (c->state != 0)
		m.states = 1U << c->state;
	if (c->n > 0) {
		m.ids = ids;
		m.id_count = c->n;
		m.codes = codes;
	}
	status = run(c, w, &m);
	free(codes);
	free(ids);
	return (status);
}

/* Ids, or what tells which messages are meant: never all by mistake. */
static void
need_selection(const struct ctl *c, unsigned selecting)
{
	bool selects = c->given & selecting;

	if (c->n > 0 && selects)
		diag_usage("give either ids or options that select");
	if (c->n == 0 && !selects)
		diag_usage("say which messages: ID... or --all");
}

enum {
	SELECTING = 1U << CTL_ALL | 1U << CTL_STATE | 1U << CTL_OLDER,
};

int
ctl_purge(const struct ctl *c)
{
	return (manage(c, &purge, (struct q_manage){ .reason = c->reason }));
}

int
ctl_cancel(const struct ctl *c)
{
	const unsigned any = (1U << Q_STATES) - 2;

	return (manage(
	    c, &purge, (struct q_manage){ .states = opt_common.force ? any : 0 }));
}

int
ctl_redrive(const struct ctl *c)
{
	need_selection(c, SELECTING | 1U << CTL_REASON);
	if (c->to != NULL)
		return (ctl_redrive_to(c));
	return (manage(c, &redrive,
	    (struct q_manage){ .reason = c->reason, .force = opt_common.force }));
}

int
ctl_release(const struct ctl *c)
{
	need_selection(c, SELECTING);
	return (manage(c, &release, (struct q_manage){ 0 }));
}

int
ctl_dead(const struct ctl *c)
{
	need_selection(c, SELECTING);
	return (manage(c, &dead, (struct q_manage){ .why = c->reason }));
}
