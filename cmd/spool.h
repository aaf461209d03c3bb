/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_H
#define SPOOL_H

/*
 * Run a command to its end and return its output as a descriptor, at the start. When it
 * cannot be run or does not exit 0, the process ends, saying so.
 */
int spool_command(char **command);

#endif
