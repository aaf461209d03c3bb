/* SPDX-License-Identifier: ISC */
/*
 * Whatever became of a page of data.mdb: an operation of libq ends with a code of its
 * own and a sentence, or as LMDB does that believes its pages, by a signal that is of
 * damage (the commands exit 65 then). A check and a repair believe none: they say what
 * is wrong, and make a queue that is sound of what is left.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "ops.h"

enum { PAGE = 4096, HEAD = 16, MOST = 2048, TREE = 48, RICH_BODIES = 60, RUN = 9000 };
enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4, META = 8 };

static uint8_t data[MOST * PAGE], changed[MOST * PAGE];
static size_t size, end; /* of the file, and of what is used; in pages */
static size_t turn;

static uint16_t
half(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

/* ---- what becomes of it: numbers of some bytes, from somewhere on ---- */

enum from { PAGE_AT, FIRST_ROW, LAST_ROW, FIRST_VALUE, LAST_VALUE };
enum how { SET, ADD, FLIP };

static const struct change {
	enum from from;
	unsigned at, bytes;
	enum how how;
	uint64_t value;
} changes[] = {
	{ PAGE_AT, 0, 8, FLIP, 1 },
	{ PAGE_AT, 10, 2, SET, 0 },
	{ PAGE_AT, 10, 2, SET, BRANCH },
	{ PAGE_AT, 10, 2, SET, LEAF },
	{ PAGE_AT, 10, 2, SET, OVERFLOW },
	{ PAGE_AT, 12, 2, ADD, 2 },
	{ PAGE_AT, 12, 2, ADD, (uint64_t)-2 },
	{ PAGE_AT, 12, 2, SET, HEAD },
	{ PAGE_AT, 12, 2, SET, HEAD + 2 },
	{ PAGE_AT, 12, 2, SET, 0xfff0 },
	{ PAGE_AT, 12, 4, SET, 0 },
	{ PAGE_AT, 12, 4, ADD, 1 },
	{ PAGE_AT, 14, 2, ADD, 2 },
	{ PAGE_AT, 14, 2, SET, 0 },
	{ PAGE_AT, HEAD, 2, SET, 0 },
	{ PAGE_AT, HEAD, 2, SET, 0xffff },
	{ PAGE_AT, HEAD, 2, ADD, 2 },
	{ FIRST_ROW, 0, 4, ADD, 1000 },
	{ FIRST_ROW, 0, 4, SET, 0 },
	{ FIRST_ROW, 0, 4, SET, 2 },
	{ LAST_ROW, 0, 4, SET, 2 },
	{ LAST_ROW, 0, 4, SET, 0xffffff },
	{ FIRST_ROW, 4, 2, FLIP, 1 },
	{ FIRST_ROW, 4, 2, FLIP, 2 },
	{ FIRST_ROW, 4, 2, FLIP, 4 },
	{ LAST_ROW, 4, 2, FLIP, 3 },
	{ FIRST_ROW, 6, 2, SET, 0 },
	{ FIRST_ROW, 6, 2, SET, 0xffff },
	{ LAST_ROW, 6, 2, ADD, 1 },
	{ FIRST_ROW, 8, 1, SET, 0xff },
	{ LAST_ROW, 8, 1, SET, 0 },
	{ LAST_ROW, 15, 1, FLIP, 1 },
	/* a tree, in its row: padding, flags, depth, counts, root; or a list of pages */
	{ FIRST_VALUE, 0, 8, SET, 3 },
	{ FIRST_VALUE, 0, 8, SET, 0xffffff },
	{ FIRST_VALUE, 4, 2, SET, 4 },
	{ FIRST_VALUE, 6, 2, ADD, 1 },
	{ FIRST_VALUE, 6, 2, SET, 99 },
	{ FIRST_VALUE, 8, 8, ADD, 1 },
	{ FIRST_VALUE, 8, 8, SET, 0xffffff },
	{ FIRST_VALUE, 8, 8, SET, 1 },
	{ FIRST_VALUE, 16, 8, ADD, 1 },
	{ FIRST_VALUE, 24, 8, ADD, 1 },
	{ FIRST_VALUE, 32, 8, ADD, 1 },
	{ FIRST_VALUE, 40, 8, SET, 1 },
	{ FIRST_VALUE, 40, 8, SET, 0xffffff },
	{ FIRST_VALUE, 40, 8, ADD, 1 },
	{ FIRST_VALUE, 40, 8, SET, UINT64_MAX },
	{ LAST_VALUE, 0, 8, SET, 3 },
	{ LAST_VALUE, 8, 8, SET, 2 },
	{ LAST_VALUE, 40, 8, SET, 2 },
}, metas[] = { /* what LMDB begins with */
	{ PAGE_AT, HEAD, 4, FLIP, 1 },
	{ PAGE_AT, HEAD + 4, 4, ADD, 1 },
	{ PAGE_AT, HEAD + 24, 4, SET, 8192 },
	{ PAGE_AT, HEAD + 24, 4, SET, 4097 },
	{ PAGE_AT, HEAD + 24, 4, SET, 64 },
	{ PAGE_AT, HEAD + 24, 4, SET, 0 },
	{ PAGE_AT, HEAD + 24 + 6, 2, ADD, 1 },
	{ PAGE_AT, HEAD + 24 + 40, 8, SET, UINT64_MAX },
	{ PAGE_AT, HEAD + 24 + 40, 8, SET, 1 },
	{ PAGE_AT, HEAD + 24 + 40, 8, SET, 0xffffff },
	{ PAGE_AT, HEAD + 24 + TREE + 6, 2, SET, 40 },
	{ PAGE_AT, HEAD + 24 + TREE + 32, 8, ADD, 1 },
	{ PAGE_AT, HEAD + 24 + TREE + 40, 8, SET, UINT64_MAX },
	{ PAGE_AT, HEAD + 24 + TREE + 40, 8, SET, 1 },
	{ PAGE_AT, HEAD + 24 + TREE + 40, 8, ADD, 1 },
	{ PAGE_AT, HEAD + 24 + 2 * TREE, 8, SET, 0 },
	{ PAGE_AT, HEAD + 24 + 2 * TREE, 8, SET, 5 },
	{ PAGE_AT, HEAD + 24 + 2 * TREE, 8, SET, 0xffffff },
	{ PAGE_AT, HEAD + 32 + 2 * TREE, 8, ADD, 1 },
	{ PAGE_AT, HEAD + 32 + 2 * TREE, 8, ADD, 2 },
	{ PAGE_AT, HEAD + 32 + 2 * TREE, 8, ADD, (uint64_t)-2 },
	{ PAGE_AT, HEAD + 32 + 2 * TREE, 8, SET, 0 },
};

/* Where that is in a page; NULL: it has no rows. */
static uint8_t *
place(uint8_t *page, const struct change *c)
{
	unsigned kind = half(page + 10), lower = half(page + 12);
	bool first = c->from == FIRST_ROW || c->from == FIRST_VALUE;
	uint8_t *row;

	if (c->from == PAGE_AT)
		return (page + c->at);
	if ((kind != BRANCH && kind != LEAF) || lower <= HEAD)
		return (NULL);
	row = page + half(page + (first ? HEAD : lower - 2));
	if (c->from == FIRST_VALUE || c->from == LAST_VALUE)
		row += 8 + half(row + 6);
	return (row + c->at + c->bytes <= page + PAGE ? row + c->at : NULL);
}

static bool
change(size_t number, const struct change *c)
{
	uint8_t *p = place(changed + number * PAGE, c);
	uint64_t v = 0;

	if (p == NULL)
		return (false);
	memcpy(&v, p, c->bytes);
	v = c->how == SET ? c->value : c->how == ADD ? v + c->value : v ^ c->value;
	memcpy(p, &v, c->bytes);
	return (true);
}

/* ---- the queue, and what is done to it ---- */

static void
read_pages(void)
{
	static const uint8_t zeros[PAGE];
	char path[80];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", rich);
	assert_non_null(f = fopen(path, "r"));
	size = fread(data, PAGE, MOST, f);
	assert_true(size < MOST);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < size; i++)
		if (memcmp(data + i * PAGE, zeros, PAGE) != 0)
			end = i + 1;
}

