/* SPDX-License-Identifier: ISC */
#ifndef RICH_H
#define RICH_H

/*
 * A queue that has something of everything there is, made once; and copies of it, for
 * what is done to queues. To be included after cmocka.h.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "askers.h"

/* Nobody waits long for a lock. */
static const struct q_open brief = { .lock_wait = Q_SECOND / 100 };

enum { LARGE = 70000, FIRST = 1, LEASED = 6, DEAD = 7, DONE = 8 };

static char dir[] = "/dev/shm/q-failing.XXXXXX", rich[64], other[64], copy[64];
static uint8_t large[LARGE];
static char output_file[32]; /* of a result */
static struct q_receipt of_leased;

static struct q_push
message(const char *body)
{
	return ((struct q_push){ .body = body, .size = strlen(body) });
}

static void
settle_one(struct q *q, const struct q_settle *how)
{
	struct q_take take = { .lease = 3600 * Q_SECOND };
	struct q_settled result;
	struct q_batch *b;

	assert_int_equal(q_take(q, &take, &b), 0);
	if (how == NULL)
		of_leased = q_batch_get(b, 0)->receipt;
	else
		assert_int_equal(
		    q_settle(q, how, &q_batch_get(b, 0)->receipt, 1, &result), 0);
	q_batch_free(b);
}

static void
push(struct q *q, struct q_push p)
{
	size_t stored;

	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
}

/* Rows that many share; and those that were leased, failed, or held up together. */
static void
fill_more(struct q *q)
{
	const struct q_settle kill = { .verb = Q_KILL, .reason = "no good" };
	struct q_take take = { .n = 3, .lease = 3600 * Q_SECOND };
	struct q_push p[8];
	struct q_batch *b;
	size_t stored;

	for (int i = 0; i < 8; i++) {
		p[i] = message("alike");
		p[i].priority = 5;
	}
	assert_int_equal(q_push(q, p, 8, 0, &stored, NULL), 0);
	assert_int_equal(q_take(q, &take, &b), 0);
	q_batch_free(b);
	for (int i = 0; i < 3; i++) {
		p[i] = message("in order");
		p[i].group = "held";
		p[i].key = i == 1 ? "one of them" : NULL;
		p[i].result = i == 0;
		p[i].priority = 50;
	}
	assert_int_equal(q_push(q, p, 3, 0, &stored, NULL), 0);
	settle_one(q, &kill);
}

static const struct q_report all_told = { .how = Q_HOW_EXITED,
	.status = 7,
	.host = "host",
	.output = "said",
	.output_size = 4,
	.command = "./work\0-x",
	.command_size = 10 };

/* A result with a file, a key that is known for a while, and leases that are held, or
 * were over at once. */
static void
fill_ended(struct q *q)
{
	struct q_push p = { .priority = 90, .result = true };
	struct q_output out = { .data = NULL };
	struct q_settle ack = { .verb = Q_ACK, .output = &out };
	struct q_take take = { .n = 2, .ahead = 1 };
	struct q_pushed pushed;
	struct q_batch *b;
	size_t stored;

	assert_int_equal(q_push(q, &p, 1, 0, &stored, &pushed), 0);
	(void)snprintf(output_file, sizeof(output_file), "blob/%llu.out",
	    (unsigned long long)pushed.id);
	assert_int_equal(q_blob_output(q, &out.blob), 0);
	assert_int_equal(q_blob_write(out.blob, large, LARGE), 0);
	settle_one(q, &ack);
	q_blob_free(out.blob);
	p = message("keyed, and done");
	p.priority = 90;
	p.key = "done";
	push(q, p);
	ack.output = NULL;
	settle_one(q, &ack);
	p.key = NULL;
	push(q, p);
	push(q, p);
	assert_int_equal(q_take(q, &take, &b), 0);
	q_batch_free(b);
	push(q, p);
	take = (struct q_take){ .lease = 1 };
	assert_int_equal(q_take(q, &take, &b), 0);
	q_batch_free(b);
}

/* A row of what was done for another. */
static void
fill_served(struct q *q)
{
	struct q_push asked = message("asked"), own = message("own");
	struct q_pushed pushed;
	enum answer answer = ANSWER_ALONE;
	struct asker a = { .n = 1 };

	a.request[0] = (struct request){ .op = OP_PUSH,
		.push = { .messages = &asked, .n = 1, .pushed = &pushed } };
	assert_int_equal(q_open(rich, NULL, &a.q), 0);
	assert_true(ask(&a));
	push(q, own);
	assert_true(answered(&a, &answer) && answer == ANSWER_RESULTS);
	q_close(a.q);
}

