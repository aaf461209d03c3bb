/* SPDX-License-Identifier: ISC */
/* Handles: opening, closing, and the options of a queue. */
#include <stdlib.h>
#include <unistd.h>

#include "apply.h"
#include "create.h"
#include "error.h"
#include "hold.h"
#include "serve.h"

#include "queue.h"

#define LOCK_WAIT (30 * Q_SECOND)

void
q_lock_wait(struct q *q, q_time wait)
{
	q->lock_wait = wait != 0 ? wait : LOCK_WAIT;
}

int
q_open(const char *path, const struct q_open *args, struct q **out)
{
	static const struct q_open none;
	struct q *q;
	int rc = 0;

	if (args == NULL)
		args = &none;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	q->dir = (struct dir){ .fd = -1, .data = -1 };
	q->hold = q->probe = q->blob = -1;
	q->ctl = (struct ctl){ .fd = -1, .slot = -1, .due = Q_FOREVER };
	q->flags = args->flags;
	q->alarm = args->alarm;
	q->stop = args->stop;
	q->arg = args->arg;
	q_lock_wait(q, args->lock_wait);
	if (args->flags & Q_CREATE && args->flags & Q_EXCL)
		rc = create_queue(path, args);
	if (rc == 0)
		rc = dir_open(path, args->flags, &q->dir);
	if (rc == Q_ENOQUEUE && args->flags & Q_CREATE &&
	    (rc = create_queue(path, args)) == 0)
		rc = dir_open(path, args->flags, &q->dir);
	if (rc != 0) {
		free(q);
		return (rc);
	}
	*out = q;
	return (0);
}

bool
q_is_dead(const struct q *q)
{
	return (q->dead != 0);
}

void
q_close(struct q *q)
{
	if (q == NULL)
		return;
	hold_close(q);
	held_free(&q->held);
	ctl_close(q);
	serve_free(q);
	note_free(q);
	if (q->blob != -1)
		(void)close(q->blob);
	store_close(&q->store);
	dir_close(&q->dir);
	free(q);
}

bool
q_in_doubt(const struct q *q)
{
	return (q->doubt || q->dead != 0);
}

int
q_option_get(struct q *q, enum q_option option, uint64_t *value)
{
	struct txn t;
	int rc;

	if ((unsigned)option >= Q_OPTIONS)
		return (fail(Q_EINVAL, "there is no option %d", (int)option));
	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	*value = t.meta.option[option];
	txn_abort(&t);
	return (0);
}

int
q_option_set(struct q *q, enum q_option option, uint64_t value)
{
	const struct q_option_info *info = q_option_info(option);
	struct request r = { .op = OP_OPTION };
	struct result result = { 0 };

	if (info == NULL)
		return (fail(Q_EINVAL, "there is no option %d", (int)option));
	if (value < info->min || value > info->max)
		return (fail(Q_EINVAL, "%s is out of range", info->name));
	r.option.option = option;
	r.option.value = value;
	return (apply_all(q, &r, &result, 1));
}
