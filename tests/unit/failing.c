/* SPDX-License-Identifier: ISC */
/*
 * Whatever fails underneath, and whichever call it is: an operation of libq ends with a
 * code of its own and a sentence, and leaves a queue that is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "ops.h"

/* A bit of a body that is in data.mdb flips, and nothing fails meanwhile. */
static void
damage(void)
{
	enum kind kind = fail.kind;
	static char all[4 << 20];
	char data[80], *p;
	size_t n;
	FILE *f;

	fail.kind = NOTHING;
	(void)snprintf(data, sizeof(data), "%s/data.mdb", copy);
	f = fopen(data, "r+");
	assert_non_null(f);
	n = fread(all, 1, sizeof(all), f);
	while ((p = memmem(all, n, "keyed", 5)) != NULL) {
		*p ^= 1;
		assert_int_equal(fseek(f, p - all, SEEK_SET), 0);
		assert_int_equal(fputc(*p, f), *p);
	}
	assert_int_equal(fclose(f), 0);
	fail.kind = kind;
}

static int
op_rebuild(struct q *q)
{
	damage();
	return (op_repair(q));
}

static int
run(int (*op)(struct q *), long at, enum kind kind, bool always, int error)
{
	struct q *q = NULL;
	int rc;

	restore();
	fail.at = at;
	fail.count = 0;
	fail.kind = kind;
	fail.always = always;
	fail.code = error;
	rc = q_open(copy, &(struct q_open){ .lock_wait = Q_SECOND / 100 }, &q);
	if (rc == 0)
		rc = op(q);
	fail.kind = NOTHING;
	if (rc != 0) {
		assert_true(rc < 0 && rc > -Q_CODES);
		assert_int_not_equal(q_errmsg()[0], '\0');
	}
	q_close(q);
	return (rc);
}

/* Of many calls, not each. */
static void
attack(int (*op)(struct q *), enum kind kind, bool always, int error)
{
	long last;

	assert_int_equal(run(op, 0, kind, false, error), 0);
	last = fail.count;
	for (long at = 1; at <= last; at += 1 + at / 50) {
		(void)run(op, at, kind, always, error);
		verify(copy, op == op_rebuild);
		verify(other, false);
	}
}

static void
attack_all(enum kind kind, bool always, int error)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		print_message("# %s\n", ops[i].name);
		attack(ops[i].op, kind, always, error);
	}
	print_message("# rebuild\n");
	attack(op_rebuild, kind, always, error);
}

static void
test_lmdb(void **state)
{
	(void)state;
	attack_all(LMDB, false, EIO);
}

static void
test_lmdb_always(void **state)
{
	(void)state;
	attack_all(LMDB, true, ENOMEM);
}

static void
test_memory(void **state)
{
	(void)state;
	attack_all(MEMORY, false, ENOMEM);
}

static void
test_system(void **state)
{
	(void)state;
	attack_all(SYSTEM, false, EIO);
}

static void
test_full_disk(void **state)
{
	(void)state;
	attack_all(SYSTEM, true, ENOSPC);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lmdb),
		cmocka_unit_test(test_lmdb_always),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_full_disk),
	};

	return (cmocka_run_group_tests(tests, make, unmake));
}
