/* SPDX-License-Identifier: ISC */
/* Opening the queue a user names. */
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "opt.h"

#include "queue.h"

int
queue_fail(const char *name, int code)
{
	if (code == Q_EMPTY || code == Q_ETIMEDOUT)
		diag_note(name, "%s", q_strerror(code));
	else
		diag_error(name, "%s", q_errmsg());
	return (diag_status(code));
}

struct q *
queue_try(const char *name, const struct q_open *args, int *status)
{
	struct q_open open = { 0 };
	struct q *q = NULL;
	char *path = NULL;
	int rc;

	if (args != NULL)
		open = *args;
	open.lock_wait = opt_common.lock_wait;
	if (opt_common.force)
		open.flags |= Q_FORCE;
	if (strchr(name, '/') == NULL)
		open.flags |= Q_PARENTS;
	if ((rc = q_path(name, &path)) == 0)
		rc = q_open(path, &open, &q);
	free(path);
	if (rc != 0) {
		*status = queue_fail(name, rc);
		return (NULL);
	}
	diag_queue(name);
	return (q);
}

struct q *
queue_open(const char *name, const struct q_open *args)
{
	int status;
	struct q *q = queue_try(name, args, &status);

	if (q == NULL)
		exit(status);
	return (q);
}