/* Something of everything there is. */
static void
fill(struct q *q)
{
	const struct q_settle kill = { .verb = Q_KILL, .reason = "no good" },
			      ack = { .verb = Q_ACK },
			      lose = { .verb = Q_FAIL,
				      .reason = "no luck",
				      .report = &all_told };
	struct q_push p = message("first");

	p.headers = "a=b";
	p.headers_size = 4;
	push(q, p);
	p = message("keyed");
	p.key = "key";
	p.ttl = 3600 * Q_SECOND;
	push(q, p);
	p = message("group");
	p.group = "g";
	push(q, p);
	push(q, p);
	push(q, (struct q_push){ .body = large, .size = LARGE });
	for (int i = 0; i < 4; i++) {
		p = message("urgent");
		p.priority = 9;
		p.result = true;
		push(q, p);
	}
	settle_one(q, NULL);
	settle_one(q, &kill);
	settle_one(q, &ack);
	settle_one(q, &lose);
	p = message("later");
	p.delay = 3600 * Q_SECOND;
	push(q, p);
	fill_more(q);
	fill_ended(q);
	fill_served(q);
}

static int
make(void **state)
{
	static const struct q_open create = { .flags = Q_CREATE };
	struct q *q;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	(void)snprintf(rich, sizeof(rich), "%s/rich", dir);
	(void)snprintf(copy, sizeof(copy), "%s/copy", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	if (q_open(rich, &create, &q) != 0)
		return (-1);
	assert_int_equal(q_option_set(q, Q_OPT_INLINE, 65536), 0);
	assert_int_equal(q_option_set(q, Q_OPT_LOG, 3600), 0);
	assert_int_equal(q_option_set(q, Q_OPT_WINDOW, 3600ULL * Q_SECOND), 0);
	assert_int_equal(q_option_set(q, Q_OPT_GROUP_ON_DEAD, Q_GROUP_HOLD), 0);
	fill(q);
	q_close(q);
	return (0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return (remove(path));
}

static int
unmake(void **state)
{
	(void)state;
	return (nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}

static void
copy_file(const char *name)
{
	char from[80], to[80];
	static char buf[1 << 16];
	ssize_t n;
	int in, out;

	(void)snprintf(from, sizeof(from), "%s/%s", rich, name);
	(void)snprintf(to, sizeof(to), "%s/%s", copy, name);
	in = open(from, O_RDONLY);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(in != -1 && out != -1);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	assert_int_equal(n, 0);
	(void)close(in);
	(void)close(out);
}

static void
make_file(const char *name)
{
	char to[80];
	int fd;

	(void)snprintf(to, sizeof(to), "%s/%s", copy, name);
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	(void)close(fd);
}

/* As it was: copies of what it keeps. */
static void
restore(void)
{
	char blob[80];

	(void)nftw(copy, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)nftw(other, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)snprintf(blob, sizeof(blob), "%s/blob", copy);
	assert_int_equal(mkdir(copy, 0700), 0);
	assert_int_equal(mkdir(blob, 0700), 0);
	copy_file("data.mdb");
	copy_file("hold");
	copy_file("blob/5");
	copy_file(output_file);
	make_file("blob/99"); /* of nobody */
	make_file("blob/98.out");
	make_file("blob/1"); /* whose body is elsewhere */
	make_file("blob/8.out");
	make_file("blob/1234567890123456789012345678901234567890");
	make_file("blob/7-1-1.tmp");
}

/* The queue, if it is there, with nothing failing any more. */
static void
verify(const char *path, bool damaged)
{
	struct q_check *check;
	struct q_stat st = { 0 };
	uint64_t there;
	struct q *q;
	int rc = q_open(path, NULL, &q);

	if (rc == Q_ENOQUEUE || rc == Q_ENOTQ)
		return;
	assert_int_equal(rc, 0);
	rc = q_stat(q, &st);
	assert_true(rc == 0 || (rc == Q_ECORRUPT && damaged));
	there = st.done + st.expired + st.purged;
	for (int i = 0; i < Q_STATES; i++)
		there += st.count[i];
	assert_true(rc != 0 || st.pushed == there);
	if (q_check(q, &check) != 0)
		fail_msg("%s", q_errmsg());
	assert_true(rc == 0 || check->found > 0);
	assert_true(check->found == 0 || damaged);
	damaged = check->found != 0;
	q_check_free(check);
	if (damaged) { /* what was not repaired can be */
		assert_int_equal(q_repair(q, &check), 0);
		q_check_free(check);
	}
	q_close(q);
	if (damaged)
		verify(path, false);
}

#endif
