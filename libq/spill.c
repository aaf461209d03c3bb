/* SPDX-License-Identifier: ISC */
/* Bodies too large for a row, written as blobs. */
#include <stdlib.h>
#include <string.h>

#include "error.h"

#include "spill.h"

/* No queue keeps less than this inline: no need to ask it. */
enum { ALWAYS_INLINE = 4096 };

static bool
any_over(const struct q_push *messages, size_t n, uint64_t size)
{
	for (size_t i = 0; i < n; i++)
		if (messages[i].blob == NULL && messages[i].size > size)
			return (true);
	return (false);
}

/* One over the queue's limit stays in memory: the push refuses it in its turn. */
static int
spill_one(struct q *q, struct q_push *m, struct spill *s)
{
	struct q_blob *blob = NULL;
	int rc;

	if ((rc = q_blob_new(q, &blob)) != 0)
		return (rc);
	if ((rc = q_blob_write(blob, m->body, m->size)) != 0) {
		q_blob_free(blob);
		return (rc == Q_ETOOBIG ? 0 : rc);
	}
	s->blobs[s->count++] = blob;
	m->blob = blob;
	return (0);
}

int
spill_large(struct q *q, const struct q_push **messages, size_t n, struct spill *s)
{
	uint64_t most;
	int rc;

	*s = (struct spill){ 0 };
	if (!any_over(*messages, n, ALWAYS_INLINE))
		return (0);
	if ((rc = q_blob_threshold(q, &most)) != 0 || !any_over(*messages, n, most))
		return (rc);
	s->messages = calloc(n, sizeof(*s->messages));
	s->blobs = calloc(n, sizeof(struct q_blob *));
	if (s->messages == NULL || s->blobs == NULL)
		return (fail(Q_ENOMEM, "out of memory"));
	memcpy(s->messages, *messages, n * sizeof(*s->messages));
	for (size_t i = 0; i < n && rc == 0; i++)
		if (s->messages[i].blob == NULL && s->messages[i].size > most)
			rc = spill_one(q, &s->messages[i], s);
	*messages = s->messages;
	return (rc);
}

void
spill_free(struct spill *s)
{
	for (size_t i = 0; i < s->count; i++)
		q_blob_free(s->blobs[i]);
	free(s->blobs);
	free(s->messages);
}
