/* SPDX-License-Identifier: ISC */
/* What is kept of messages that end: on real queues, each test in its own. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "q.h"

static char dir[] = "/tmp/result.XXXXXX";

/* A new queue, in which every message's result is kept. */
static int
set_up(void **state)
{
	static int n;
	struct q_open open = { .flags = Q_CREATE | Q_FORCE };
	char path[64];
	struct q *q;

	if (n == 0 && mkdtemp(dir) == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/%d", dir, ++n);
	if (q_open(path, &open, &q) != 0 || chdir(path) != 0 ||
	    q_option_set(q, Q_OPT_RESULTS, Q_RESULTS_ALL) != 0)
		return (-1);
	*state = q;
	return (0);
}

static int
tear_down(void **state)
{
	q_close(*state);
	return (chdir("/"));
}

static int
remove_all(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return (system(command));
}

static void
push(struct q *q, struct q_push p)
{
	size_t stored;

	p.body = "x";
	p.size = 1;
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
}

static struct q_batch *
take(struct q *q, q_time lease)
{
	struct q_take t = { .lease = lease };
	struct q_batch *b;

	assert_int_equal(q_take(q, &t, &b), 0);
	return (b);
}

/* Settle the first message of a batch, which is freed. */
static struct q_settled
settle(struct q *q, struct q_batch *b, struct q_settle how)
{
	struct q_settled settled = { 0 };

	assert_int_equal(
	    q_settle(q, &how, &q_batch_get(b, 0)->receipt, 1, &settled), 0);
	q_batch_free(b);
	return (settled);
}

static struct q_result *
get(struct q *q, uint64_t id)
{
	struct q_result *r = NULL;

	assert_int_equal(q_result_get(q, id, 0, &r), 0);
	assert_true(r->id == id && r->when > 0);
	return (r);
}

/* What falls due is done by the next change. */
static void
change(struct q *q)
{
	assert_int_equal(q_option_set(q, Q_OPT_BACKOFF, 0), 0);
}

static size_t
blobs(void)
{
	DIR *d = opendir("blob");
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return (n);
}

static struct q_blob *
blob_of(struct q *q, const char *text)
{
	struct q_blob *b;

	assert_int_equal(q_blob_output(q, &b), 0);
	assert_int_equal(q_blob_write(b, text, strlen(text)), 0);
	return (b);
}

static void
output_is_kept_with_the_end(void **state)
{
	struct q_output out = { .data = "a\0b", .size = 3 };
	struct q_result *r;
	struct q *q = *state;

	push(q, (struct q_push){ 0 });
	assert_int_equal(q_result_get(q, 1, 0, &r), Q_EMPTY);
	assert_int_equal(q_result_get(q, 1, 1, &r), Q_ETIMEDOUT);
	assert_int_equal(q_result_get(q, 1, -1, &r), Q_EINVAL);
	assert_int_equal(q_result_get(q, 2, Q_FOREVER, &r), Q_ENOENT);
	settle(q, take(q, Q_SECOND * 60),
	    (struct q_settle){ .verb = Q_ACK, .output = &out });
	r = get(q, 1);
	assert_true(r->state == 0 && r->size == 3 && !r->blob && !r->lost);
	assert_memory_equal(r->output, "a\0b", 4);
	assert_string_equal(r->reason, "");
	q_result_free(r);
	q_result_free(NULL);
}

static void
large_output_is_a_file_until_its_time(void **state)
{
	struct q_output out = { 0 };
	struct q_result *r;
	struct q *q = *state;
	char text[8] = "";
	int fd;

	out.blob = blob_of(q, "large");
	push(q, (struct q_push){ 0 });
	settle(q, take(q, Q_SECOND * 60),
	    (struct q_settle){ .verb = Q_ACK, .output = &out });
	q_blob_free(out.blob);
	r = get(q, 1);
	assert_true(r->blob && r->size == 5 && blobs() == 1);
	assert_int_equal(q_result_open(q, r, &fd), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "large");
	close(fd);
	fd = open("blob/1.out", O_WRONLY);
	assert_int_equal(pwrite(fd, "b", 1, 0), 1);
	close(fd);
	assert_int_equal(q_result_open(q, r, &fd), Q_ECORRUPT);
	assert_int_equal(unlink("blob/1.out"), 0);
	assert_int_equal(q_result_open(q, r, &fd), Q_ECORRUPT);
	q_result_free(r);

	assert_int_equal(q_option_set(q, Q_OPT_RESULT_KEEP, 1), 0);
	out.blob = blob_of(q, "short");
	push(q, (struct q_push){ 0 });
	settle(q, take(q, Q_SECOND * 60),
	    (struct q_settle){ .verb = Q_ACK, .output = &out });
	q_blob_free(out.blob);
	change(q);
	assert_int_equal(blobs(), 0);
	assert_int_equal(q_result_get(q, 2, 0, &r), Q_ENOENT);
}

static void
output_that_cannot_be_kept_does_not_keep_the_message(void **state)
{
	struct q_output out = { 0 };
	struct q_result *r;
	struct q *q = *state;

	out.blob = blob_of(q, "gone");
	assert_int_equal(system("rm blob/*.tmp"), 0);
	push(q, (struct q_push){ 0 });
	assert_int_equal(settle(q, take(q, Q_SECOND * 60),
			     (struct q_settle){ .verb = Q_ACK, .output = &out })
			     .code,
	    0);
	q_blob_free(out.blob);
	r = get(q, 1);
	assert_true(r->state == 0 && r->lost && !r->blob && r->size == 0);
	q_result_free(r);
}

static void
on_a_full_disk_output_is_lost_and_the_message_done(void **state)
{
	static char large[900 << 10];
	struct q_output out = { .data = large, .size = sizeof(large) };
	struct rlimit all, limit;
	struct q_result *r;
	struct q *q = *state;
	struct q_batch *b;
	struct stat st;

	push(q, (struct q_push){ 0 });
	b = take(q, Q_SECOND * 60);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(stat("data.mdb", &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	limit = all;
	limit.rlim_cur = (rlim_t)st.st_size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(
	    settle(q, b, (struct q_settle){ .verb = Q_ACK, .output = &out }).code, 0);
	/* Nor does a blob that could not be written whole. */
	out = (struct q_output){ .blob = blob_of(q, "begun") };
	limit.rlim_cur = 5;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(q_blob_write(out.blob, "and", 3), Q_ENOSPC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	push(q, (struct q_push){ 0 });
	b = take(q, Q_SECOND * 60);
	assert_int_equal(
	    settle(q, b, (struct q_settle){ .verb = Q_ACK, .output = &out }).code, 0);
	q_blob_free(out.blob);
	for (uint64_t id = 1; id <= 2; id++) {
		r = get(q, id);
		assert_true(r->state == 0 && r->lost && r->size == 0);
		q_result_free(r);
	}
	assert_int_equal(blobs(), 0);
}

static void
a_blob_whose_write_failed_is_not_pushed(void **state)
{
	struct rlimit all, limit;
	struct q *q = *state;
	struct q_push p = { 0 };
	size_t stored;

	assert_int_equal(q_blob_new(q, &p.blob), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	limit = all;
	limit.rlim_cur = 5;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(q_blob_write(p.blob, "whole", 5), 0);
	assert_int_equal(q_blob_write(p.blob, "not", 3), Q_ENOSPC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), Q_ENOSPC);
	assert_int_equal(stored, 0);
	q_blob_free(p.blob);
	assert_int_equal(blobs(), 0);
}

static void
a_blob_is_of_one_message_and_of_its_kind(void **state)
{
	const struct q_open look = { .flags = Q_RDONLY };
	struct q_output out = { 0 };
	struct q_settle how = { .verb = Q_ACK, .output = &out };
	struct q_push p = { 0 };
	struct q_settled settled;
	struct q_batch *b;
	struct q *q = *state, *other;
	size_t stored;
	int fd;

	assert_int_equal(q_blob_new(q, &out.blob), 0);
	assert_int_equal(q_blob_write(out.blob, "body", 4), 0);
	p.blob = out.blob;
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), Q_EINVAL);
	b = take(q, Q_SECOND * 60);
	assert_int_equal(
	    q_settle(q, &how, &q_batch_get(b, 0)->receipt, 1, &settled), Q_EINVAL);
	q_blob_free(p.blob);
	assert_int_equal(q_msg_open(q, q_batch_get(b, 0), &fd), 0);
	(void)close(fd);
	q_batch_free(b);
	p.blob = blob_of(q, "output");
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), Q_EINVAL);
	assert_int_equal(stored, 0);
	q_blob_free(p.blob);
	assert_int_equal(blobs(), 1);
	assert_int_equal(q_open(".", &look, &other), 0);
	assert_int_equal(q_blob_new(other, &p.blob), Q_EACCES);
	assert_int_equal(q_blob_output(other, &p.blob), Q_EACCES);
	q_close(other);
}

