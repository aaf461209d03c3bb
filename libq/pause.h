/* SPDX-License-Identifier: ISC */
#ifndef PAUSE_H
#define PAUSE_H

/* What its administrator has closed a queue for. */

#include "txn.h"

/* Q_EPAUSED, and since when, if one of the gates is closed; else 0. */
int pause_check(const struct txn *t, enum q_gate gate);
/* Close or open gates, a bit set of enum q_gate. One that is closed stays so as it is.
 */
void pause_apply(struct txn *t, unsigned gates, bool close);

#endif
