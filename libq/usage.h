/* SPDX-License-Identifier: ISC */
#ifndef USAGE_H
#define USAGE_H

/* What a queue takes on its disk. */

#include "txn.h"

/* Pages of the data file that LMDB uses again. */
int usage_free_pages(struct txn *t, uint64_t *pages);

#endif