static void
write_pages(size_t n)
{
	char path[80];
	FILE *f;

	restore();
	(void)snprintf(path, sizeof(path), "%s/data.mdb", copy);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(changed, PAGE, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int
said(int rc)
{
	if (rc != 0) {
		assert_true(rc < 0 && rc > -Q_CODES);
		assert_int_not_equal(q_errmsg()[0], '\0');
	}
	return (rc);
}

static void
mend(void)
{
	struct q_check *check;
	struct q *q;
	int rc;

	if (said(q_open(copy, &brief, &q)) != 0)
		return;
	rc = said(q_check(q, &check));
	if (rc == 0)
		q_check_free(check);
	rc = said(q_repair(q, &check));
	if (rc == 0)
		q_check_free(check);
	q_close(q);
	if (rc == 0)
		verify(copy, false);
}

/* Two operations, others each time. */
static void
operate(void)
{
	static const size_t n = sizeof(ops) / sizeof(ops[0]);
	struct q *q;

	for (int i = 0; i < 2; i++, turn += 7)
		if (said(q_open(copy, &brief, &q)) == 0) {
			(void)said(ops[turn % n].op(q));
			q_close(q);
		}
}

/* In a process of its own: the signal that ended it, or 0. */
static int
apart(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0) {
		(void)setenv("CMOCKA_TEST_ABORT", "1", 1);
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		(void)signal(SIGABRT, SIG_DFL);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void
use(void)
{
	int by = apart(operate);

	turn += 14;
	assert_true(by == 0 || by == SIGSEGV || by == SIGBUS);
	assert_int_equal(apart(mend), 0);
}

static void
attack(size_t number, const struct change *list, size_t n, size_t every)
{
	for (size_t i = number % every; i < n; i += every) {
		memcpy(changed, data, size * PAGE);
		if (!change(number, &list[i]))
			continue;
		print_message("# page %zu, change %zu\n", number, i);
		write_pages(size);
		use();
	}
}

static void
test_pages(void **state)
{
	(void)state;
	for (size_t i = 2; i < end; i++)
		if (half(data + i * PAGE + 10) != 0)
			attack(i, changes, sizeof(changes) / sizeof(changes[0]), 3);
}

static void
test_metas(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		attack(i, changes, 5, 1);
		attack(i, metas, sizeof(metas) / sizeof(metas[0]), 1);
	}
}

static void
test_cut(void **state)
{
	(void)state;
	memcpy(changed, data, size * PAGE);
	for (size_t i = 0; i < end; i++) {
		print_message("# cut to %zu pages\n", i);
		write_pages(i);
		use();
	}
}

/* What was written last is what it was before, or what is elsewhere. */
static void
test_moved(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < end; i++) {
		memcpy(changed, data, size * PAGE);
		memcpy(changed + i * PAGE, data + (i + 1) * PAGE, PAGE);
		if (i % 2 == 0) /* as if it belonged there */
			memcpy(changed + i * PAGE, data + i * PAGE, 8);
		print_message("# page %zu is another\n", i);
		write_pages(size);
		use();
	}
}

/* Trees of more than a page, values of several, and pages that are free. */
static int
begin(void **state)
{
	static char body[RUN];
	struct q_push p = { .body = body };
	struct q_managed managed;
	struct q_manage purge = { .act = Q_ACT_PURGE };
	uint64_t gone[3];
	struct q *q;

	if (make(state) != 0 || q_open(rich, NULL, &q) != 0)
		return (-1);
	for (int i = 0; i < RICH_BODIES; i++) {
		p.size = i % 15 == 7 ? RUN : 700;
		memset(body, 'a' + i % 26, p.size);
		push(q, p);
	}
	for (size_t i = 0; i < 3; i++)
		gone[i] = 30 + i;
	purge.ids = gone;
	purge.id_count = 3;
	assert_int_equal(q_manage(q, &purge, &managed), 0);
	q_close(q);
	read_pages();
	return (0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_metas),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_moved),
	};

	return (cmocka_run_group_tests(tests, begin, unmake));
}
