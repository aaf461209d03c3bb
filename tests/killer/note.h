/* SPDX-License-Identifier: ISC */
#ifndef NOTE_H
#define NOTE_H

/*
 * What the actors of killer note in memory that outlives them: of each operation that
 * it is asked for, before, and what was answered, afterwards. Of a process that was
 * killed, an operation without an answer may have been done or not.
 */

#include <stdatomic.h>

#include "q.h"

enum { ITEMS = 4, NOTES = 64, ACTORS = 64, SAID = 200 };

enum what { PUSH = 1, TAKE, SETTLE };

/* A message, as far as who notes it knows it: 0 is unknown. */
struct item {
	uint64_t serial; /* its body is body_make() of it */
	struct q_receipt receipt;
	uint64_t id;
	int code; /* SETTLE: what became of it */
	bool again;
};

/*
 * A tick is one of all processes: what is noted under the lesser one was before. Times
 * are of CLOCK_BOOTTIME, as the ends of leases.
 */
struct note {
	enum what what;
	enum q_verb verb; /* SETTLE */
	bool printed;     /* TAKE: by a command, which acknowledges without a lease */
	bool ordered;     /* TAKE: by the only consumer, who is never killed */
	bool whole;       /* PUSH: in one transaction */
	q_time lease;     /* TAKE, 0 is held; or of Q_EXTEND */
	uint64_t asked, answered; /* ticks; 0: there was no answer */
	q_time asked_at, answered_at;
	int code;
	unsigned n;
	struct item item[ITEMS];
};

struct journal {
	_Atomic unsigned count;
	uint64_t left; /* tick at which a process let go what it held; 0: it did not */
	char said[SAID]; /* what is wrong by itself, if anything is */
	struct note note[NOTES];
};

struct shared {
	_Atomic uint64_t tick;
	_Atomic uint64_t serial; /* the next one */
	struct journal journal[ACTORS];
};

uint64_t tick(struct shared *s);
q_time boot_time(void);

/* A note that begins now, of which n items are to be filled in before note_ask(). */
struct note *note_new(struct journal *j, enum what what, unsigned n);
/* From here on it counts, whatever becomes of the process. */
void note_ask(struct shared *s, struct journal *j, struct note *n);
void note_answer(struct shared *s, struct note *n, int code);
/* The tick of the last sign of life; 0: there is none. */
uint64_t note_last(const struct journal *j);
/* Keep the first thing that is wrong. */
__attribute__((format(printf, 2, 3))) void note_say(
    struct journal *j, const char *format, ...);

/* Memory that all processes share, so that a fork does not have it copied. */
void *note_room(size_t size);

/* The body of a serial number: of all lengths, some of them a file of their own. It
 * has no newline. */
enum { BODY_MOST = 40000, INLINE = 16384 };
size_t body_make(uint64_t serial, char body[BODY_MOST]);
/* The serial number of a body, or 0 if nobody makes such a one. */
uint64_t body_serial(const void *body, size_t size);
/* That of a message's, also of one that is a file. */
uint64_t message_serial(struct q *q, const struct q_msg *m);

/* Dice: the next of a sequence, below n. */
uint64_t dice(uint64_t *seed, uint64_t n);

#endif
