/* SPDX-License-Identifier: ISC */
/* qctl dump: a queue as text. */
#include <inttypes.h>
#include <stdio.h>

#include "diag.h"
#include "dump.h"
#include "queue.h"
#include "show.h"

#include "admin.h"

enum { PAGE = 1000 }; /* messages looked at in one go */

static int
print_head(const struct ctl *c, struct q *q)
{
	struct value option[Q_OPTIONS];
	struct q_stat st;
	int rc = q_stat(q, &st);

	for (size_t i = 0; i < Q_OPTIONS && rc == 0; i++) {
		option[i].option = (enum q_option)i;
		rc = q_option_get(q, option[i].option, &option[i].value);
	}
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	dump_head(c->queue, st.uuid, option, Q_OPTIONS, stdout);
	return (0);
}

/* It may have ended since it was listed; what is damaged is named, and left out. */
static int
print_one(const struct ctl *c, struct q *q, uint64_t id, uint64_t *count)
{
	struct q_batch *b = NULL;
	const struct q_msg *m;
	int rc = q_get(q, id, &b), status = 0;

	if (rc == 0) {
		m = q_batch_get(b, 0);
		if (m->damaged) {
			diag_error(
			    c->queue, "message %" PRIu64 " is damaged; left out", id);
			status = DIAG_CORRUPT;
		} else if ((rc = dump_message(q, m, stdout)) == 0) {
			++*count;
		}
	}
	q_batch_free(b);
	if (rc == Q_ENOENT)
		return (0);
	if (rc == Q_ECORRUPT) {
		diag_error(c->queue, "%s; left out", q_errmsg());
		return (DIAG_CORRUPT);
	}
	return (rc == 0 ? status : queue_fail(c->queue, rc));
}

int
ctl_dump(const struct ctl *c)
{
	static const struct q_open look = { .flags = Q_RDONLY };
	struct q *q = queue_open(c->queue, &look);
	struct q_list page = { .n = PAGE };
	struct q_batch *b = NULL;
	int status = print_head(c, q), rc = 0;
	uint64_t count = 0;

	if (status != 0) {
		q_close(q);
		return (status);
	}
	while (status != DIAG_FAILED && status != DIAG_AGAIN && !ferror(stdout) &&
	       (rc = q_list(q, &page, &b)) == 0) {
		for (size_t i = 0; i < q_batch_count(b) && !ferror(stdout); i++)
			status = show_worse(
			    status, print_one(c, q, q_batch_get(b, i)->id, &count));
		q_batch_free(b);
	}
	q_close(q);
	if (rc != 0 && rc != Q_EMPTY)
		status = show_worse(status, queue_fail(c->queue, rc));
	/* Without it, what could not be listed is not taken for what was not there. */
	if (rc == Q_EMPTY)
		dump_end(count, stdout);
	return (status);
}
