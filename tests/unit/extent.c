/* SPDX-License-Identifier: ISC */
/* Whatever is done to some of many messages is done to these and to no others: at
 * random, against a plain list of what each message should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "extent.h"
#include "hash.h"
#include "queue.h"
#include "scratch.h"
#include "txn.h"

enum { MESSAGES = 4000, PUSHED_AT_ONCE = 200, BATCHES = 8, STEPS = 150, WALKS = 6 };

#define HOUR (3600 * Q_SECOND)

/* What each message should be; 0: gone, or not yet there. */
static struct {
	enum q_state state;
	int priority;
} model[MESSAGES + 1];
static uint64_t last; /* id given */

/* Batches that were taken, with what is left of them to be settled. */
static struct {
	struct q_batch *b;
	bool held;
} taken[BATCHES];

static struct q *q;

static uint64_t seed;

static unsigned
below(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return ((unsigned)(seed >> 33) % n);
}

static size_t
body_of(uint64_t id, char *body)
{
	size_t n = (size_t)sprintf(body, "%llu", (unsigned long long)id);

	while (n < 5 + id % 90)
		body[n++] = '.';
	return (n);
}

static void
push(void)
{
	static char body[PUSHED_AT_ONCE][128];
	struct q_push p[PUSHED_AT_ONCE];
	unsigned n = 1 + below(PUSHED_AT_ONCE);
	q_time delay = below(4) == 0 ? HOUR : 0;
	int priority = below(3) == 0 ? 5 : 0;
	size_t stored;

	if (last + n > MESSAGES)
		return;
	for (unsigned i = 0; i < n; i++) {
		/* Here and there one that is not like the others. */
		if (below(50) == 0)
			priority = 5 - priority;
		p[i] = (struct q_push){ .body = body[i],
			.size = body_of(last + 1, body[i]),
			.delay = delay,
			.key = below(60) == 0 ? body[i] : NULL,
			.priority = priority };
		last++;
		model[last].state = delay > 0 ? Q_DELAYED : Q_READY;
		model[last].priority = priority;
	}
	assert_int_equal(q_push(q, p, n, 0, &stored, NULL), 0);
	assert_int_equal(stored, n);
}

/* The one that a take should give next; 0: none. */
static uint64_t
next(void)
{
	uint64_t best = 0;

	for (uint64_t id = 1; id <= last; id++)
		if (model[id].state == Q_READY &&
		    (best == 0 || model[id].priority > model[best].priority))
			best = id;
	return (best);
}

static void
expect(const struct q_msg *m, uint64_t id)
{
	char body[128];
	size_t n = body_of(id, body);

	assert_true(m->id == id && m->body_size == n && m->size == n);
	assert_memory_equal(m->body, body, n);
	assert_int_equal(m->priority, model[id].priority);
	model[id].state = Q_LEASED;
}

static void
take(uint64_t id)
{
	struct q_take how = { .n = id != 0 ? 1 : 1 + below(150), .id = id };
	struct q_batch *b = NULL;
	unsigned at = below(BATCHES);
	size_t n = 0;
	int rc;

	taken[at].held = below(2) == 0;
	how.lease = taken[at].held ? 0 : HOUR;
	if (taken[at].b != NULL) /* what it has stays leased for good */
		return;
	rc = q_take(q, &how, &b);
	if (id != 0 && model[id].state != Q_READY) {
		assert_int_equal(rc, model[id].state == 0 ? Q_ENOENT : Q_EMPTY);
		return;
	}
	assert_int_equal(rc, next() != 0 ? 0 : Q_EMPTY);
	if (rc != 0)
		return;
	for (; n < q_batch_count(b); n++)
		expect(q_batch_get(b, n), id != 0 ? id : next());
	assert_true(n == how.n || next() == 0);
	taken[at].b = b;
}

