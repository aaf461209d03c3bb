/* SPDX-License-Identifier: ISC */
/* What a queue takes on its disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "blob.h"
#include "error.h"
#include "queue.h"

#include "usage.h"

/* Pages that LMDB uses again: its list of them, a row a transaction that freed some,
 * begins with how many they are. */
int
usage_free_pages(struct txn *t, uint64_t *pages)
{
	MDB_cursor *c = NULL;
	MDB_val k, v;
	size_t n;
	int rc;

	*pages = 0;
	if ((rc = mdb_cursor_open(t->mdb, 0, &c)) != 0)
		return (store_code(rc, "free pages"));
	while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		if (v.mv_size < sizeof(n))
			break;
		memcpy(&n, v.mv_data, sizeof(n));
		*pages += n;
	}
	mdb_cursor_close(c);
	if (rc == 0 || *pages > store_end(&t->q->store) / t->q->store.page)
		return (fail(
		    Q_ECORRUPT, "data.mdb is damaged (free pages); run 'qctl check'"));
	return (rc == MDB_NOTFOUND ? 0 : store_code(rc, "free pages"));
}

static int
fill_data(struct txn *t, struct q_usage *u)
{
	uint64_t pages, end = store_end(&t->q->store);
	struct stat st;
	int rc;

	if ((rc = usage_free_pages(t, &pages)) != 0)
		return (rc);
	if (fstat(t->q->dir.data, &st) != 0)
		return (fail_sys("data.mdb"));
	u->allocated = (uint64_t)st.st_blocks * 512;
	u->free = pages * t->q->store.page;
	u->used = end - u->free;
	return (0);
}

static int
fill_blobs(struct q *q, struct q_usage *u)
{
	struct dirent *e;
	struct stat st;
	int dir, rc;
	DIR *d;

	if ((rc = blob_dir(q, &dir)) != 0)
		return (rc);
	if ((d = dir_names(dir, ".")) == NULL)
		return (fail_sys("blob"));
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		u->blobs++;
		u->blob_bytes += (uint64_t)st.st_size;
	}
	rc = errno == 0 ? 0 : fail_sys("blob");
	(void)closedir(d);
	return (rc);
}

int
q_usage(struct q *q, struct q_usage *usage)
{
	struct q_usage u = { 0 };
	struct txn t;
	int rc;

	if ((rc = txn_begin(q, &t)) != 0)
		return (rc);
	rc = fill_data(&t, &u);
	txn_abort(&t);
	if (rc == 0 && (rc = fill_blobs(q, &u)) == 0)
		*usage = u;
	return (rc);
}
