/* SPDX-License-Identifier: ISC */
#ifndef SHARE_H
#define SHARE_H

/* A message in a worker's hands, and the batch that has its memory. */

#include "q.h"

/* A batch that is freed when the last of its messages is dropped. */
struct share;

struct item {
	const struct q_msg *msg;
	struct share *share;
	int said; /* exit status that its COMMAND gave it; -1: none */
};

/* Takes over the batch. */
struct share *share_new(struct q_batch *batch);
/* One of its messages is done with. NULL is fine. */
void share_drop(struct share *s);

#endif
