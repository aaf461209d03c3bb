/* SPDX-License-Identifier: ISC */
/* Names of queues, and where they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "q.h"

static bool
name_char(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-');
}

static int
check_name(const char *name)
{
	size_t n = strlen(name);
	bool digits = true;

	if (n == 0)
		return (fail(Q_EINVAL, "the name of a queue is empty"));
	if (n > Q_MAX_NAME)
		return (fail(
		    Q_EINVAL, "a name of %zu bytes; the most is %d", n, Q_MAX_NAME));
	if (name[0] == '-' || name[0] == '.')
		return (fail(Q_EINVAL,
		    "the name of a queue does not begin with '%c'; "
		    "use a path with '/' for any name",
		    name[0]));
	for (const char *p = name; *p != '\0'; p++) {
		if (!name_char(*p))
			return (fail(Q_EINVAL,
			    "the name of a queue is letters, digits, '.', "
			    "'_' and '-'; use a path with '/' for any name"));
		digits = digits && *p >= '0' && *p <= '9';
	}
	if (digits)
		return (fail(Q_EINVAL, "the name of a queue is not digits alone; "
				       "use a path with '/' for any name"));
	return (0);
}

static int
join(char **out, const char *a, const char *b)
{
	if (asprintf(out, "%s/%s", a, b) == -1)
		return (fail(Q_ENOMEM, "out of memory"));
	return (0);
}

int
q_root(char **path)
{
	const char *dir;

	if ((dir = getenv("Q_ROOT")) != NULL && *dir != '\0') {
		if ((*path = strdup(dir)) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		return (0);
	}
	if (geteuid() == 0)
		return (join(path, "/var/spool", "qutils"));
	if ((dir = getenv("XDG_STATE_HOME")) != NULL && *dir == '/')
		return (join(path, dir, "qutils"));
	if ((dir = getenv("HOME")) != NULL && *dir == '/')
		return (join(path, dir, ".local/state/qutils"));
	return (fail(Q_EINVAL, "neither Q_ROOT nor HOME is set; use a path with '/'"));
}

int
q_path(const char *name, char **path)
{
	char *root = NULL;
	int rc;

	if (strstr(name, "://") != NULL)
		return (fail(Q_ENOTSUP, "there is no engine for '%.*s'",
		    (int)(strstr(name, "://") - name), name));
	if (strchr(name, '/') != NULL) {
		if ((*path = strdup(name)) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		return (0);
	}
	if ((rc = check_name(name)) != 0 || (rc = q_root(&root)) != 0)
		goto out;
	rc = join(path, root, name);
out:
	free(root);
	return (rc);
}
