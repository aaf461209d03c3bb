/* SPDX-License-Identifier: ISC */
#ifndef ACCESS_H
#define ACCESS_H

/* Who may use a new queue, as people write it. */

#include <sys/types.h>

/*
 * A mode in octal, a group by name or number. NULL and the value is stored, or what is
 * wrong, valid until this thread's next call.
 */
const char *access_mode(const char *text, mode_t *mode);
const char *access_group(const char *text, gid_t *group);

#endif
