/* SPDX-License-Identifier: ISC */
/* Files that no message names, left by writers and readers that died: found and
 * removed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"
#include "outcome.h"
#include "queue.h"

#include "blob.h"

/* Names read, and of these looked at: a sweep is a small part of writing a large body.
 */
enum { READ_MOST = 4096, LOOK_MOST = 64 };

struct sample {
	char name[LOOK_MOST][28];
	size_t count;
};

static bool
is_output(const char *name)
{
	return (strchr(name, '.') != NULL);
}

/* ID, or ID.out. */
static bool
is_ours(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return (n > 0 && (name[n] == '\0' || strcmp(name + n, ".out") == 0));
}

/* Any LOOK_MOST of the names, each as likely: over several sweeps, all of them. */
static void
take_sample(DIR *d, struct sample *s)
{
	uint64_t random = (uint64_t)clock_monotonic();
	struct dirent *e;

	for (size_t seen = 0; seen < READ_MOST && (e = readdir(d)) != NULL;) {
		size_t at = seen;

		if (strlen(e->d_name) >= sizeof(s->name[0]) || !is_ours(e->d_name))
			continue;
		if (seen++ >= LOOK_MOST) {
			random = random * 6364136223846793005U + 1442695040888963407U;
			at = (size_t)((random >> 33) % seen);
		} else {
			s->count = seen;
		}
		if (at < LOOK_MOST)
			memcpy(s->name[at], e->d_name, strlen(e->d_name) + 1);
	}
}

/* Only what is certain: a row that cannot be read may be repaired, and need its file.
 */
static bool
is_unnamed(struct txn *t, uint64_t id, bool output)
{
	struct key key = key_id(id);
	struct outcome o;
	struct span value;
	struct message m;
	int rc = txn_get(t, output ? T_RESULT : T_BODY, key_span(&key), &value);

	if (rc != 0)
		return (rc == STORE_NONE);
	if (output)
		return (outcome_decode(value.data, value.size, id, &o) == 0 &&
			!(o.flags & OUT_BLOB));
	return (message_decode(value.data, value.size, id, &m) == 0 &&
		!(m.flags & MSG_BLOB));
}

/*
 * Under the shared lock nobody is between giving a file its name and the commit that
 * says so, nor has ended a message without having committed it.
 */
static void
remove_unnamed(struct q *q, int dir, const struct sample *s)
{
	struct txn t;

	if (s->count == 0 || txn_begin(q, &t) != 0)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (is_unnamed(
			&t, strtoull(s->name[i], NULL, 10), is_output(s->name[i])))
			(void)unlinkat(dir, s->name[i], 0);
	txn_abort(&t);
}

/* A living writer has a lock on its file. */
static void
remove_temporary(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(dir, name, 0);
	(void)close(fd);
}

void
blob_sweep(struct q *q)
{
	struct sample sample = { .count = 0 };
	struct dirent *e;
	DIR *d;
	int dir;

	if (blob_dir(q, &dir) != 0 || (d = dir_names(dir, ".")) == NULL)
		return;
	take_sample(d, &sample);
	rewinddir(d);
	for (int seen = 0; seen < READ_MOST && (e = readdir(d)) != NULL; seen++)
		if (strstr(e->d_name, ".tmp") != NULL)
			remove_temporary(dir, e->d_name);
	(void)closedir(d);
	remove_unnamed(q, dir, &sample);
}
