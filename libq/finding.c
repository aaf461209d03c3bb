/* SPDX-License-Identifier: ISC */
/* What a check finds, in order, up to a number that a caller can take in. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#include "finding.h"

int
check_new(struct check **out)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    (c->list = calloc(Q_MAX_FINDINGS, sizeof(struct q_finding))) == NULL) {
		free(c);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	c->public.findings = c->list;
	*out = c;
	return (0);
}

void
q_check_free(struct q_check *check)
{
	struct check *c = (struct check *)check;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->public.count; i++) {
		free((char *)(uintptr_t)c->list[i].object);
		free((char *)(uintptr_t)c->list[i].what);
	}
	free((char *)(uintptr_t)c->public.kept);
	free(c->blobs);
	free(c->list);
	free(c);
}

int
check_found(struct check *c, uint64_t id, const char *what, const char *object, ...)
{
	struct q_finding *f = &c->list[c->public.count];
	char *text = NULL, *copy;
	va_list ap;
	int n;

	c->public.found++;
	if (c->public.count == Q_MAX_FINDINGS)
		return (0);
	va_start(ap, object);
	n = vasprintf(&text, object, ap);
	va_end(ap);
	if (n == -1 || (copy = strdup(what)) == NULL) {
		free(n == -1 ? NULL : text);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	*f = (struct q_finding){ .id = id, .object = text, .what = copy };
	c->public.count++;
	return (0);
}

int
check_message(struct check *c, uint64_t id, const char *what)
{
	return (check_found(c, id, what, "message %llu", (unsigned long long)id));
}

int
check_blob(struct check *c, const struct blob_row *blob)
{
	size_t room = c->blob_room == 0 ? 64 : c->blob_room * 2;
	struct blob_row *p;

	if (c->blob_count == c->blob_room) {
		if ((p = reallocarray(c->blobs, room, sizeof(*p))) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		c->blobs = p;
		c->blob_room = room;
	}
	c->blobs[c->blob_count++] = *blob;
	return (0);
}
