/* SPDX-License-Identifier: ISC */
/* Batches whose messages end one by one. */
#include <stdlib.h>

#include "diag.h"

#include "share.h"

struct share {
	struct q_batch *batch;
	size_t users;
};

struct share *
share_new(struct q_batch *batch)
{
	struct share *s = malloc(sizeof(*s));

	if (s == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	*s = (struct share){ batch, q_batch_count(batch) };
	return (s);
}

void
share_drop(struct share *s)
{
	if (s == NULL || --s->users > 0)
		return;
	q_batch_free(s->batch);
	free(s);
}
