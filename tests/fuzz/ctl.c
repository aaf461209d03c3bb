/* SPDX-License-Identifier: ISC */
/*
 * Whatever is in ctl, a push is stored once, and requests that strangers make up leave
 * the books in order. The first slot gets the checksum that it needs to be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"
#include "slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 24, SLOT = 7 };

static char dir[] = "/tmp/q-ctl.XXXXXX";
static struct q *q;

static void
end(void)
{
	char command[sizeof(dir) + 16];

	q_close(q);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	(void)system(command);
}

static void
begin(void)
{
	const struct q_open make = { .flags = Q_CREATE };
	char path[sizeof(dir) + 4];

	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/q", dir);
	if (q_open(path, &make, &q) != 0 ||
	    q_option_set(q, Q_OPT_MAX_MESSAGES, 1000) != 0)
		abort();
	(void)atexit(end);
}

/* Its head is the first bytes of the input, what it asks for the others. */
static void
fill_slot(struct ctl_file *f, const uint8_t *data, size_t size)
{
	struct ctl_slot *s = &f->slot[SLOT];
	size_t n = size - HEAD < CTL_PAYLOAD ? size - HEAD : CTL_PAYLOAD;

	memcpy((void *)s, data, HEAD);
	memcpy(s->data, data + HEAD, n);
	if (data[0] & 0x20)
		return;
	s->size = (uint32_t)n;
	s->check =
	    slot_sum(f->generation, SLOT, s->ticket, SLOT_REQUEST, s->data, s->size);
	atomic_store(
	    &s->word, slot_word(s->ticket, data[0] & 0x40 ? SLOT_TAKEN : SLOT_READY));
}

static void
empty(void)
{
	const struct q_take args = { .n = 1000 };
	const struct q_settle ack = { .verb = Q_ACK };
	struct q_batch *b;

	if (q_take(q, &args, &b) != 0)
		abort();
	if (q_batch_settle(q, &ack, b, 0, q_batch_count(b)) != 0)
		abort();
	q_batch_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct q_push message = { .body = "x", .size = 1 };
	struct q_pushed pushed;
	struct q_stat before, after;
	struct ctl_file *f;
	size_t stored;
	int rc;

	if (q == NULL)
		begin();
	if (size < HEAD || (f = ctl_need(q)) == NULL || q_stat(q, &before) != 0)
		return (0);
	fill_slot(f, data, size);
	slot_mark_pending(f, SLOT);
	rc = q_push(q, &message, 1, 0, &stored, &pushed);
	if ((rc != 0 && rc != Q_EFULL) || q_stat(q, &after) != 0 ||
	    after.pushed < before.pushed + (rc == 0) ||
	    slot_state(atomic_load(&f->slot[SLOT].word)) == SLOT_READY)
		abort();
	if (rc == Q_EFULL)
		empty();
	return (0);
}
