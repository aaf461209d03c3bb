/* SPDX-License-Identifier: ISC */
#ifndef LIVE_MODEL_H
#define LIVE_MODEL_H

/*
 * What the board of qwatch knows: which queues there are, how they are and were, in
 * which order they are shown, and which one is selected. Only computes: times are
 * passed in.
 */

#include <stdbool.h>

#include "live_ring.h"
#include "q.h"

enum { LIVE_WHY = 256, LIVE_WORD = 256 };

enum live_health {
	LIVE_NEW, /* not looked at yet */
	LIVE_WELL,
	LIVE_BUSY, /* locked by others: the numbers are older */
	/* From here on there are no numbers. */
	LIVE_DAMAGED,
	LIVE_CLOSED, /* cannot be read */
	LIVE_GONE,
};

struct live_queue {
	char *name;
	struct q *q; /* of live_look, or NULL */
	enum live_health health;
	char why[LIVE_WHY]; /* it is not well */
	struct q_stat stat; /* if it is well or busy; zeros before the first */
	q_time seen;        /* monotonic: when stat was read; 0: never */
	q_time again;       /* monotonic: it is not looked at before */
	struct live_ring ring;
	bool stays; /* while the names are compared */
};

enum live_sort {
	LIVE_BY_NAME,
	LIVE_BY_READY,
	LIVE_BY_LEASED,
	LIVE_BY_DEAD,
	LIVE_BY_OLDEST,
	LIVE_BY_IN,
	LIVE_BY_OUT,
	LIVE_SORTS
};

struct live_model {
	struct live_queue **queue;
	size_t count, selected;
	enum live_sort sort;
	bool reverse;
	bool known; /* names were set before: what is new now is worth a word */
};

void live_model_free(struct live_model *m);

/*
 * These queues, and no others, are there now. What is no longer is passed to drop, if
 * that is not NULL, and freed. word, of LIVE_WORD bytes, says what has come or gone, or
 * is empty. The selection stays with its queue.
 */
void live_model_set(struct live_model *m, char *const *names, size_t n,
    void (*drop)(struct live_queue *), char *word);

/* What was read of it. The counters of another queue of that name start anew. */
void live_model_sample(struct live_queue *q, const struct q_stat *st, q_time when);
/* Why it could not be read. */
void live_model_fail(
    struct live_queue *q, enum live_health health, const char *why, q_time when);

/* Sort, keeping the selection with its queue. */
void live_model_order(struct live_model *m);
void live_model_sort(struct live_model *m, enum live_sort sort, bool reverse);
const char *live_model_sort_name(enum live_sort sort);
/* By so many up or down, as far as there are queues. */
void live_model_move(struct live_model *m, long by);
/* NULL if there is none. */
struct live_queue *live_model_selected(const struct live_model *m);
struct live_queue *live_model_find(const struct live_model *m, const char *name);

/*
 * How long to wait for the next round, after one that took so much processor time: the
 * interval, or longer, so that no more than a hundredth of a core is used.
 */
q_time live_model_pace(q_time interval, q_time used);

#endif
