/* SPDX-License-Identifier: ISC */
#ifndef SCRATCH_H
#define SCRATCH_H

/* A directory for the tests of a program, and the path of a queue in it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "q.h"

static char dir[] = "/tmp/q-unit.XXXXXX";
static char path[sizeof(dir) + 8];

static inline int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/jobs", dir);
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

#endif
