/* SPDX-License-Identifier: ISC */
#ifndef QUOTA_H
#define QUOTA_H

/* The room that quotas leave: a disk may have plenty, of which its owner has none. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Whether the owner or the group of a file, whose status is st, may have less than so
 * many bytes more. False as well if the kernel does not tell: that is older than Linux
 * 5.14, or it is somebody else's file. What a project may have, statfs(2) says.
 */
bool quota_is_short(int fd, const struct stat *st, uint64_t bytes);

#endif
