/* SPDX-License-Identifier: ISC */
#ifndef JOB_H
#define JOB_H

/* One COMMAND, running for one message. */

#include <sys/resource.h>
#include <sys/types.h>

#include "q.h"

enum { JOB_TAIL = 4096 }; /* of its stderr is kept */

/* What is the same for each. */
struct job_plan {
	const char *queue; /* name, for Q_QUEUE */
	const char *path;  /* of the command, from job_lookup() */
	char **command;    /* NULL-terminated */
	const char *mark;  /* what in an argument is replaced by the body */
	q_time timeout;    /* then TERM; 0: no limit */
	q_time kill_after; /* after TERM, then KILL */
};

struct job {
	pid_t pid;             /* also its process group; 0: none runs here */
	int pidfd;             /* readable when it has ended */
	int errors;            /* its stderr, or -1 */
	struct q_batch *batch; /* which the message is part of */
	const struct q_msg *msg;
	q_time started, ask_at, kill_at; /* monotonic; 0: never */
	bool timed_out, told; /* it was sent TERM: for its time, or for ours */
	int status;           /* of wait(2), once ended */
	struct rusage usage;
	char tail[JOB_TAIL];
	size_t tail_size;
};

/* What job_start() may say beside 0. */
enum {
	JOB_UNFIT = -1,   /* the message cannot be given to a command; *why says why */
	JOB_DAMAGED = -3, /* the message's body is; *why says how */
	JOB_UNABLE = -2,  /* no command could be started; *why says why */
};

/* Find the command as execvp(3) does: 0 and a path that the caller frees, or an errno.
 */
int job_lookup(const char *command, char **path);
/* Start it. The job takes over the message, not its memory. now is monotonic. */
int job_start(struct job *j, const struct job_plan *plan, struct q *q,
    const struct q_msg *msg, q_time now, const char **why);
/* Copy what it wrote to stderr on to ours, and keep the end of it. */
void job_read_errors(struct job *j);
/* Reap it if it has ended. */
bool job_ended(struct job *j);
/* Send it what is due for its time limit; the next time to call this, or Q_FOREVER. */
q_time job_keep_time(struct job *j, const struct job_plan *plan, q_time now);
/* Tell it to end: TERM now, KILL later. */
void job_tell(struct job *j, const struct job_plan *plan, q_time now);

#endif
