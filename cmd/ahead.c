/* SPDX-License-Identifier: ISC */
/* Messages between their take and their COMMAND. */
#include <stdlib.h>

#include "diag.h"

#include "ahead.h"

/* Some times a commit, within these: then commits cost little beside the commands. */
#define STEP_LEAST (5 * Q_SECOND / 1000)
#define STEP_MOST  (40 * Q_SECOND / 1000)
#define PATIENCE   (100 * Q_SECOND / 1000) /* others may have what waits longer */
enum { COMMITS = 8, STOCK_MOST = 256, ROOM_MIN = 16 };

void
ahead_free(struct ahead *a)
{
	free(a->items);
}

static void
grow(struct ahead *a)
{
	size_t room = a->room == 0 ? (size_t)ROOM_MIN : 2 * a->room;
	struct item *items = calloc(room, sizeof(*items));

	if (items == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < a->count; i++)
		items[i] = a->items[(a->first + i) % a->room];
	free(a->items);
	a->items = items;
	a->room = room;
	a->first = 0;
}

void
ahead_put(struct ahead *a, const struct q_msg *msg, struct share *s, q_time now)
{
	if (a->count == a->room)
		grow(a);
	a->items[(a->first + a->count++) % a->room] = (struct item){ msg, s, -1 };
	a->moved = now;
}

size_t
ahead_get(struct ahead *a, struct item *items, size_t n, q_time now)
{
	size_t got = 0;

	for (; got < n && a->count > 0; a->count--) {
		items[got++] = a->items[a->first];
		a->first = (a->first + 1) % a->room;
	}
	a->moved = now;
	return (got);
}

static void
learn(q_time *usual, q_time took)
{
	if (took < 1)
		took = 1;
	*usual = *usual == 0 ? took : *usual - *usual / 4 + took / 4;
}

void
ahead_learn_command(struct ahead *a, q_time took)
{
	learn(&a->command, took);
}

void
ahead_learn_commit(struct ahead *a, q_time took)
{
	learn(&a->commit, took);
}

q_time
ahead_step(const struct ahead *a)
{
	if (a->commit < STEP_LEAST / COMMITS)
		return (STEP_LEAST);
	return (a->commit > STEP_MOST / COMMITS ? STEP_MOST : COMMITS * a->commit);
}

size_t
ahead_depth(const struct ahead *a, size_t parallel)
{
	size_t most = parallel > STOCK_MOST ? parallel : (size_t)STOCK_MOST;
	q_time stock = 2 * ahead_step(a);
	size_t n;

	if (a->command == 0 || a->command > stock)
		return (0);
	n = (size_t)(stock / a->command) * parallel;
	return (n < most ? n : most);
}

q_time
ahead_until(const struct ahead *a)
{
	return (a->count == 0 ? Q_FOREVER : a->moved + PATIENCE);
}

void
ahead_doubt(struct ahead *a)
{
	a->command = PATIENCE;
}
