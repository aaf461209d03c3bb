/* SPDX-License-Identifier: ISC */
/* The caller's end of a message that is worked on elsewhere. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "diag.h"
#include "json_result.h"
#include "out.h"
#include "queue.h"
#include "stop.h"
#include "text.h"

#include "call.h"

/* As a shell says that a command was killed. */
enum { KILLED = 128 };

static int
print_output(struct q *q, const char *name, const struct q_result *r)
{
	struct out out;
	int fd, rc;

	if (r->lost) {
		diag_error(name, "%llu: ended, but its output could not be kept",
		    (unsigned long long)r->id);
		return (DIAG_FAILED);
	}
	if (out_open(&out, NULL, false) != 0)
		return (DIAG_FAILED);
	out.pipe = false; /* nothing is acknowledged by its being read */
	out.keeps = true;
	if (!r->blob) {
		out_write(&out, r->output, (size_t)r->size);
	} else if ((rc = q_result_open(q, r, &fd)) != 0) {
		out_close(&out);
		return (queue_fail(name, rc));
	} else {
		out_copy(&out, fd);
		(void)close(fd);
	}
	rc = out_flush(&out) == 0 ? DIAG_DONE : DIAG_FAILED;
	out_close(&out);
	return (rc);
}

/* The exit status that stands for the end of the message. */
static int
status_of(const char *name, const struct q_result *r)
{
	if (r->state != Q_DEAD)
		return (DIAG_DONE);
	diag_error(name, "%llu: dead: %s; see 'qstat %s %llu'",
	    (unsigned long long)r->id,
	    *r->reason != '\0' ? r->reason : q_how_name(r->how), name,
	    (unsigned long long)r->id);
	switch (r->how) {
	case Q_HOW_EXITED:
		return (r->status != 0 ? r->status : DIAG_COMMAND);
	case Q_HOW_KILLED:
		return (KILLED + r->status);
	case Q_HOW_TIMEOUT:
		return (KILLED + SIGTERM);
	case Q_HOW_DAMAGED:
		return (DIAG_CORRUPT);
	default:
		return (DIAG_COMMAND);
	}
}

static int
no_result(const char *name, uint64_t id, int rc, q_time wait)
{
	unsigned long long n = (unsigned long long)id;
	char limit[TEXT_DURATION];

	if (stop_signal() != 0) {
		diag_error(name, "interrupted; message %llu stays in the queue", n);
		stop_exit();
	}
	switch (rc) {
	case Q_ETIMEDOUT:
		diag_error(name,
		    "%llu: no result in %s; it stays in the queue: see 'qstat %s %llu'",
		    n, text_duration(limit, wait), name, n);
		return (DIAG_TIMEOUT);
	case Q_ENOENT:
		diag_error(name,
		    "%llu: ended, and no result is kept (expired, purged, or over)", n);
		return (DIAG_NO);
	default:
		diag_error(name,
		    "%llu: stored, but what becomes of it is not known: %s", n,
		    q_errmsg());
		return (diag_status(rc));
	}
}

/* The object says also of an output that is lost that it is. */
static int
print_json(struct q *q, const char *name, const struct q_result *r)
{
	int rc = json_result(q, name, r, stdout);

	return (rc != 0 ? queue_fail(name, rc) : DIAG_DONE);
}

int
call_end(struct q *q, const char *name, const struct q_result *r, bool json)
{
	int printed = json ? print_json(q, name, r) : print_output(q, name, r), status;

	if (printed != DIAG_DONE && stop_signal() != 0)
		stop_exit();
	status = status_of(name, r);
	return (printed != DIAG_DONE ? printed : status);
}

int
call_wait(struct q *q, const char *name, uint64_t id, q_time wait)
{
	struct q_result *r;
	int rc = q_result_get(q, id, wait, &r), status;

	if (rc != 0)
		return (no_result(name, id, rc, wait));
	status = call_end(q, name, r, false);
	q_result_free(r);
	return (status);
}
