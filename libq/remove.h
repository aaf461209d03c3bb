/* SPDX-License-Identifier: ISC */
#ifndef REMOVE_H
#define REMOVE_H

/* Remove the files of a queue in the directory called name, and that if it is empty
 * then. What is not a queue's stays. */
void remove_tree(int parent, const char *name);

#endif
