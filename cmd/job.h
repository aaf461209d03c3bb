/* SPDX-License-Identifier: ISC */
#ifndef JOB_H
#define JOB_H

/* A COMMAND, running for a message, or for several. */

#include <sys/resource.h>
#include <sys/types.h>

#include "said.h"
#include "share.h"

enum { JOB_TAIL = 4096 }; /* of its stderr is kept */

/* What is the same for each. */
struct job_plan {
	const char *queue; /* name, for Q_QUEUE */
	const char *path;  /* of the command, from launch_lookup() */
	char **command;    /* NULL-terminated */
	const char *mark;  /* what in an argument is replaced by the body */
	size_t batch;      /* messages a line each; 0: one, whole */
	bool each_status;  /* it may say on descriptor 3 what becomes of each */
	bool capture;      /* its stdout is wanted, whatever the pusher wants */
	q_time timeout;    /* then TERM; 0: no limit */
	q_time kill_after; /* after TERM, then KILL */
};

struct job {
	struct item *items; /* count of them, in the order of the lines */
	size_t count;
	bool ahead; /* some were taken ahead, and the queue does not know it began */
	pid_t pid;  /* also its process group; 0: none runs here */
	unsigned woken; /* which of the descriptors below have something, for crew.c */
	int pidfd;      /* readable when it has ended; -1: there is none to be had */
	int output;     /* its stdout, if that is wanted, or -1 */
	int errors;     /* its stderr, or -1 */
	bool stalled;   /* ours has to take more before that is read on */
	int reports;    /* its descriptor 3, or -1 */
	int hold;       /* by which it keeps its leases */
	q_time started, ask_at, kill_at; /* monotonic; 0: never */
	bool timed_out, told; /* it was sent TERM: for its time, or for ours */
	q_time dying; /* then it is over, and the rest of its group until then; or 0 */
	int status;   /* of wait(2), once ended */
	struct rusage usage;
	struct said said;
	char tail[JOB_TAIL];
	size_t tail_size;
};

/* What job_start() may say beside 0. */
enum {
	JOB_UNFIT = -1,   /* the message cannot be given to a command; *why says why */
	JOB_UNABLE = -2,  /* no command could be started; *why says why */
	JOB_DAMAGED = -3, /* the message's body is; *why says how */
};

/* Start it for the items that are in the job. now is monotonic. */
int job_start(struct job *j, const struct job_plan *plan, struct q *q, q_time now,
    const char **why);
/* Copy what it wrote to stderr on to ours, and keep the end of it. Unless wait, no more
 * than ours takes: it is stalled then. */
void job_read_errors(struct job *j, bool wait);
/* Note what it says of its messages. */
void job_read_reports(struct job *j, const struct job_plan *plan);
/* Reap it if it has ended; its leases are then ours alone. Its output is the caller's.
 * now is monotonic. */
bool job_ended(struct job *j, const struct job_plan *plan, q_time now);
/* Send it what is due for its time limit; the next time to call this, or Q_FOREVER. */
q_time job_keep_time(struct job *j, const struct job_plan *plan, q_time now);
/* Tell it to end: TERM now, KILL later. */
void job_tell(struct job *j, const struct job_plan *plan, q_time now);

#endif
