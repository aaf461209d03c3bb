/* SPDX-License-Identifier: ISC */
/* Records of states, of one message and of several that were pushed alike: what is
 * written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "policy.h"
#include "state.h"

static int
decode_state(const void *record, size_t size, uint64_t id)
{
	struct extent e;

	return (state_decode(record, size, id, &e));
}

static size_t
encode_one(const struct state *s, uint8_t *record)
{
	struct extent e = { .first = ID, .count = 1, .s = *s };

	return (state_encode(&e, record));
}

static void
assert_state(const struct state *s, size_t want)
{
	uint8_t record[STATE_MOST], again[STATE_MOST];
	size_t size = encode_one(s, record);
	struct extent e;
	struct state got;

	assert_int_equal(size, want);
	assert_int_equal(state_decode(record, size, ID, &e), 0);
	assert_true(e.first == ID && e.count == 1);
	got = e.s;
	assert_int_equal(got.state, s->state);
	assert_int_equal(got.rank, s->rank);
	assert_int_equal(got.flags, s->flags);
	assert_true(got.delivery == s->delivery && got.uncounted == s->uncounted);
	assert_int_equal(got.in_a_row, s->in_a_row);
	assert_int_equal(got.settled, s->settled);
	assert_true(got.due == s->due && got.changed == s->changed);
	assert_true(got.pushed == s->pushed && got.began == s->began);
	assert_true(got.boot == s->boot && got.pid == s->pid);
	assert_true(got.max_attempts == s->max_attempts && got.size == s->size);
	assert_true(got.owner_start == s->owner_start && got.owner_ns == s->owner_ns);
	assert_memory_equal(got.group, s->group, sizeof(s->group));
	assert_int_equal(encode_one(&got, again), size);
	assert_memory_equal(record, again, size);
	assert_fragile(decode_state, record, size, ID);
}

static void
a_state_is_read_as_written(void **state)
{
	const struct state full = { Q_LEASED, POLICY_RANK_MOST, ST_KNOWN, UINT32_MAX,
		UINT32_MAX, UINT16_MAX, UINT8_MAX, HELD, INT64_MAX, INT64_MIN,
		INT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX,
		UINT64_MAX, "0123456789abcde", false };
	struct state s = full;

	(void)state;
	assert_state(&full, STATE_SIZE + STATE_OWNER_SIZE + STATE_GROUP_SIZE);
	s.flags &= (uint16_t)~ST_OWNED;
	assert_state(&s, STATE_SIZE + STATE_OWNER_SIZE + STATE_GROUP_SIZE);
	s.flags &= (uint16_t)~ST_MOVING;
	s.owner_start = s.owner_ns = 0;
	assert_state(&s, STATE_SIZE + STATE_GROUP_SIZE);
	s.flags &= (uint16_t)~ST_GROUPED;
	memset(s.group, 0, sizeof(s.group));
	assert_state(&s, STATE_SIZE);
	for (int i = Q_READY; i < Q_STATES; i++) {
		s = (struct state){ .state = (enum q_state)i };
		assert_state(&s, STATE_SIZE);
	}
	s.changed = INT64_MIN;
	assert_state(&s, STATE_SIZE);
}

static void
a_state_of_bad_layout_is_refused(void **state)
{
	const struct state s = { .state = Q_LEASED, .flags = ST_OWNED, .delivery = 2 };
	uint8_t record[STATE_MOST + 1] = { 0 };
	size_t size = encode_one(&s, record);

	(void)state;
	for (size_t n = 8; n < size; n++) {
		seal(record, n, ID);
		assert_int_equal(decode_copy(decode_state, record, n, ID), Q_ECORRUPT);
	}
	seal(record, size + 1, ID);
	assert_int_equal(decode_state(record, size + 1, ID), Q_ECORRUPT);
	record[8] = 0; /* no state */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[8] = Q_STATES;
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[8] = Q_LEASED;
	record[10] = 0x80; /* a flag nobody knows */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[10] = 0;
	record[19] = 3; /* more uncounted deliveries than there were */
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	record[19] = 2;
	seal(record, size, ID);
	assert_int_equal(decode_state(record, size, ID), 0);
}

/* An extent of n messages that were pushed alike, of 10, 11, 12, ... bytes. */
static struct extent
pushed_alike(unsigned n)
{
	struct extent e = { .first = ID, .count = 1 };
	struct state s = { .state = Q_READY, .rank = 100, .pushed = 5, .size = 10 };

	e.s = s;
	for (unsigned i = 1; i < n; i++) {
		s.size = 10 + i;
		assert_true(extent_join(&e, ID + i, &s));
	}
	return (e);
}

static void
an_extent_is_read_as_written(void **state)
{
	uint8_t record[STATE_MOST];
	struct extent e, got;

	(void)state;
	for (unsigned n = 1; n <= EXTENT_MOST; n++) {
		size_t size, owner = n % 3 == 0 ? STATE_OWNER_SIZE : 0;

		e = pushed_alike(n);
		if (owner > 0) {
			e.s.state = Q_LEASED;
			e.s.flags = ST_OWNED | ST_AHEAD | ST_WAITED;
			e.s.owner_start = 77;
		}
		size = state_encode(&e, record);
		assert_int_equal(size, STATE_SIZE + owner + (n > 1 ? 4 * n : 0));
		assert_int_equal(state_decode(record, size, ID, &got), 0);
		assert_int_equal(got.count, n);
		assert_memory_equal(&got.s, &e.s, sizeof(e.s));
		for (unsigned i = 0; i < n; i++)
			assert_true(extent_size(&got, i) == 10 + i);
		if (n == 1 || n == 2 || n == EXTENT_MOST)
			assert_fragile(decode_state, record, size, ID);
	}
}

