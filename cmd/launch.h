/* SPDX-License-Identifier: ISC */
#ifndef LAUNCH_H
#define LAUNCH_H

/* Finding and starting a COMMAND. */

#include <sys/types.h>

/* What it gets as descriptors; -1: ours for 0 to 2, none for the others. */
struct launch_fds {
	int in, out, errors;
	int said; /* as descriptor 3 */
	int hold; /* as 99, where there may be so many */
};

/* Find the command as execvp(3) does: 0 and a path that the caller frees, or an errno.
 */
int launch_lookup(const char *command, char **path);
/*
 * Start it, in a process group of its own: 0 or an errno. argv has "sh" before the
 * command's own arguments: a script without '#!' is the shell's.
 */
int launch_command(const char *path, char **argv, char **env,
    const struct launch_fds *fds, pid_t *pid);

#endif
