/* SPDX-License-Identifier: ISC */
/* Notes, bodies and dice of all actors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "note.h"

uint64_t
tick(struct shared *s)
{
	return (atomic_fetch_add(&s->tick, 1) + 1);
}

q_time
boot_time(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (ts.tv_sec * Q_SECOND + ts.tv_nsec);
}

struct note *
note_new(struct journal *j, enum what what, unsigned n)
{
	struct note *note = &j->note[atomic_load(&j->count)];

	*note = (struct note){ .what = what, .n = n };
	return (note);
}

void
note_ask(struct shared *s, struct journal *j, struct note *n)
{
	n->asked_at = boot_time();
	n->asked = tick(s);
	atomic_fetch_add(&j->count, 1);
}

void
note_answer(struct shared *s, struct note *n, int code)
{
	n->code = code;
	n->answered_at = boot_time();
	atomic_signal_fence(memory_order_seq_cst);
	n->answered = tick(s);
}

uint64_t
note_last(const struct journal *j)
{
	unsigned count = atomic_load(&j->count);
	const struct note *n = &j->note[count == 0 ? 0 : count - 1];

	return (count == 0 ? 0 : n->answered > n->asked ? n->answered : n->asked);
}

void
note_say(struct journal *j, const char *format, ...)
{
	va_list ap;

	if (j->said[0] != '\0')
		return;
	va_start(ap, format);
	(void)vsnprintf(j->said, sizeof(j->said), format, ap);
	va_end(ap);
}

static uint64_t
mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31);
}

uint64_t
dice(uint64_t *seed, uint64_t n)
{
	*seed += 0x9e3779b97f4a7c15;
	return (mixed(*seed) % n);
}

static size_t
body_size(uint64_t serial)
{
	uint64_t r = mixed(serial);

	if (r % 256 == 0)
		return (INLINE + 1 + r / 256 % (BODY_MOST - INLINE));
	if (r % 16 == 0)
		return (3000 + r / 256 % 4000);
	return (24 + r / 256 % 100);
}

static char
letter(uint64_t serial)
{
	return ((char)('a' + (int)(serial % 26)));
}

size_t
body_make(uint64_t serial, char body[BODY_MOST])
{
	size_t size = body_size(serial);
	int used = snprintf(body, BODY_MOST, "%llu:", (unsigned long long)serial);

	memset(body + used, letter(serial), size - (size_t)used);
	return (size);
}

uint64_t
body_serial(const void *body, size_t size)
{
	const char *p = body;
	char head[24] = { 0 };
	uint64_t serial;
	size_t used;

	memcpy(head, p, size < sizeof(head) ? size : sizeof(head) - 1);
	serial = strtoull(head, NULL, 10);
	used =
	    (size_t)snprintf(head, sizeof(head), "%llu:", (unsigned long long)serial);
	if (serial == 0 || size != body_size(serial) || memcmp(p, head, used) != 0 ||
	    p[used] != letter(serial) ||
	    memcmp(p + used, p + used + 1, size - used - 1) != 0)
		return (0);
	return (serial);
}

uint64_t
message_serial(struct q *q, const struct q_msg *m)
{
	static char body[BODY_MOST];
	ssize_t n;
	int fd;

	if (!m->blob)
		return (body_serial(m->body, m->body_size));
	if (q_msg_open(q, m, &fd) != 0)
		return (0);
	n = read(fd, body, sizeof(body));
	(void)close(fd);
	return (n > 0 ? body_serial(body, (size_t)n) : 0);
}

void *
note_room(size_t size)
{
	void *p =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return (p);
}
