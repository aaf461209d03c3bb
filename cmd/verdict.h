/* SPDX-License-Identifier: ISC */
#ifndef VERDICT_H
#define VERDICT_H

/* What the end of a COMMAND says about its message. Values in, values out. */

#include "q.h"

/* Exit statuses that mean "never again"; a set of 0..255. */
struct verdict_set {
	uint8_t bit[32];
};

enum { VERDICT_REASON = 80 };

struct verdict {
	enum q_verb verb;
	bool later;  /* it goes back, but not to be tried at once */
	bool failed; /* the COMMAND did not do its work */
	bool unable; /* it could not even be run: the worker's fault, not the message's
	              */
	bool unfit;  /* nothing was run for it: the message's fault */
	bool said;   /* the COMMAND has said it of this message alone */
	char reason[VERDICT_REASON]; /* "exited 7", "killed by SIGKILL", ... */
};

/* 65 and 100. */
void verdict_dead_default(struct verdict_set *dead);
/* Replace it by a list such as "65,100-110". NULL, or what is wrong with the list. */
const char *verdict_dead_parse(const char *list, struct verdict_set *dead);
/* status is of wait(2). timed_out: it was ended for its time limit, in nanoseconds. */
struct verdict verdict_of(int status, const struct verdict_set *dead, q_time timed_out);
/* The same for an exit status that a COMMAND reports of one message of several. */
struct verdict verdict_said(int code, const struct verdict_set *dead);

#endif
