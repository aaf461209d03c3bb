/* SPDX-License-Identifier: ISC */
#ifndef COMMAND_H
#define COMMAND_H

#include "note.h"

/* One who runs commands, one after the other, their files, and the receipts left. */
struct command {
	const char *bin, *path; /* directory of the commands; the queue */
	struct shared *shared;
	struct journal *journal;
	uint64_t seed;
	bool pushes, takes;
	int in, out, err; /* of the one that runs */
	bool pipe;        /* out is one, and its reader is waited for */
	char *text;       /* what was read of out */
	size_t size;
	unsigned receipts;
	struct item item[ITEMS];
	enum q_verb verb; /* what they were to be settled by, perhaps in vain */
};

enum kind { KIND_PUSH, KIND_PRINT, KIND_LEASE, KIND_SETTLE, KINDS };

/* Start one; which kind it is goes to *kind. */
pid_t command_start(struct command *c, enum kind *kind);
/* There is something in its pipe. */
void command_read(struct command *c);
/* Note what one has done that has ended, with a status as of wait(2). */
void command_end(struct command *c, enum kind kind, int status);

#endif
