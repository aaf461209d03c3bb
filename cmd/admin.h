/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_H
#define ADMIN_H

/* The subcommands of qctl: what they are given, and what runs them. */

#include "opt.h"
#include "q.h"

enum ctl_option { /* in the order of the table */
	CTL_MODE,
	CTL_GROUP,
	CTL_REPAIR,
	CTL_ALL,
	CTL_STATE,
	CTL_OLDER,
	CTL_REASON,
	CTL_TO,
	CTL_LIMIT,
	CTL_TIMEOUT,
	CTL_JSON,
	CTL_YES,
	CTL_OPTIONS
};

struct ctl {
	const char *queue; /* its name; NULL: the subcommand has none */
	char **rest;       /* the n other operands */
	size_t n;
	unsigned given; /* bit set of enum ctl_option */
	struct q_open create;
	enum q_state state; /* 0: any */
	q_time older;
	const char *reason;
	const char *to; /* a queue */
	uint64_t limit; /* 0: none */
	q_time timeout;
};

static inline bool
ctl_has(const struct ctl *c, enum ctl_option option)
{
	return (c->given & 1U << option);
}

/*
 * Without --yes, what destroys says what it would do. The exit status is then
 * DIAG_USAGE.
 */
void ctl_would(const struct ctl *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The n operands as ids; the caller frees them. A usage error if one is none. */
uint64_t *ctl_ids(char **operands, size_t n);

/*
 * The ids that were left, each with the reason, which is 'why' for Q_EINVAL; or, of all
 * that were meant, how many are damaged. Returns the exit status: damage goes before
 * all else.
 */
int ctl_refused(
    const struct ctl *c, const struct q_manage *m, uint64_t refused, const char *why);

/* Each returns the exit status. */
int ctl_create(const struct ctl *c);
int ctl_set(const struct ctl *c);
int ctl_get(const struct ctl *c);
int ctl_ls(const struct ctl *c);
int ctl_check(const struct ctl *c);
int ctl_pause(const struct ctl *c);
int ctl_resume(const struct ctl *c);
int ctl_purge(const struct ctl *c);
int ctl_cancel(const struct ctl *c);
int ctl_redrive(const struct ctl *c);
int ctl_release(const struct ctl *c);
int ctl_dead(const struct ctl *c);
int ctl_drain(const struct ctl *c);
int ctl_dump(const struct ctl *c);
int ctl_load(const struct ctl *c);
int ctl_edit(const struct ctl *c);
int ctl_rerun(const struct ctl *c);
int ctl_move(const struct ctl *c);
int ctl_copy(const struct ctl *c);
/* Of redrive, with --to. */
int ctl_redrive_to(const struct ctl *c);
int ctl_rm(const struct ctl *c);
int ctl_backup(const struct ctl *c);
int ctl_compact(const struct ctl *c);

#endif
