/* SPDX-License-Identifier: ISC */
/* Several jobs, and waiting for any of them. */
#include <stdlib.h>
#include <unistd.h>

#include "diag.h"

#include "crew.h"

/* Looks at a command whose end nothing would tell. */
#define LOOK_STEP (20 * Q_SECOND / 1000)

/* What there may be to do for a job. */
enum { FD_END, FD_ERRORS, FD_REPORTS, FDS };

void
crew_init(struct crew *c, const struct job_plan *plan, size_t places)
{
	size_t each = plan->batch > 0 ? plan->batch : 1;

	*c = (struct crew){ .plan = plan, .places = places };
	c->jobs = calloc(places, sizeof(*c->jobs));
	c->poll = calloc(places, FDS * sizeof(*c->poll));
	c->items = calloc(places * each, sizeof(*c->items));
	if (c->jobs == NULL || c->poll == NULL || c->items == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	for (size_t i = 0; i < places; i++)
		c->jobs[i].items = c->items + i * each;
}

void
crew_free(struct crew *c)
{
	free(c->jobs);
	free(c->poll);
	free(c->items);
}

struct job *
crew_place(struct crew *c)
{
	size_t i = 0;

	if (c->running == c->places)
		return (NULL);
	while (c->jobs[i].pid != 0)
		i++;
	return (&c->jobs[i]);
}

void
crew_add(struct crew *c, struct job *j)
{
	j->woken = 0;
	c->running++;
}

struct job *
crew_ended(struct crew *c, q_time now)
{
	for (size_t i = 0; i < c->places && c->running > 0; i++) {
		struct job *j = &c->jobs[i];

		bool look = j->pidfd == -1 || j->dying != 0;

		if (j->pid == 0 || (j->woken == 0 && !look))
			continue;
		if (j->woken & 1U << FD_ERRORS)
			job_read_errors(j, false);
		if (j->woken & 1U << FD_REPORTS)
			job_read_reports(j, c->plan);
		if ((j->woken & 1U << FD_END || look) && job_ended(j, c->plan, now)) {
			c->running--;
			return (j);
		}
		j->woken = 0;
	}
	return (NULL);
}

q_time
crew_keep_time(struct crew *c, q_time now)
{
	q_time until = Q_FOREVER, next;

	for (size_t i = 0; i < c->places && c->running > 0; i++) {
		struct job *j = &c->jobs[i];

		if (j->pid == 0)
			continue;
		next = job_keep_time(j, c->plan, now);
		if (j->pidfd == -1 && next > now + LOOK_STEP)
			next = now + LOOK_STEP;
		until = next < until ? next : until;
	}
	return (until);
}

void
crew_tell(struct crew *c, q_time now)
{
	for (size_t i = 0; i < c->places; i++)
		if (c->jobs[i].pid != 0)
			job_tell(&c->jobs[i], c->plan, now);
}

/* The descriptors of a job, in the order of their numbers here. */
static int
descriptor(const struct job *j, unsigned which)
{
	if (which == FD_END && j->dying != 0) /* that is known */
		return (-1);
	return (which == FD_END      ? j->pidfd
		: which == FD_ERRORS ? j->errors
				     : j->reports);
}

/* Each descriptor of a job that runs, in the same order each time; or what came of it.
 */
static nfds_t
each_descriptor(struct crew *c, bool after)
{
	nfds_t n = 0;

	for (size_t i = 0; i < c->places && c->running > 0; i++) {
		struct job *j = &c->jobs[i];

		for (unsigned k = 0; j->pid != 0 && k < FDS; k++) {
			int fd = descriptor(j, k);

			if (fd == -1)
				continue;
			if (!after && k == FD_ERRORS && j->stalled)
				c->poll[n] = (struct pollfd){ .fd = STDERR_FILENO,
					.events = POLLOUT };
			else if (!after)
				c->poll[n] =
				    (struct pollfd){ .fd = fd, .events = POLLIN };
			else if (c->poll[n].revents != 0)
				j->woken |= 1U << k;
			n++;
		}
	}
	return (n);
}

void
crew_wait(struct crew *c, q_time now, q_time until, const sigset_t *mask)
{
	q_time left = until > now ? until - now : 0;
	struct timespec ts = { left / Q_SECOND, left % Q_SECOND };
	nfds_t n = each_descriptor(c, false);

	/* Also when there is no time: signals come in here alone. */
	if (ppoll(c->poll, n, until == Q_FOREVER ? NULL : &ts, mask) > 0)
		(void)each_descriptor(c, true);
}
