/* SPDX-License-Identifier: ISC */
#ifndef OPS_AMONG_H
#define OPS_AMONG_H

/* What is done to a queue of which every third row of a table is damaged: each 0 or a
 * code. Nothing fails while it is damaged. */
#include "ops.h"
#include "ops_mend.h"

static void
spoil_rows(enum table table)
{
	const enum table tables[] = { table, TABLES };
	enum kind kind = fail.kind;
	char file[80];

	fail.kind = NOTHING;
	(void)snprintf(file, sizeof(file), "%s/data.mdb", copy);
	harm_tables(file, tables, SPOILED);
	fail.kind = kind;
}

/* It is done, or damage is in the way. */
#define AMONG(name, op, table) \
	static int name(struct q *q) \
	{ \
		spoil_rows(table); \
		return (unless(Q_ECORRUPT, op(q))); \
	}

AMONG(check_states, op_check, T_MSG)
AMONG(check_bodies, op_check, T_BODY)
AMONG(check_results, op_check, T_RESULT)
AMONG(check_meta, op_check, T_META)
AMONG(take_states, op_take, T_MSG)
AMONG(take_bodies, op_take, T_BODY)
AMONG(skip_states, op_skip, T_MSG)
AMONG(some_states, op_some, T_MSG)
AMONG(result_failures, op_result, T_FAILURE)

static const struct {
	const char *name;
	int (*op)(struct q *);
} among[] = {
	{ "check damaged states", check_states },
	{ "check damaged messages", check_bodies },
	{ "check damaged results", check_results },
	{ "check damaged records of the queue", check_meta },
	{ "take among damaged states", take_states },
	{ "take among damaged messages", take_bodies },
	{ "skip damaged states", skip_states },
	{ "act on some, among damaged states", some_states },
	{ "results of damaged failures", result_failures },
};

#endif
