/* SPDX-License-Identifier: ISC */
/* The queues of qwatch's board: what is known of them, over time and in an order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

#include "live_model.h"

static void
free_queue(struct live_queue *q)
{
	free(q->name);
	free(q);
}

void
live_model_free(struct live_model *m)
{
	for (size_t i = 0; i < m->count; i++)
		free_queue(m->queue[i]);
	free(m->queue);
	*m = (struct live_model){ 0 };
}

/* ---- which there are ---- */

struct live_queue *
live_model_find(const struct live_model *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->queue[i]->name, name) == 0)
			return (m->queue[i]);
	return (NULL);
}

static void
add(struct live_model *m, const char *name)
{
	struct live_queue *q = calloc(1, sizeof(*q));

	m->queue = reallocarray(m->queue, m->count + 1, sizeof(struct live_queue *));
	if (q == NULL || m->queue == NULL || (q->name = strdup(name)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	q->stays = true;
	m->queue[m->count++] = q;
}

static void
drop_absent(struct live_model *m, void (*drop)(struct live_queue *))
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct live_queue *q = m->queue[i];

		if (q->stays) {
			m->queue[kept++] = q;
			continue;
		}
		if (drop != NULL)
			drop(q);
		free_queue(q);
	}
	m->count = kept;
}

/* "jobs is new", "jobs and 2 more are new". */
static void
say(char *word, const char *first, size_t n, const char *what)
{
	size_t used = strlen(word);

	if (n == 0)
		return;
	if (used > 0)
		used += (size_t)snprintf(word + used, LIVE_WORD - used, "; ");
	if (n == 1)
		snprintf(word + used, LIVE_WORD - used, "%.80s is %s", first, what);
	else
		snprintf(word + used, LIVE_WORD - used, "%.80s and %zu more are %s",
		    first, n - 1, what);
}

