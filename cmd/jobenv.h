/* SPDX-License-Identifier: ISC */
#ifndef JOBENV_H
#define JOBENV_H

/* The arguments and the environment that a COMMAND gets for a message. */

#include "share.h"

bool jobenv_has_mark(char **command, const char *mark);
/*
 * With each mark replaced by text; text is not used where there is no mark. The first
 * element is "sh", to be left out, unless the shell is to run the command.
 */
char **jobenv_arguments(char **command, const char *mark, const char *text);
/* Ours, with Q_QUEUE, Q_ID, Q_RECEIPT, Q_ATTEMPT and Q_H_NAME of the message. */
char **jobenv_environment(const char *queue, const struct q_msg *msg);
/* Ours, with Q_QUEUE, Q_COUNT and Q_IDS of several. */
char **jobenv_of_batch(const char *queue, const struct item *items, size_t count);
/* All are freed so; NULL is fine. */
void jobenv_free(char **list);

#endif
