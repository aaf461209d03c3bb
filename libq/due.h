/* SPDX-License-Identifier: ISC */
#ifndef DUE_H
#define DUE_H

/* What falls due with time. No daemon: every write transaction does a bounded share. */

#include "txn.h"

enum { DUE_MOST = 256, DUE_FEW = 2 };

/*
 * Where there is little room on the disk, DUE_FEW at a time.
 *
 * Promote at most most rows of each kind: delayed messages whose time has come, leases
 * that are over, messages past their TTL, receipts no longer to be remembered.
 */
int due_promote(struct txn *t, unsigned most);
/* Free the leases of holders and owners that died; looks at some times most of them. */
int due_holders(struct txn *t, unsigned most);
/* Whether the boot of the recorded deadlines is this one. */
int due_same_boot(const struct txn *t, bool *same);
/* A new boot gets a number of its own: every lease of an earlier one is over by that.
 * To be called before a lease is given, or its end is looked at. */
int due_check_boot(struct txn *t);

#endif
