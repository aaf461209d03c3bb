/* SPDX-License-Identifier: ISC */
#ifndef CHECK_H
#define CHECK_H

/* The parts of a check that a repair is made of, too. Under the transaction lock. */

#include "finding.h"
#include "structure.h"

/*
 * Look at the whole of q->dir.data, and count the files that belong to nobody.
 * *structured: its pages are sound, so that its rows could be looked at.
 */
int check_data(struct q *q, struct check *c, bool *structured);
/* Compare one large body with its record: Q_ECORRUPT, with what is wrong with it. Needs
 * no lock. */
int check_one_blob(struct q *q, const struct blob_row *blob);
/* What is said of a message whose file is not right. */
const char *check_blob_damage(const struct blob_row *blob);
/*
 * Files that no row of c->blobs names, and that nobody is writing: counted; and if keep
 * is not NULL removed or, if it is not empty, given that as the end of their names.
 */
int check_orphans(struct q *q, struct check *c, const char *keep);

#endif