static void
an_output_that_is_a_file_is_of_one_message(void **state)
{
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_output out = { 0 };
	struct q_settle how = { .verb = Q_ACK, .output = &out };
	struct q_take two = { .n = 2 };
	struct q_receipt receipts[2];
	struct q_settled settled[2];
	struct q_batch *b;
	struct q_result *r;
	struct q *q = *state;

	out.blob = blob_of(q, "one");
	push(q, (struct q_push){ 0 });
	push(q, (struct q_push){ 0 });
	assert_int_equal(q_take(q, &two, &b), 0);
	receipts[0] = q_batch_get(b, 0)->receipt;
	receipts[1] = q_batch_get(b, 1)->receipt;
	assert_int_equal(q_settle(q, &how, receipts, 2, settled), Q_EINVAL);
	assert_int_equal(q_batch_settle(q, &how, b, 0, 2), Q_EINVAL);
	assert_int_equal(q_batch_settle(q, &how, b, 0, 1), 0);
	assert_int_equal(q_batch_settle(q, &ack, b, 1, 1), 0);
	q_batch_free(b);
	q_blob_free(out.blob);
	r = get(q, 1);
	assert_true(r->blob && r->size == 3);
	q_result_free(r);
	r = get(q, 2);
	assert_true(!r->blob && r->size == 0 && !r->lost);
	q_result_free(r);
}

