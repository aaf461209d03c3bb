/* SPDX-License-Identifier: ISC */
#ifndef FINDING_H
#define FINDING_H

/* The result of a check, while it grows. */

#include "q.h"

struct blob_row { /* the file of a large body, or of the output of a result */
	uint64_t id, size, hash;
	bool output;
	bool aside; /* known to be damaged, or not known how it should be */
};

struct check {
	struct q_check public; /* first: the caller frees by a pointer to it */
	struct q_finding *list;
	struct blob_row *blobs;
	size_t blob_count, blob_room;
};

int check_new(struct check **c);
/* Something is wrong with an object, about message id or 0. Q_ENOMEM. */
int check_found(struct check *c, uint64_t id, const char *what, const char *object, ...)
    __attribute__((format(printf, 4, 5)));
/* With a message. */
int check_message(struct check *c, uint64_t id, const char *what);
int check_blob(struct check *c, const struct blob_row *blob);

#endif
