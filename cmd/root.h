/* SPDX-License-Identifier: ISC */
#ifndef ROOT_H
#define ROOT_H

/* Which queues there are below the directory in which names are looked up. */

#include <stddef.h>

/*
 * Their names, sorted and with NULL at the end; the caller frees them by root_free(). A
 * root that does not exist has none. NULL when it cannot be read, after saying why,
 * with *status set.
 */
char **root_names(size_t *n, int *status);
void root_free(char **names);

#endif
