/* SPDX-License-Identifier: ISC */
#ifndef NOTIFY_H
#define NOTIFY_H

/* Telling a service manager how it goes: the datagrams of sd_notify(3). */

#include <sys/socket.h>
#include <sys/un.h>

#include "q.h"

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_size;
	q_time watchdog, watchdog_at; /* every, next; 0, Q_FOREVER: never */
	q_time status_at;             /* not before */
	uint64_t running, done, failed;
	bool changed; /* since they were told */
};

/* Read, and take out of, the environment what is meant for this process. */
void notify_open(struct notify *n, q_time now);
void notify_close(struct notify *n);
void notify_ready(struct notify *n);
void notify_stopping(struct notify *n);
/* The present numbers; they are told when it is time for that. */
void notify_count(struct notify *n, uint64_t running, uint64_t done, uint64_t failed);
/* Tell what is due; the next time to call this, or Q_FOREVER. Times are monotonic. */
q_time notify_keep(struct notify *n, q_time now);

#endif
