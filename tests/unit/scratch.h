/* SPDX-License-Identifier: ISC */
#ifndef SCRATCH_H
#define SCRATCH_H

/* A directory for a program's tests, and a queue in it. Included after cmocka.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "q.h"

static char dir[] = "/tmp/q-unit.XXXXXX";
static char path[sizeof(dir) + 16];

static inline int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/jobs", dir);
	return (0);
}

/* Of each test one of its own. */
static inline int
make_path(void **state)
{
	static int number;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/%d", dir, ++number);
	return (0);
}

/* With all that is in it. */
static inline int
remove_dir(void **state)
{
	char command[sizeof(dir) + 16];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	return (system(command));
}

/* After remove_queue(), nothing may be left. */
static inline int
remove_empty_dir(void **state)
{
	(void)state;
	return (rmdir(dir));
}

static inline int
remove_queue(void **state)
{
	static const struct q_open force = { .flags = Q_FORCE };

	(void)state;
	return (q_remove(path, &force));
}

static inline struct q *
open_queue(void)
{
	static const struct q_open open = { .flags = Q_CREATE };
	struct q *q;

	assert_int_equal(q_open(path, &open, &q), 0);
	return (q);
}

/* And remove it. */
static inline void
close_queue(struct q *q)
{
	q_close(q);
	assert_int_equal(remove_queue(NULL), 0);
}

static inline void
push_some(struct q *q, size_t n)
{
	struct q_push *messages = calloc(n, sizeof(*messages));
	size_t stored;

	assert_non_null(messages);
	for (size_t i = 0; i < n; i++)
		messages[i] = (struct q_push){ .body = "x", .size = 1 };
	assert_int_equal(q_push(q, messages, n, 0, &stored, NULL), 0);
	assert_int_equal(stored, n);
	free(messages);
}

#endif
