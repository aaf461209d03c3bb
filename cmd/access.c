/* SPDX-License-Identifier: ISC */
/* Who may use a new queue. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#include "access.h"

static _Thread_local char error[128];

const char *
access_mode(const char *text, mode_t *mode)
{
	size_t n = strlen(text);
	unsigned long value = strtoul(text, NULL, 8);

	if (n == 0 || n > 4 || text[strspn(text, "01234567")] != '\0' || value > 0777) {
		snprintf(error, sizeof(error),
		    "'%.64s' is not an octal mode (like 0770)", text);
		return (error);
	}
	if ((value & 0700) != 0700)
		return ("the owner must be able to read, write and search (07..)");
	if ((value & 0002) != 0)
		return ("a queue that everybody may write to is refused");
	*mode = (mode_t)value;
	return (NULL);
}

const char *
access_group(const char *text, gid_t *group)
{
	const struct group *known = getgrnam(text);
	uint64_t n;

	if (known != NULL) {
		*group = known->gr_gid;
		return (NULL);
	}
	/* The last one stands for "unchanged" in chown(2). */
	if (parse_count(text, 0, UINT32_MAX - 1, &n) == NULL) {
		*group = (gid_t)n;
		return (NULL);
	}
	snprintf(error, sizeof(error), "there is no group '%.64s'", text);
	return (error);
}