static void
an_extent_that_cannot_be_is_refused(void **state)
{
	struct extent e = pushed_alike(3);
	uint8_t record[STATE_MOST + 8];
	size_t size;

	(void)state;
	e.s.state = Q_DEAD;
	size = state_encode(&e, record);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	e.s.state = Q_READY;
	for (uint16_t flag = 1; flag < ST_KNOWN; flag = (uint16_t)(flag << 1)) {
		bool may = flag == ST_OWNED || flag == ST_AHEAD || flag == ST_WAITED;

		e.s.flags = flag;
		size = state_encode(&e, record);
		assert_int_equal(decode_state(record, size, ID), may ? 0 : Q_ECORRUPT);
	}
	e.s.flags = 0;
	e.s.size = 1; /* of all of them? */
	size = state_encode(&e, record);
	assert_int_equal(decode_state(record, size, ID), Q_ECORRUPT);
	e.s.size = 0;
	e.first = UINT64_MAX - 1; /* there are no three from there on */
	size = state_encode(&e, record);
	assert_int_equal(decode_state(record, size, UINT64_MAX - 1), Q_ECORRUPT);
	/* As many as it says, and no more than may be. */
	e = pushed_alike(EXTENT_MOST);
	size = state_encode(&e, record);
	record[23]++;
	seal(record, size + 4, ID);
	assert_int_equal(decode_state(record, size + 4, ID), Q_ECORRUPT);
}

static void
a_row_of_another_size_is_no_state(void **state)
{
	uint8_t record[STATE_MOST];

	(void)state;
	for (unsigned n = 1; n <= EXTENT_MOST; n++) {
		struct extent e = pushed_alike(n);
		size_t size = state_encode(&e, record);

		for (size_t other = 0; other <= STATE_MOST + 100; other++) {
			bool fits =
			    other == size ||
			    (n == 1 && (other == size + 16 || other == size + 32));

			if (other <= sizeof(record))
				assert_int_equal(state_fits(record, other), fits);
		}
	}
}

static void
only_messages_pushed_alike_share_a_record(void **state)
{
	const struct state good = { .state = Q_READY, .rank = 100, .pushed = 5 };
	struct extent e, full = pushed_alike(EXTENT_MOST);
	struct state s;

	(void)state;
	for (int i = 0; i < 10; i++) {
		uint64_t id = ID + 2;

		e = pushed_alike(2);
		s = good;
		switch (i) {
		case 1:
			id++;
			break;
		case 2:
			id--;
			break;
		case 3:
			s.state = Q_DELAYED;
			break;
		case 4:
			s.rank++;
			break;
		case 5:
			s.pushed++;
			break;
		case 6:
			s.max_attempts = 1;
			break;
		case 7:
			s.flags = ST_KEYED;
			break;
		case 8:
			s.due = 1;
			break;
		case 9:
			s.size = (uint64_t)1 << 32;
			break;
		}
		assert_int_equal(extent_join(&e, id, &s), i == 0);
		assert_int_equal(e.count, i == 0 ? 3 : 2);
	}
	assert_false(extent_join(&full, ID + EXTENT_MOST, &good));
	e = (struct extent){ .count = 0 };
	assert_false(extent_join(&e, 0, &good));
}

static void
a_part_of_an_extent_is_one(void **state)
{
	struct extent e = pushed_alike(5);

	(void)state;
	for (unsigned from = 0; from < 5; from++)
		for (unsigned n = 1; from + n <= 5; n++) {
			struct extent p = extent_part(&e, from, n);

			assert_true(p.first == ID + from && p.count == n);
			assert_true(p.s.size == (n == 1 ? 10 + from : 0));
			for (unsigned i = 0; i < n; i++)
				assert_true(extent_size(&p, i) == 10 + from + i);
		}
}

static void
states_have_names(void **state)
{
	(void)state;
	for (int i = Q_READY; i < Q_STATES; i++) {
		const char *name = q_state_name((enum q_state)i);

		assert_non_null(name);
		assert_int_equal(q_state_of(name), i);
	}
	assert_null(q_state_name((enum q_state)0));
	assert_null(q_state_name(Q_STATES));
	assert_null(q_state_name((enum q_state) - 1));
	assert_int_equal(q_state_of(""), 0);
	assert_int_equal(q_state_of("Ready"), 0);
	assert_int_equal(q_state_of("read"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_is_read_as_written),
		cmocka_unit_test(a_state_of_bad_layout_is_refused),
		cmocka_unit_test(an_extent_is_read_as_written),
		cmocka_unit_test(an_extent_that_cannot_be_is_refused),
		cmocka_unit_test(a_row_of_another_size_is_no_state),
		cmocka_unit_test(only_messages_pushed_alike_share_a_record),
		cmocka_unit_test(a_part_of_an_extent_is_one),
		cmocka_unit_test(states_have_names),
	};

	return (cmocka_run_group_tests_name("state", tests, NULL, NULL));
}
