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
#include "ops_among.h"
#include "ops_mend.h"

/* What fails, and when. */
struct attack {
	const char *name;
	enum kind kind;
	bool always;
	int error;
	time_t later;
	bool simple, booted, scarce;
};

static void
set(long at, const struct attack *a)
{
	fail.at = at;
	fail.count = 0;
	fail.always = a->always;
	fail.code = a->error;
	fail.later = a->later;
	fail.simple = a->simple;
	fail.booted = a->booted;
	fail.scarce = a->scarce;
}

/* From when the queue is open: that it is opened is an operation of its own. */
static int
run(int (*op)(struct q *), bool damaged, long at, const struct attack *a)
{
	struct q *q = NULL;
	int rc;

	restore();
	set(at, a);
	assert_int_equal(q_open(copy, &brief, &q), 0);
	fail.kind = a->kind;
	rc = op(q);
	fail.kind = NOTHING;
	fail.booted = fail.scarce = false;
	if (rc != 0) {
		assert_true(rc < 0 && rc > -Q_CODES);
		assert_int_not_equal(q_errmsg()[0], '\0');
	}
	if (rc != 0 && a->kind == MEMORY && !damaged) {
		assert_int_not_equal(rc, Q_ECORRUPT);
		assert_null(strstr(q_errmsg(), "damaged"));
	}
	q_close(q);
	return (rc);
}

static int step;

/* Of many calls, not each, but more with a greater EVERY in the environment; then of
 * the last kind almost each. A row that LMDB denies, or calls damaged, may be missed
 * by others for ever. */
static void
attack(int (*op)(struct q *), bool damaged, const struct attack *a)
{
	bool lost = damaged || a->error == MDB_NOTFOUND || a->error == MDB_CORRUPTED;
	long last;

	if (a->later == 0 && !a->booted && !a->scarce)
		assert_int_equal(run(op, damaged, 0, a), 0);
	else
		(void)run(op, damaged, 0, a);
	last = fail.count;
	for (long at = 1; at <= last; at += 1 + at / step) {
		(void)run(op, damaged, at, a);
		verify(copy, lost);
		verify(other, lost);
	}
}

static void
attack_all(const struct attack *a)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		print_message("# %s\n", ops[i].name);
		attack(ops[i].op, false, a);
	}
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		print_message("# %s\n", mends[i].name);
		attack(mends[i].op, true, a);
	}
	for (size_t i = 0; i < sizeof(among) / sizeof(among[0]); i++) {
		print_message("# %s\n", among[i].name);
		attack(among[i].op, true, a);
	}
}

static struct attack attacks[] = {
	{ "LMDB from then on", LMDB, true, ENOMEM, 0 },
	{ "the map is full", LMDB, false, MDB_MAP_FULL, 0 },
	{ "too much for LMDB", LMDB, true, MDB_TXN_FULL, 0 },
	{ "LMDB finds damage", LMDB, false, MDB_CORRUPTED, 0 },
	{ "LMDB finds no row", LMDB, false, MDB_NOTFOUND, 0 },
	{ "LMDB, days later", LMDB, false, EIO, 2 * 24 * 3600 },
	{ "LMDB, when clocks were set back", LMDB, false, EIO, -300 },
	{ "LMDB, after another boot", LMDB, false, EIO, 0, false, true },
	{ "LMDB on a disk that is nearly full", LMDB, false, EIO, 0, .scarce = true },
	{ "memory", MEMORY, false, ENOMEM, 0 },
	{ "memory, days later", MEMORY, false, ENOMEM, 2 * 24 * 3600 },
	{ "system calls", SYSTEM, false, EIO, 0 },
	{ "interrupted", SYSTEM, false, EINTR, 0 },
	{ "what is not supported", SYSTEM, true, EOPNOTSUPP, 0 },
	{ "invalid for this file", SYSTEM, false, EINVAL, 0 },
	{ "names that are taken", PATH, false, EEXIST, 0 },
	{ "what is gone", PATH, false, ENOENT, 0 },
	{ "memory on a simple file system", MEMORY, false, ENOMEM, 0, true },
	{ "system calls on a simple file system", SYSTEM, false, EIO, 0, true },
	{ "a full disk", SYSTEM, true, ENOSPC, 0 },
	{ "half of it", PART, false, 0, 0 },
	{ "half of it, on a simple file system", PART, true, 0, 0, true },
	{ "a file without a name", STATUS, false, UNNAMED, 0 },
	{ "another file", STATUS, false, REPLACED, 0 },
	{ "a file that all may write to", STATUS, false, OF_ALL, 0 },
	{ "LMDB once", LMDB, false, EIO, 0 },
};

enum { ATTACKS = sizeof(attacks) / sizeof(attacks[0]) };

static void
test_attack(void **state)
{
	const char *every = getenv("EVERY");

	step = every != NULL ? atoi(every) : 12;
	if (every != NULL && *state == &attacks[ATTACKS - 1])
		step *= 40;
	attack_all(*state);
}

int
main(void)
{
	struct CMUnitTest tests[ATTACKS];

	for (size_t i = 0; i < ATTACKS; i++)
		tests[i] = (struct CMUnitTest){ .name = attacks[i].name,
			.test_func = test_attack,
			.initial_state = &attacks[i] };
	return (cmocka_run_group_tests(tests, make, unmake));
}