static void
of_a_dead_one_there_is_why_and_what_it_wrote(void **state)
{
	const struct q_report report = { .how = Q_HOW_EXITED, .status = 7 };
	struct q_output out = { .data = "half", .size = 4 };
	struct q_result *r;
	struct q *q = *state;

	push(q, (struct q_push){ .max_attempts = 1 });
	settle(q, take(q, Q_SECOND * 60),
	    (struct q_settle){ .verb = Q_FAIL,
		.reason = "exited 7",
		.report = &report,
		.output = &out });
	r = get(q, 1);
	assert_true(r->state == Q_DEAD && r->how == Q_HOW_EXITED && r->status == 7);
	assert_string_equal(r->reason, "exited 7");
	assert_memory_equal(r->output, "half", 5);
	q_result_free(r);
	/* It stays dead for longer than that is kept. */
	assert_int_equal(q_option_set(q, Q_OPT_RESULT_KEEP, 0), 0);
	push(q, (struct q_push){ .max_attempts = 1 });
	settle(q, take(q, Q_SECOND * 60),
	    (struct q_settle){ .verb = Q_KILL, .reason = "never", .output = &out });
	r = get(q, 2);
	assert_true(r->state == Q_DEAD && r->how == Q_HOW_SAID && r->size == 0);
	assert_string_equal(r->reason, "never");
	q_result_free(r);
}

