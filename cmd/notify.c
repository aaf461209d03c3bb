/* SPDX-License-Identifier: ISC */
/* The service manager's socket. Nothing of it may fail the work. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

#include "notify.h"

#define STATUS_STEP Q_SECOND

/* "/path" or "@abstract". */
static int
address(const char *name, struct notify *n)
{
	size_t size = strlen(name);

	n->to.sun_family = AF_UNIX;
	if ((*name != '/' && *name != '@') || size < 2 ||
	    size >= sizeof(n->to.sun_path))
		return (-1);
	memcpy(n->to.sun_path, name, size + 1);
	if (*name == '@')
		n->to.sun_path[0] = '\0';
	else
		size++; /* a path has its NUL */
	n->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	return (0);
}

static void
send_text(const struct notify *n, const char *text)
{
	if (n->fd != -1)
		(void)sendto(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->to_size);
}

/* How often to say that we live; 0: nobody asked us. */
static q_time
watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *text = getenv("WATCHDOG_USEC");
	uint64_t n;

	if (text == NULL || parse_count(text, 1, INT64_MAX / 1000, &n) != NULL)
		return (0);
	if (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())
		return (0);
	return ((q_time)n * 1000 / 2);
}

void
notify_open(struct notify *n, q_time now)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){ .fd = -1, .watchdog_at = Q_FOREVER };
	if (name != NULL && address(name, n) == 0)
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd != -1 && (n->watchdog = watchdog()) > 0)
		n->watchdog_at = now;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		(void)close(n->fd);
	n->fd = -1;
}

void
notify_ready(struct notify *n)
{
	send_text(n, "READY=1");
}

void
notify_stopping(struct notify *n)
{
	send_text(n, "STOPPING=1");
}

void
notify_count(struct notify *n, uint64_t running, uint64_t done, uint64_t failed)
{
	n->changed = n->changed || n->running != running || n->done != done ||
	             n->failed != failed;
	n->running = running;
	n->done = done;
	n->failed = failed;
}

q_time
notify_keep(struct notify *n, q_time now)
{
	char text[128];

	if (n->fd == -1)
		return (Q_FOREVER);
	if (now >= n->watchdog_at) {
		send_text(n, "WATCHDOG=1");
		n->watchdog_at = now + n->watchdog;
	}
	if (n->changed && now >= n->status_at) {
		(void)snprintf(text, sizeof(text),
		    "STATUS=%" PRIu64 " running, %" PRIu64 " done, %" PRIu64 " failed",
		    n->running, n->done, n->failed);
		send_text(n, text);
		n->status_at = now + STATUS_STEP;
		n->changed = false;
	}
	return (n->changed && n->status_at < n->watchdog_at ? n->status_at
							    : n->watchdog_at);
}
