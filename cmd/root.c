/* SPDX-License-Identifier: ISC */
/* Which queues there are below the directory in which names are looked up. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "q.h"

#include "root.h"

static int
compare(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static bool
has(int dir, const char *name, const char *file)
{
	char path[2 * NAME_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", name, file); /* a short one */
	return (faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
		(errno != ENOENT && errno != ENOTDIR));
}

/*
 * A directory with a queue's files, or one that we may not look into: a queue that is
 * damaged or closed to us must be met, not overlooked.
 */
static bool
is_queue(int dir, const char *name)
{
	char *path;

	if (q_path(name, &path) != 0)
		return (false);
	free(path);
	return (has(dir, name, "data.mdb") || has(dir, name, "hold"));
}

static char **
add(char **names, size_t *n, const char *name)
{
	if ((names = reallocarray(names, *n + 2, sizeof(*names))) == NULL ||
	    (names[*n] = strdup(name)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	names[++*n] = NULL;
	return (names);
}

/* The names in dir, which is closed; NULL with errno set. */
static char **
scan(DIR *dir, size_t *n)
{
	char **names = calloc(1, sizeof(*names));
	struct dirent *e;
	int error;

	if (names == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	*n = 0;
	while (errno = 0, (e = readdir(dir)) != NULL)
		if (is_queue(dirfd(dir), e->d_name))
			names = add(names, n, e->d_name);
	error = errno;
	(void)closedir(dir); /* it was only read */
	if (error != 0) {
		root_free(names);
		errno = error;
		return (NULL);
	}
	qsort(names, *n, sizeof(*names), compare);
	return (names);
}

char **
root_names(size_t *n, int *status)
{
	char *root = NULL, **names = NULL;
	DIR *dir;
	int rc;

	if ((rc = q_root(&root)) != 0) {
		diag_error(NULL, "%s", q_errmsg());
		*status = diag_status(rc);
		return (NULL);
	}
	*n = 0;
	if ((dir = opendir(root)) != NULL)
		names = scan(dir, n);
	else if (errno == ENOENT)
		names = calloc(1, sizeof(*names));
	if (names == NULL) {
		diag_error(root, "%s", strerror(errno));
		*status = DIAG_FAILED;
	}
	free(root);
	return (names);
}

void
root_free(char **names)
{
	for (char **p = names; p != NULL && *p != NULL; p++)
		free(*p);
	free(names);
}