static int
by_name(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static int
is_called(const void *queue, const void *name)
{
	return (
	    strcmp((*(struct live_queue *const *)queue)->name, *(char *const *)name));
}

/* Each once; *n is how many. */
static char **
sorted(char *const *names, size_t *n)
{
	char **list = calloc(*n + 1, sizeof(*list));
	size_t kept = 0;

	if (list == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if (*n > 0)
		memcpy(list, names, *n * sizeof(*list));
	qsort(list, *n, sizeof(*list), by_name);
	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || strcmp(list[i], list[kept - 1]) != 0)
			list[kept++] = list[i];
	*n = kept;
	return (list);
}

/* Mark those that stay, add those that are new; which these are, and how many. There
 * may be ten thousand, each second. */
static size_t
compare_names(
    struct live_model *m, char *const *names, size_t n, const char **first_new)
{
	char **list = sorted(names, &n);
	bool *known = calloc(n + 1, sizeof(*known));
	size_t before = m->count;

	if (known == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < before; i++) {
		char **at = bsearch(&m->queue[i], list, n, sizeof(*list), is_called);

		m->queue[i]->stays = at != NULL;
		if (at != NULL)
			known[at - list] = true;
	}
	for (size_t i = 0; i < n; i++)
		if (!known[i])
			add(m, list[i]);
	free(known);
	free(list);
	*first_new = m->count > before ? m->queue[before]->name : NULL;
	return (m->count - before);
}

void
live_model_set(struct live_model *m, char *const *names, size_t n,
    void (*drop)(struct live_queue *), char *word)
{
	const char *first_new, *first_gone = NULL;
	size_t come = compare_names(m, names, n, &first_new), gone = 0,
	       at = m->selected;

	bool none = m->count == come;

	*word = '\0';
	for (size_t i = 0; i < m->count; i++) {
		if (m->queue[i]->stays)
			continue;
		if (gone++ == 0)
			first_gone = m->queue[i]->name;
		if (i < m->selected)
			at--;
	}
	say(word, first_gone, gone, "removed");
	if (m->known)
		say(word, first_new, come, "new");
	m->known = true;
	drop_absent(m, drop);
	m->selected = m->count == 0 ? 0 : at < m->count ? at : m->count - 1;
	if (come > 0)
		live_model_order(m);
	if (none)
		m->selected = 0;
}

/* ---- how they are ---- */

void
live_model_sample(struct live_queue *q, const struct q_stat *st, q_time when)
{
	double passed = (double)(when - q->seen) / (double)Q_SECOND;
	struct live_sample s = { .when = when, .in = NAN, .out = NAN };

	if (q->seen != 0 && memcmp(st->uuid, q->stat.uuid, sizeof(st->uuid)) != 0) {
		q->ring = (struct live_ring){ 0 };
		q->seen = 0;
	}
	s.depth = (double)(st->count[Q_READY] + st->count[Q_BLOCKED]);
	if (q->seen != 0 && passed > 0 && st->pushed >= q->stat.pushed &&
	    st->done >= q->stat.done) {
		s.in = (double)(st->pushed - q->stat.pushed) / passed;
		s.out = (double)(st->done - q->stat.done) / passed;
	}
	live_ring_add(&q->ring, &s);
	q->stat = *st;
	q->seen = when;
	q->health = LIVE_WELL;
	q->why[0] = '\0';
}

void
live_model_fail(
    struct live_queue *q, enum live_health health, const char *why, q_time when)
{
	static const struct live_sample unknown = { 0, NAN, NAN, NAN };
	struct live_sample s = unknown;

	s.when = when;
	if (q->ring.count > 0)
		live_ring_add(&q->ring, &s);
	q->health = health;
	snprintf(q->why, sizeof(q->why), "%s", why);
	if (health >= LIVE_DAMAGED) {
		q->stat = (struct q_stat){ 0 };
		q->seen = 0;
	}
}

/* ---- their order ---- */

static double
by_ready(const struct live_queue *q)
{
	return ((double)q->stat.count[Q_READY]);
}

static double
by_leased(const struct live_queue *q)
{
	return ((double)q->stat.count[Q_LEASED]);
}

static double
by_dead(const struct live_queue *q)
{
	return ((double)q->stat.count[Q_DEAD]);
}

/* The earlier the oldest was pushed, the more. */
static double
by_oldest(const struct live_queue *q)
{
	return (q->stat.oldest == 0 ? -INFINITY : -(double)q->stat.oldest);
}

static double
by_in(const struct live_queue *q)
{
	return (q->stat.rate_in[0]);
}

static double
by_out(const struct live_queue *q)
{
	return (q->stat.rate_out[0]);
}

static const struct sort {
	const char *name;
	double (*value)(const struct live_queue *);
} sorts[] = {
	[LIVE_BY_NAME] = { "name", NULL },
	[LIVE_BY_READY] = { "ready", by_ready },
	[LIVE_BY_LEASED] = { "leased", by_leased },
	[LIVE_BY_DEAD] = { "dead", by_dead },
	[LIVE_BY_OLDEST] = { "oldest", by_oldest },
	[LIVE_BY_IN] = { "in/s", by_in },
	[LIVE_BY_OUT] = { "out/s", by_out },
};
_Static_assert(sizeof(sorts) / sizeof(sorts[0]) == LIVE_SORTS, "an order has no name");

const char *
live_model_sort_name(enum live_sort sort)
{
	return (sorts[sort].name);
}

/* Numbers are wanted from the greatest on, and what has none before them all. */
static int
compare(const void *a, const void *b, void *arg)
{
	const struct live_queue *x = *(struct live_queue *const *)a;
	const struct live_queue *y = *(struct live_queue *const *)b;
	const struct live_model *m = arg;
	double (*value)(const struct live_queue *) = sorts[m->sort].value;
	int order = 0;

	if (value != NULL) {
		double v = x->health >= LIVE_DAMAGED ? INFINITY : value(x);
		double w = y->health >= LIVE_DAMAGED ? INFINITY : value(y);

		order = (v < w) - (v > w);
	}
	if (order == 0)
		order = strcmp(x->name, y->name);
	return (m->reverse ? -order : order);
}

void
live_model_order(struct live_model *m)
{
	const struct live_queue *selected = live_model_selected(m);

	if (m->count == 0)
		return;
	qsort_r(m->queue, m->count, sizeof(struct live_queue *), compare, m);
	for (size_t i = 0; i < m->count; i++)
		if (m->queue[i] == selected)
			m->selected = i;
}

void
live_model_sort(struct live_model *m, enum live_sort sort, bool reverse)
{
	m->sort = sort;
	m->reverse = reverse;
	live_model_order(m);
}

void
live_model_move(struct live_model *m, long by)
{
	if (m->count == 0)
		return;
	if (by < 0)
		m->selected -= (size_t)-by < m->selected ? (size_t)-by : m->selected;
	else if ((size_t)by < m->count - m->selected)
		m->selected += (size_t)by;
	else
		m->selected = m->count - 1;
}

struct live_queue *
live_model_selected(const struct live_model *m)
{
	return (m->selected < m->count ? m->queue[m->selected] : NULL);
}

/* ---- when to look again ---- */

q_time
live_model_pace(q_time interval, q_time used)
{
	static const q_time longest = 60 * Q_SECOND;
	q_time least = used < longest / 100 ? used * 100 : longest;

	return (interval > least ? interval : least);
}
