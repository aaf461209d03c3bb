/* SPDX-License-Identifier: ISC */
/* Who uses queues now, for people and as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "now.h"
#include "queue.h"
#include "show.h"
#include "text.h"

#include "holders.h"

enum { CELL = 48 }; /* bytes of a cell with its NUL, at most */

static const char *const roles[] = {
	[Q_ROLE_LEASE] = "lease",
	[Q_ROLE_LOCK] = "lock",
	[Q_ROLE_WAIT] = "wait",
	[Q_ROLE_OPEN] = "open",
};

static const char *const leases[] = {
	[Q_LEASE_HELD] = "held",
	[Q_LEASE_AHEAD] = "ahead",
	[Q_LEASE_TIMED] = "timed",
	[Q_LEASE_OWNED] = "owned",
};

/* What ends a lease: "held", "4 min", "4 min, owned". */
static const char *
end_of(char buf[CELL], const struct q_holder *h, q_time now)
{
	char left[TEXT_DURATION];

	if (h->due == Q_FOREVER)
		return (leases[h->lease]);
	(void)snprintf(buf, CELL, "%s%s",
	    text_duration(left, h->due > now ? h->due - now : 0),
	    h->lease == Q_LEASE_OWNED ? ", owned" : "");
	return (buf);
}

static void
print_row(const char *queue, const struct q_holder *h, q_time now)
{
	char pid[16] = "?", id[24] = "-", attempt[16] = "-", since[TEXT_DURATION] = "-";
	char end[CELL] = "-", command[4 * sizeof(h->command)] = "?";
	bool lease = h->role == Q_ROLE_LEASE;

	if (h->pid > 0)
		(void)snprintf(pid, sizeof(pid), "%ld", (long)h->pid);
	if (lease) {
		(void)snprintf(id, sizeof(id), "%" PRIu64, h->id);
		(void)snprintf(attempt, sizeof(attempt), "%u", h->attempt);
		(void)text_duration(since, now > h->since ? now - h->since : 0);
	}
	if (h->command[0] != '\0')
		(void)text_escape(
		    command, sizeof(command), h->command, strlen(h->command));
	printf("%8s %7s %-5s %8s %-14s %8s %-9s %-16s ", id, attempt, roles[h->role],
	    since, lease ? end_of(end, h, now) : "-", pid,
	    h->process == Q_PROCESS_UNKNOWN ? "?" : q_process_name(h->process),
	    command);
	text_print(stdout, queue, strlen(queue));
	(void)putchar('\n');
}

/* What is unknown is null. */
static void
print_json(const char *queue, const struct q_holder *h)
{
	json_t *o = json_object();

	json_set(o, "queue", json_text(queue));
	json_set(o, "role", json_string(roles[h->role]));
	if (h->role == Q_ROLE_LEASE) {
		json_set_count(o, "id", h->id);
		json_set_count(o, "attempt", h->attempt);
		json_set(o, "lease", json_string(leases[h->lease]));
		json_set_time(o, "since", h->since);
		if (h->due != Q_FOREVER)
			json_set_time(o, "due", h->due);
	}
	json_set(o, "pid", h->pid > 0 ? json_integer(h->pid) : json_null());
	json_set(o, "process",
	    h->process == Q_PROCESS_UNKNOWN ? json_null()
					    : json_string(q_process_name(h->process)));
	json_set(
	    o, "command", h->command[0] != '\0' ? json_text(h->command) : json_null());
	json_line(o, stdout);
}

/* Once, when there is a queue to tell of. */
static void
print_head(bool *printed)
{
	if (!*printed)
		printf("%8s %7s %-5s %8s %-14s %8s %-9s %-16s %s\n", "ID", "ATTEMPT",
		    "ROLE", "SINCE", "LEASE", "PID", "PROCESS", "COMMAND", "QUEUE");
	*printed = true;
}

static int
show_one(const char *name, bool json, bool *headed)
{
	struct q_holder *list = NULL;
	size_t n = 0;
	int status = 0, rc;
	struct q *q = show_open(name, &status);

	if (q == NULL)
		return (status);
	if (!json)
		print_head(headed);
	if ((rc = q_holders(q, &list, &n)) != 0)
		status = queue_fail(name, rc);
	for (size_t i = 0; i < n; i++) {
		if (json)
			print_json(name, &list[i]);
		else
			print_row(name, &list[i], now_wall());
	}
	free(list);
	q_close(q);
	return (status);
}

int
holders_show(char **names, size_t n, bool json)
{
	bool headed = false;
	int status = 0;

	for (size_t i = 0; i < n; i++)
		status = show_worse(status, show_one(names[i], json, &headed));
	return (status);
}
