/* SPDX-License-Identifier: ISC */
#ifndef LIVE_SCREEN_H
#define LIVE_SCREEN_H

/* What qwatch's board shows now. */

#include "live_detail.h"
#include "live_keys.h"

struct live_screen {
	struct live_model model;
	struct live_detail detail; /* of the open queue */
	char *open;                /* its name; NULL: the table is shown */
	size_t top;                /* the first queue of the table that is seen */
	bool help, frozen;
	q_time interval, pace; /* wanted, and that of the last round */
	char status[LIVE_WORD];
	bool bad; /* the status is of something that went wrong */
	/* A question, its answer pending: LIVE_NOTHING if there is none. */
	enum live_command asked;
	char question[LIVE_WORD];
	char *about;       /* the name of the queue */
	bool unlisted;     /* which queues there are could not be read */
	const char *where; /* the directory of the queues; NULL if they were named */
};

/* The whole picture: the table, the open queue or the help. */
void live_draw(struct live_screen *s, q_time wall);
/* The part of it that is of the open queue, from row first to row last. */
void live_page_draw(const struct live_screen *s, const struct live_queue *q, int first,
    int last, q_time wall);

#endif
