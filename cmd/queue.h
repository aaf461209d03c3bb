/* SPDX-License-Identifier: ISC */
#ifndef CMD_QUEUE_H
#define CMD_QUEUE_H

/* From the QUEUE a user names to an open handle, and from a code to a complaint. */

#include "q.h"

/*
 * Open it with the common options (--lock-wait, --force) added to args; args may be
 * NULL. Ends the process with a message when it cannot.
 */
struct q *queue_open(const char *name, const struct q_open *args);
/*
 * In place of q_close() where the command ends: the kernel closes what is open at less
 * cost, and a lease that is held ends with the process as with the handle.
 */
void queue_leave(struct q *q);
/* Open it without ending the process: NULL after the message, with *status set. */
struct q *queue_try(const char *name, const struct q_open *args, int *status);
/* Whether there is something of that name, which may be a queue. */
bool queue_exists(const char *name);
/* Say what libq said about it; returns the exit status. Says nothing of an empty queue.
 */
int queue_fail(const char *name, int code);

#endif
