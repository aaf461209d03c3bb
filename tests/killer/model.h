/* SPDX-License-Identifier: ISC */
#ifndef MODEL_H
#define MODEL_H

/* What is known of a round: each message, and each of its deliveries. */

#include "judge.h"

enum { MESSAGES = 1 << 17, DELIVERIES = 1 << 18 };

/* Ticks are 0 if it has not happened. */
struct message {
	uint64_t id;
	uint64_t ended;   /* somebody was told that it is done or dead, at this tick */
	uint32_t end;     /* by this delivery; 0: it is not known which */
	bool asked, told; /* to be pushed; and that it is */
	bool dead;        /* it ended so */
	uint32_t perhaps; /* the last delivery that tried to end it, and was not told */
	uint64_t printed; /* the last tick at which a command may have ended it so */
	bool left;        /* in the queue, at the end of the round */
	uint8_t of, at;   /* pushed in one transaction with others, and the how many */
	uint32_t last;    /* of its deliveries; 0: none */
};

struct delivery {
	uint64_t serial;
	uint32_t number; /* 0: unknown */
	uint32_t before; /* another one of the message; 0: none */
	uint64_t asked, got;
	uint64_t until;       /* from then on its holder did without; 0: nobody knows */
	q_time got_at, lease; /* boot times; of the end of a timed lease, or 0 */
	unsigned settlements;
};

struct judge {
	const char *path, *name;
	struct shared *shared;
	struct verdict verdict;
	uint64_t first;                 /* serial number of the round */
	uint64_t told[ACTORS], ordered; /* the last id an actor was told; was given */
	uint64_t first_id;
	uint64_t probe; /* the last id that was given */
	uint64_t ended; /* in all rounds before, by the queue's books */
	uint32_t deliveries;
	struct message message[MESSAGES];
	uint64_t owner[MESSAGES]; /* serial numbers by id */
	struct delivery delivery[DELIVERIES];
};

/* Say what is wrong, and count it. */
__attribute__((format(printf, 2, 3))) void wrong(
    struct judge *g, const char *format, ...);
/* NULL: nobody can have pushed it in this round, and that is said. */
struct message *message_of(struct judge *g, uint64_t serial);
/* A message's number is known; 0: it is not. */
void identify(struct judge *g, uint64_t serial, struct message *m, uint64_t id);

#endif
