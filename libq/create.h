/* SPDX-License-Identifier: ISC */
#ifndef CREATE_H
#define CREATE_H

#include "q.h"

/*
 * Make a queue at path, so that it is there whole or not at all, whatever happens. 0
 * also when somebody else was faster, unless args->flags has Q_EXCL: then Q_EINVAL.
 */
int create_queue(const char *path, const struct q_open *args);
/* The same, its content written by a function into the directory and its data.mdb,
 * which is empty; the directory has an empty blob. */
typedef int create_fn(void *arg, int dir, int data, uint64_t hold_inode);
int create_filled(
    const char *path, const struct q_open *args, create_fn *write, void *arg);

/* What temporary names begin with, beside a queue of this name: who creates it removes
 * such directories that nobody has locked. */
enum { CREATE_PREFIX = 24 };
void create_prefix(const char *base, char prefix[CREATE_PREFIX]);

#endif
