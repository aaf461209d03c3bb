/* SPDX-License-Identifier: ISC */
#ifndef OWN_H
#define OWN_H

/*
 * What a call has got of the shell's process: memory, descriptors, mappings, streams.
 * The commands are written for processes that end, and leave what is open to the
 * kernel; so does a builtin, whose kernel this is. The functions of the C library that
 * give such things are wrapped by the linker (see owned in the Makefile), also where
 * LMDB and Jansson call them.
 */

/* Give back all that is left. Nothing is called of those who got it. */
void own_release(void);

#endif
