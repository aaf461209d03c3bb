/* SPDX-License-Identifier: ISC */
#ifndef HEAP_H
#define HEAP_H

/*
 * Free all that is left of the memory a call has got.
 */
void heap_release(void);

#endif