/* The end of some of a batch, in order: all at once, where they are ours. */
static void
acknowledge(unsigned at)
{
	const struct q_settle ack = { .verb = Q_ACK };
	size_t n = q_batch_count(taken[at].b), from = below((unsigned)n), of;

	of = 1 + below((unsigned)(n - from));
	for (size_t i = from; i < from + of; i++)
		if (model[q_batch_get(taken[at].b, i)->id].state != Q_LEASED)
			return; /* was settled already */
	assert_int_equal(q_batch_settle(q, &ack, taken[at].b, from, of), 0);
	for (size_t i = from; i < from + of; i++)
		model[q_batch_get(taken[at].b, i)->id].state = 0;
}

static void
settle(unsigned at)
{
	static const struct {
		struct q_settle how;
		enum q_state then;
	} ways[] = {
		{ { .verb = Q_ACK }, 0 },
		{ { .verb = Q_RELEASE }, Q_READY },
		{ { .verb = Q_RELEASE, .delay = HOUR }, Q_DELAYED },
		{ { .verb = Q_FAIL, .delay = HOUR, .has_delay = true }, Q_DELAYED },
		{ { .verb = Q_KILL, .reason = "no" }, Q_DEAD },
		{ { .verb = Q_EXTEND, .lease = 2 * HOUR }, Q_LEASED },
	};
	unsigned way = below(sizeof(ways) / sizeof(ways[0]));
	struct q_receipt receipt[16];
	struct q_settled result[16];
	size_t n = 0;

	for (size_t i = 0; i < q_batch_count(taken[at].b) && n < 16; i++) {
		const struct q_msg *m = q_batch_get(taken[at].b, i);

		if (model[m->id].state == Q_LEASED && below(3) == 0)
			receipt[n++] = m->receipt;
	}
	assert_int_equal(q_settle(q, &ways[way].how, receipt, n, result), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(result[i].code, 0);
		model[receipt[i].id].state = ways[way].then;
	}
}

static void
give_up(unsigned at)
{
	if (taken[at].b == NULL)
		return;
	/* Of one that was taken again by somebody else the receipt is void. */
	for (size_t i = 0; i < q_batch_count(taken[at].b); i++) {
		const struct q_msg *m = q_batch_get(taken[at].b, i);
		struct q_settle back = { .verb = Q_RELEASE };
		struct q_settled r;

		if (model[m->id].state != Q_LEASED)
			continue;
		assert_int_equal(q_settle(q, &back, &m->receipt, 1, &r), 0);
		if (r.code == 0)
			model[m->id].state = Q_READY;
	}
	q_batch_free(taken[at].b);
	taken[at].b = NULL;
}

/* Settled ones may be taken again: a batch is used as long as none of its own are. */
static bool
is_ours(unsigned at)
{
	if (taken[at].b == NULL)
		return (false);
	for (unsigned other = 0; other < BATCHES; other++)
		for (size_t i = 0; other != at && taken[other].b != NULL &&
				   i < q_batch_count(taken[other].b);
		     i++)
			for (size_t k = 0; k < q_batch_count(taken[at].b); k++)
				if (q_batch_get(taken[other].b, i)->id ==
				    q_batch_get(taken[at].b, k)->id)
					return (false);
	return (true);
}

static void
manage(void)
{
	static const struct {
		enum q_act act;
		unsigned from;
		enum q_state then;
	} acts[] = {
		{ Q_ACT_PURGE, 1U << Q_READY | 1U << Q_DELAYED | 1U << Q_DEAD, 0 },
		{ Q_ACT_REDRIVE, 1U << Q_DEAD, Q_READY },
		{ Q_ACT_RELEASE, 1U << Q_DELAYED, Q_READY },
		{ Q_ACT_DEAD, 1U << Q_READY | 1U << Q_DELAYED, Q_DEAD },
	};
	unsigned which = below(sizeof(acts) / sizeof(acts[0]));
	struct q_manage how = { .act = acts[which].act };
	struct q_managed sum;
	uint64_t ids[10];

	how.ids = ids;
	for (unsigned i = 0; i < 10 && last > 0; i++) {
		uint64_t id = 1 + below((unsigned)last);

		if (!(acts[which].from & 1U << model[id].state) || model[id].state == 0)
			continue;
		ids[how.id_count++] = id;
		model[id].state = acts[which].then;
	}
	if (how.id_count == 0)
		return;
	assert_int_equal(q_manage(q, &how, &sum), 0);
	assert_int_equal(sum.count, how.id_count);
}

