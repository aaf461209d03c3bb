/* SPDX-License-Identifier: ISC */
/*
 * threads QUEUE THREADS MESSAGES: each thread, with a handle of its own, pushes so
 * many, and takes and settles what comes, by its own hand or in the slots of ctl. 1 if
 * a message was lost or was there twice. For ThreadSanitizer, which does not know that
 * a file that is mapped twice is the same memory, nor what flock is for.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "q.h"

static struct {
	const char *path;
	int threads, messages;
	atomic_int finished;
	atomic_uchar *times; /* each number was settled */
} run;

/* ---- what processes share, shown to ThreadSanitizer ---- */

#ifdef __SANITIZE_THREAD__ /* linked with --wrap for each of these */
#include <fcntl.h>
#include <sanitizer/tsan_interface.h>
#include <stdarg.h>
#include <sys/file.h>

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size);
int __wrap_flock(int fd, int op);
int __real_flock(int fd, int op);
int __wrap_fcntl(int fd, int cmd, ...);
int __real_fcntl(int fd, int cmd, ...);

static struct {
	pthread_mutex_t lock;
	ino_t inode;
	void *map;
	int users;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };
static char queue_lock, byte_locks;

/* A second map of the same ctl is the first one. */
void *
__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	struct stat st;
	void *p;

	if (size != CTL_SIZE || fstat(fd, &st) != 0)
		return (__real_mmap(at, size, prot, flags, fd, offset));
	(void)pthread_mutex_lock(&shared.lock);
	if (shared.users > 0 && shared.inode == st.st_ino) {
		p = shared.map;
		shared.users++;
	} else {
		p = __real_mmap(at, size, prot, flags, fd, offset);
		if (p != MAP_FAILED && shared.users == 0) {
			shared.inode = st.st_ino;
			shared.map = p;
			shared.users = 1;
		}
	}
	(void)pthread_mutex_unlock(&shared.lock);
	return (p);
}

int
__wrap_munmap(void *at, size_t size)
{
	bool last = true;

	(void)pthread_mutex_lock(&shared.lock);
	if (at == shared.map && shared.users > 0)
		last = --shared.users == 0;
	(void)pthread_mutex_unlock(&shared.lock);
	return (last ? __real_munmap(at, size) : 0);
}

/* What was written under a lock is seen by who has it next. */
int
__wrap_flock(int fd, int op)
{
	int rc;

	if (op & LOCK_UN)
		__tsan_release(&queue_lock);
	rc = __real_flock(fd, op);
	if (rc == 0 && !(op & LOCK_UN))
		__tsan_acquire(&queue_lock);
	return (rc);
}

int
__wrap_fcntl(int fd, int cmd, ...)
{
	struct flock *l;
	va_list ap;
	int rc;

	va_start(ap, cmd);
	l = va_arg(ap, struct flock *);
	va_end(ap);
	if (cmd == F_OFD_SETLK && l->l_type == F_UNLCK)
		__tsan_release(&byte_locks);
	rc = __real_fcntl(fd, cmd, l);
	if (rc == 0 && cmd == F_OFD_SETLK && l->l_type != F_UNLCK)
		__tsan_acquire(&byte_locks);
	return (rc);
}
#endif

/* ---- what a thread does ---- */

static void
die(const char *what)
{
	fprintf(stderr, "threads: %s: %s\n", what, q_errmsg());
	exit(3);
}

static void
push(struct q *q, int number)
{
	char body[32];
	struct q_push message = { .body = body };
	size_t stored;

	message.size = (size_t)snprintf(body, sizeof(body), "%d", number);
	if (q_push(q, &message, 1, 0, &stored, NULL) != 0)
		die("push");
}

/* With a lease of its own, held or timed; settled one way or the other. Where there is
 * nothing, it waits for a push of another. */
static bool
consume(struct q *q, bool timed)
{
	const struct q_take take = {
		.n = 2,
		.lease = timed ? 60 * Q_SECOND : 0,
		.wait = Q_SECOND / 200,
	};
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	int rc = q_take(q, &take, &b);

	if (rc == Q_ETIMEDOUT)
		return (false);
	if (rc != 0)
		die("take");
	for (size_t i = 0; i < q_batch_count(b); i++) {
		const struct q_msg *m = q_batch_get(b, i);
		char body[32] = { 0 };
		struct q_settled result;

		memcpy(body, m->body, m->body_size);
		if (timed && (q_settle(q, &ack, &m->receipt, 1, &result) != 0 ||
				 result.code != 0))
			die("settle");
		atomic_fetch_add(&run.times[atoi(body)], 1);
	}
	if (!timed && q_batch_settle(q, &ack, b, 0, q_batch_count(b)) != 0)
		die("acknowledge");
	q_batch_free(b);
	return (true);
}

static void *
work(void *arg)
{
	int me = (int)(intptr_t)arg;
	struct q *q;

	if (q_open(run.path, NULL, &q) != 0)
		die("open");
	for (int i = 0; i < run.messages; i++) {
		push(q, me * run.messages + i);
		if (i % 2 == 0)
			(void)consume(q, i % 4 == 0);
	}
	atomic_fetch_add(&run.finished, 1);
	while (consume(q, me % 2 == 0) || atomic_load(&run.finished) < run.threads)
		;
	q_close(q);
	return (NULL);
}

int
main(int argc, char **argv)
{
	const struct q_open make = { .flags = Q_CREATE };
	pthread_t thread[64];
	struct q *q;
	int n, wrong = 0;

	if (argc != 4 || (run.threads = atoi(argv[2])) < 1 || run.threads > 64 ||
	    (run.messages = atoi(argv[3])) < 1)
		return (2);
	run.path = argv[1];
	n = run.threads * run.messages;
	if ((run.times = calloc((size_t)n, sizeof(*run.times))) == NULL ||
	    q_open(run.path, &make, &q) != 0)
		die(run.path);
	for (int i = 0; i < run.threads; i++)
		if (pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i) != 0)
			die("thread");
	for (int i = 0; i < run.threads; i++)
		(void)pthread_join(thread[i], NULL);
	for (int i = 0; i < n; i++)
		wrong += run.times[i] != 1;
	printf("%d messages by %d threads, %d not once\n", n, run.threads, wrong);
	q_close(q);
	free((void *)run.times);
	return (wrong > 0);
}
