/* SPDX-License-Identifier: ISC */
/*
 * Whatever became of the pages of a data.mdb: a check reads it to its end, believes
 * LMDB no page that it would die of, and says what is wrong; and a repair makes a queue
 * of what is left that is sound. An input is a list of changes to the file of a queue
 * that has something of everything, since hardly any bytes at random are such a file.
 */
#include <stdlib.h>
#include <sys/random.h>

#define assert_true(is)         (void)((is) || (abort(), 0))
#define assert_int_equal(is, n) assert_true((long long)(is) == (long long)(n))
#define fail_msg(...)           abort()

#include "../unit/rich.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PAGE = 4096,
	HEAD = 16,
	PAGES = 256,
	BODIES = 24,
	RUN = 9000,
	CHANGE = 6,
	MOST = 24
};

static uint8_t image[PAGES * PAGE], changed[PAGES * PAGE];
static size_t end; /* of what is used, in pages */

/* The same in each run, and no two alike: the file has the same pages in each. */
ssize_t
getrandom(void *out, size_t size, unsigned flags)
{
	static uint8_t next;

	(void)flags;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = next++;
	return ((ssize_t)size);
}

static void
end_of_all(void)
{
	(void)unmake(NULL);
}

/* A tree of more than a page, values of several, and pages that are free. */
static void
begin(void)
{
	static char body[RUN];
	struct q_take take = { .n = 5 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;
	char path[80];
	struct q *q;
	FILE *f;

	assert_int_equal(make(NULL), 0);
	(void)atexit(end_of_all);
	assert_int_equal(q_open(rich, NULL, &q), 0);
	for (int i = 0; i < BODIES; i++) {
		memset(body, 'a' + i, sizeof(body));
		push(
		    q, (struct q_push){ .body = body, .size = i % 8 == 7 ? RUN : 700 });
	}
	assert_int_equal(q_take(q, &take, &b), 0);
	assert_int_equal(q_batch_settle(q, &ack, b, 0, q_batch_count(b)), 0);
	q_batch_free(b);
	q_close(q);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", rich);
	assert_true((f = fopen(path, "r")) != NULL);
	for (size_t i = 0; fread(image + i * PAGE, PAGE, 1, f) == 1 && i + 1 < PAGES;
	     i++)
		if (image[i * PAGE + HEAD - 6] != 0)
			end = i + 1;
	assert_int_equal(fclose(f), 0);
}

static unsigned
half(const uint8_t *p)
{
	return (p[0] | (unsigned)p[1] << 8);
}

/* Where a change is: at an offset of the page, or of one of its rows. */
static uint8_t *
place(uint8_t *page, bool of_row, unsigned at, size_t room)
{
	size_t rows = (half(page + 12) - HEAD) / 2, from = 0;

	if (of_row && half(page + 12) > HEAD && half(page + 12) <= PAGE) {
		from = half(page + HEAD + 2 * ((at >> 8) % rows));
		at &= 0xff;
	}
	at = (unsigned)(from + at) % PAGE;
	return (page + (at + room <= PAGE ? at : PAGE - room));
}

enum how { BYTE, HALF, MORE, WORD, SWAP, COPY, COPY_AS, CUT, HOWS };

/* Returns the size of the file, in bytes. */
static size_t
change(const uint8_t c[CHANGE], size_t size)
{
	uint8_t *page = changed + c[0] % end * PAGE, *p, old[PAGE];
	unsigned at = half(c + 2), value = half(c + 4);
	uint8_t *other = changed + value % end * PAGE;
	uint64_t word = (uint64_t)(int16_t)value;
	enum how how = c[1] % HOWS;

	p = place(page, c[1] & 0x80, at, how == WORD ? 8 : 2);
	if (how == BYTE) {
		*p = (uint8_t)value;
	} else if (how == HALF || how == MORE) {
		value += how == MORE ? half(p) : 0;
		p[0] = (uint8_t)value;
		p[1] = (uint8_t)(value >> 8);
	} else if (how == WORD) {
		memcpy(p, &word, sizeof(word));
	} else if (how == SWAP) {
		memcpy(old, page, PAGE);
		memcpy(page, other, PAGE);
		memcpy(other, old, PAGE);
	} else if (how == CUT) {
		return (size < (size_t)(p - changed) ? size : (size_t)(p - changed));
	} else { /* COPY_AS: as if it belonged there */
		memcpy(old, page, PAGE);
		memcpy(page, other, PAGE);
		memcpy(page, old, how == COPY_AS ? 8 : 0);
	}
	return (size);
}

static void
write_image(size_t size)
{
	char path[80];
	FILE *f;

	restore();
	(void)snprintf(path, sizeof(path), "%s/data.mdb", copy);
	assert_true((f = fopen(path, "w")) != NULL);
	assert_int_equal(fwrite(changed, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static int
said(int rc)
{
	assert_true(rc <= 0 && rc > -Q_CODES);
	assert_true(rc == 0 || q_errmsg()[0] != '\0');
	return (rc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct q_check *check;
	size_t all;
	struct q *q;

	if (end == 0)
		begin();
	if (size < CHANGE || size > (size_t)MOST * CHANGE)
		return (0);
	memcpy(changed, image, all = end * PAGE);
	for (; size >= CHANGE; size -= CHANGE, data += CHANGE)
		all = change(data, all);
	write_image(all);
	if (said(q_open(copy, NULL, &q)) != 0)
		return (0);
	if (said(q_check(q, &check)) == 0)
		q_check_free(check);
	if (said(q_repair(q, &check)) != 0)
		abort();
	q_check_free(check);
	q_close(q);
	verify(copy, false);
	return (0);
}