static void
compare(void)
{
	uint64_t count[Q_STATES] = { 0 };
	struct q_stat st;

	for (uint64_t id = 1; id <= last; id++)
		count[model[id].state]++;
	assert_int_equal(q_stat(q, &st), 0);
	for (enum q_state s = Q_READY; s < Q_STATES; s++)
		assert_int_equal(st.count[s], count[s]);
	assert_int_equal(st.done + st.purged, count[0]);
}

static void
compare_each(void)
{
	struct q_list by = { .n = MESSAGES };
	struct q_batch *b = NULL;
	struct q_check *check;
	uint64_t id = 0;
	int rc = q_list(q, &by, &b);

	assert_true(rc == 0 || rc == Q_EMPTY);
	for (size_t i = 0; rc == 0 && i < q_batch_count(b); i++) {
		const struct q_msg *m = q_batch_get(b, i);

		while (++id < m->id)
			assert_int_equal(model[id].state, 0);
		assert_int_equal(m->state, model[id].state);
	}
	while (++id <= last)
		assert_int_equal(model[id].state, 0);
	q_batch_free(b);
	assert_int_equal(q_check(q, &check), 0);
	if (check->found > 0)
		print_message(
		    "%s %s\n", check->findings[0].object, check->findings[0].what);
	assert_int_equal(check->found, 0);
	q_check_free(check);
}

static void
step(void)
{
	unsigned at = below(BATCHES);

	switch (below(8)) {
	case 0:
		push();
		break;
	case 1:
	case 2:
		take(0);
		break;
	case 3:
		if (last > 0)
			take(1 + below((unsigned)last));
		break;
	case 4:
		if (is_ours(at) && taken[at].held)
			acknowledge(at);
		break;
	case 5:
		if (is_ours(at))
			settle(at);
		break;
	case 6:
		give_up(at);
		break;
	default:
		manage();
	}
}

static void
each_message_is_what_was_made_of_it(void **state)
{
	struct q_open args = { .flags = Q_CREATE };

	(void)state;
	for (unsigned walk = 0; walk < WALKS; walk++) {
		seed = walk + 1;
		last = 0;
		memset(model, 0, sizeof(model));
		assert_int_equal(q_open(path, &args, &q), 0);
		push();
		for (int i = 0; i < STEPS; i++) {
			step();
			compare();
			if (i % 10 == 0)
				compare_each();
		}
		compare_each();
		for (unsigned at = 0; at < BATCHES; at++)
			give_up(at);
		compare_each();
		q_close(q);
		assert_int_equal(remove_queue(state), 0);
	}
}

/* The record of the counters without those that an older program does not have. */
static void
forget_counters(void)
{
	static const char key[] = "counters";
	struct span name = { key, strlen(key) };
	uint8_t record[META_MAX_SIZE];
	struct txn t;
	size_t size;

	assert_int_equal(txn_begin_write(q, &t), 0);
	size = meta_encode(&t.meta, META_REC_COUNTERS, record) -
	       8 * (COUNTERS - COUNT_READY);
	(void)put_be64(record, hash_record(record + 8, size - 8, META_REC_COUNTERS));
	assert_int_equal(txn_put(&t, T_META, name, (struct span){ record, size }), 0);
	t.meta_check[META_REC_COUNTERS] = get_be64(record);
	assert_int_equal(txn_commit(&t, true), 0);
	txn_end(&t);
}

