/* SPDX-License-Identifier: ISC */
#ifndef STOP_H
#define STOP_H

/*
 * Signals that ask a command to end: noted, so that it first puts in order what it has
 * begun. System calls that wait are interrupted.
 */

#include <stdbool.h>

void stop_catch(void);
/* No signal has come. */
void stop_reset(void);
/* The signal that came, or 0. */
int stop_signal(void);
/* How many came. */
int stop_count(void);
/* Those that came end no further wait: only another one does. */
void stop_spare(void);
/* End by that signal, as if it had never been caught. */
_Noreturn void stop_exit(void);
/* Whether waits are to end, in the form that q_take asks for. */
bool stop_wanted(void *unused);

#endif
