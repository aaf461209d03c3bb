/* SPDX-License-Identifier: ISC */
/*
 * Another body for a message. Bodies are immutable, for their files have the name of
 * the message and are there before the commit that says so: so it is a new message,
 * that is in all else as the one whose place it takes in the same commit.
 */
#include "apply.h"
#include "error.h"
#include "queue.h"

int
q_replace(struct q *q, const struct q_msg *old, const void *body, size_t size,
    struct q_blob *blob, uint64_t *id)
{
	struct q_push push = {
		.body = body,
		.size = size,
		.blob = blob,
		.priority = old->priority,
		.max_attempts = old->own_attempts ? old->max_attempts : 0,
		.headers = old->headers,
		.headers_size = old->headers_size,
		.key = old->key,
		.group = old->group,
		.result = old->result,
	};
	struct q_pushed pushed = { .id = 0 };
	int rc;

	if (old->damaged || old->state == Q_LEASED)
		return (fail(old->damaged ? Q_ECORRUPT : Q_ESTALE, "it is %s",
		    old->damaged ? "damaged" : "leased"));
	if ((rc = push_replacing(q, &push, old, &pushed)) == 0)
		*id = pushed.id;
	return (rc);
}