static void
a_queue_of_an_older_program_is_counted(void **state)
{
	struct q_open args = { .flags = Q_CREATE };
	struct q_push p = { .body = "x", .size = 1 }, later = p;
	struct q_take how = { .lease = HOUR };
	struct q_settle kill = { .verb = Q_KILL };
	struct q_batch *b = NULL;
	struct q_settled r;
	struct q_stat st;
	size_t stored;

	(void)state;
	later.delay = HOUR;
	assert_int_equal(q_open(path, &args, &q), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	assert_int_equal(q_push(q, &later, 1, 0, &stored, NULL), 0);
	assert_int_equal(q_take(q, &how, &b), 0);
	assert_int_equal(q_settle(q, &kill, &q_batch_get(b, 0)->receipt, 1, &r), 0);
	q_batch_free(b);
	assert_int_equal(q_take(q, &how, &b), 0);
	q_batch_free(b);
	forget_counters();
	assert_int_equal(q_stat(q, &st), 0);
	assert_true(st.count[Q_READY] == 3 && st.count[Q_DELAYED] == 1 &&
		    st.count[Q_LEASED] == 1 && st.count[Q_DEAD] == 1);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	assert_int_equal(q_stat(q, &st), 0);
	assert_int_equal(st.count[Q_READY], 4);
	q_close(q);
	assert_int_equal(remove_queue(state), 0);
}

/* As where the disk did not write the page of a record, which is whole, and older. */
static void
older_counters_are_damage(void **state)
{
	static const char key[] = "counters";
	struct span name = { key, strlen(key) }, v;
	struct q_open args = { .flags = Q_CREATE };
	struct q_push p = { .body = "x", .size = 1 };
	uint8_t older[META_MAX_SIZE];
	struct q_batch *b = NULL;
	struct q_take how = { .lease = HOUR };
	struct q_check *check;
	struct q_stat st;
	size_t stored, size;
	struct txn t;

	(void)state;
	assert_int_equal(q_open(path, &args, &q), 0);
	assert_int_equal(q_push(q, &p, 1, 0, &stored, NULL), 0);
	assert_int_equal(txn_begin(q, &t), 0);
	assert_int_equal(txn_get(&t, T_META, name, &v), 0);
	assert_true((size = v.size) <= sizeof(older));
	memcpy(older, v.data, size);
	txn_abort(&t);
	assert_int_equal(q_take(q, &how, &b), 0);
	q_batch_free(b);
	assert_int_equal(txn_begin_write(q, &t), 0);
	assert_int_equal(txn_put(&t, T_META, name, (struct span){ older, size }), 0);
	assert_int_equal(txn_commit(&t, true), 0);
	txn_end(&t);
	assert_int_equal(q_stat(q, &st), Q_ECORRUPT);
	assert_int_equal(q_check(q, &check), 0);
	assert_string_equal(check->findings[0].object, "the meta records");
	q_check_free(check);
	q_close(q);
	assert_int_equal(remove_queue(state), 0);
}

/* Of one whose record is damaged: all up to the next that has one, to the last there
 * can be. */
static void
a_guess_ends_where_there_are_no_more(void **state)
{
	const struct q_open args = { .flags = Q_CREATE };
	unsigned count = 0;
	struct txn t;

	assert_int_equal(q_open(path, &args, &q), 0);
	assert_int_equal(txn_begin(q, &t), 0);
	assert_int_equal(extent_guess(&t, UINT64_MAX, &count), 0);
	assert_int_equal(count, 1);
	txn_abort(&t);
	q_close(q);
	assert_int_equal(remove_queue(state), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_counters_are_damage),
		cmocka_unit_test(each_message_is_what_was_made_of_it),
		cmocka_unit_test(a_queue_of_an_older_program_is_counted),
		cmocka_unit_test(a_guess_ends_where_there_are_no_more),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_empty_dir));
}
