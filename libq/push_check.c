/* SPDX-License-Identifier: ISC */
/* What is to be pushed, before and after its transaction: is it good, and on disk. */
#include <string.h>

#include "blob.h"
#include "error.h"
#include "message.h"

#include "push.h"

static int
check_name(const char *what, const char *name)
{
	size_t n = name != NULL ? strnlen(name, Q_MAX_KEY + 1) : 1;

	if (n >= 1 && n <= Q_MAX_KEY)
		return (0);
	return (fail(Q_EINVAL, "a %s has 1 to %d bytes", what, Q_MAX_KEY));
}

static int
check_one(const struct q_push *p)
{
	int rc;

	if ((rc = check_name("key", p->key)) != 0 ||
	    (rc = check_name("group", p->group)) != 0)
		return (rc);
	if (p->priority < Q_MIN_PRIORITY || p->priority > Q_MAX_PRIORITY)
		return (fail(Q_EINVAL, "priority %d is not between %d and %d",
		    p->priority, Q_MIN_PRIORITY, Q_MAX_PRIORITY));
	if (p->delay < 0 || p->due < 0 || p->ttl < 0)
		return (fail(Q_EINVAL, "a time is negative"));
	if (p->delay > 0 && p->due > 0)
		return (fail(Q_EINVAL, "delay and due time exclude each other"));
	if (p->blob != NULL && (rc = blob_check(p->blob, false)) != 0)
		return (rc);
	if (p->body == NULL && p->size > 0 && p->blob == NULL)
		return (fail(Q_EINVAL, "no body"));
	if (p->headers_size > 0)
		return (message_check_headers(p->headers, p->headers_size));
	return (0);
}

int
push_check(const struct q_push *messages, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		if ((rc = check_one(&messages[i])) != 0)
			return (rc);
	return (0);
}

int
push_flush(const struct q_push *messages, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		if (messages[i].blob != NULL &&
		    (rc = blob_finish(messages[i].blob)) != 0)
			return (rc);
	return (0);
}

void
push_undo(const struct push *push)
{
	for (size_t i = 0; i < push->n; i++)
		if (push->messages[i].blob != NULL)
			blob_disown(push->messages[i].blob);
}