static void
a_lapsed_one_is_dead_until_somebody_says_otherwise(void **state)
{
	struct q_output out = { .data = "late", .size = 4 };
	struct q_result *r;
	struct q_batch *b;
	struct q *q = *state;

	for (uint64_t id = 1; id <= 2; id++) {
		push(q, (struct q_push){ .max_attempts = 1 });
		b = take(q, 1);
		/* Before anything has changed, and after. */
		for (int i = 0; i < 2; i++) {
			r = get(q, id);
			assert_true(r->state == Q_DEAD && r->how == Q_HOW_LAPSED);
			assert_string_equal(r->reason, "lease ran out");
			q_result_free(r);
			change(q);
		}
		if (id == 1) {
			settle(
			    q, b, (struct q_settle){ .verb = Q_ACK, .output = &out });
			r = get(q, id);
			assert_true(r->state == 0 && r->size == 4);
			q_result_free(r);
		} else {
			settle(q, b, (struct q_settle){ .verb = Q_RELEASE });
			assert_int_equal(q_result_get(q, id, 0, &r), Q_EMPTY);
		}
	}
}

static void
what_has_expired_has_ended(void **state)
{
	struct q_result *r;
	struct q *q = *state;

	push(q, (struct q_push){ .ttl = 1 });
	assert_int_equal(q_result_get(q, 1, Q_FOREVER, &r), Q_ENOENT);
	change(q);
	assert_int_equal(q_result_get(q, 1, Q_FOREVER, &r), Q_ENOENT);
}

/* Whatever is said with it, also where one record is of them all. */
static void
what_ends_together_has_its_result_each(void **state)
{
	const struct q_report report = { .how = Q_HOW_EXITED };
	struct q_output out = { .data = "said", .size = 4 };
	const struct q_settle how[] = { { .verb = Q_ACK, .output = &out },
		{ .verb = Q_ACK, .report = &report }, { .verb = Q_ACK } };
	const struct q_take take = { .n = 2, .lease = Q_SECOND * 60 };
	struct q *q = *state;
	struct q_result *r;
	struct q_batch *b;

	for (uint64_t i = 0; i < 3; i++) {
		const struct q_push two[2] = { { .size = 0 } };
		size_t stored;

		assert_int_equal(q_push(q, two, 2, 0, &stored, NULL), 0);
		assert_int_equal(q_take(q, &take, &b), 0);
		assert_int_equal(q_batch_settle(q, &how[i], b, 0, 2), 0);
		q_batch_free(b);
		for (uint64_t id = 2 * i + 1; id <= 2 * i + 2; id++) {
			r = get(q, id);
			assert_int_equal(r->state, 0);
			assert_int_equal(r->size, i == 0 ? 4 : 0);
			q_result_free(r);
		}
	}
}

static bool
stop(void *asked)
{
	++*(int *)asked;
	return (true);
}

/* Whoever is to stop does not wait for what may never come. */
static void
a_wait_is_given_up_when_it_is_to_be(void **state)
{
	int asked = 0;
	const struct q_open open = { .flags = Q_FORCE, .stop = stop, .arg = &asked };
	struct q_result *r;
	char path[64];
	struct q *q;

	push(*state, (struct q_push){ 0 });
	assert_non_null(getcwd(path, sizeof(path))); /* the queue, see set_up() */
	assert_int_equal(q_open(path, &open, &q), 0);
	assert_int_equal(q_result_get(q, 1, Q_FOREVER, &r), Q_ETIMEDOUT);
	assert_true(asked > 0);
	q_close(q);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(output_is_kept_with_the_end),
		TEST(large_output_is_a_file_until_its_time),
		TEST(output_that_cannot_be_kept_does_not_keep_the_message),
		TEST(on_a_full_disk_output_is_lost_and_the_message_done),
		TEST(a_blob_whose_write_failed_is_not_pushed),
		TEST(a_blob_is_of_one_message_and_of_its_kind),
		TEST(an_output_that_is_a_file_is_of_one_message),
		TEST(of_a_dead_one_there_is_why_and_what_it_wrote),
		TEST(a_lapsed_one_is_dead_until_somebody_says_otherwise),
		TEST(what_has_expired_has_ended),
		TEST(what_ends_together_has_its_result_each),
		TEST(a_wait_is_given_up_when_it_is_to_be),
	};

	return (cmocka_run_group_tests(tests, NULL, remove_all));
}
