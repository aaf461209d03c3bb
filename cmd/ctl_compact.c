/* SPDX-License-Identifier: ISC */
/* qctl compact: give unused space of a queue back. */
#include <stdio.h>

#include "queue.h"
#include "text.h"

#include "admin.h"

int
ctl_compact(const struct ctl *c)
{
	struct q *q = queue_open(c->queue, NULL);
	char size[TEXT_SIZE];
	uint64_t returned = 0;
	int rc = q_compact(q, &returned);

	q_close(q);
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	if (!opt_common.quiet)
		printf("returned %s\n", text_size(size, returned));
	return (0);
}
