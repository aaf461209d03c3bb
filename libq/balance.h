/* SPDX-License-Identifier: ISC */
#ifndef BALANCE_H
#define BALANCE_H

struct books;

/* Read the meta records: which of them are known is in b->meta. */
int balance_meta(struct books *b);
/* The books: what was pushed is here or has ended, and counted with its bytes. */
int balance_counters(struct books *b);

#endif
