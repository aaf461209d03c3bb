/* SPDX-License-Identifier: ISC */
/* Batches of messages on their way into a queue. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "diag.h"
#include "now.h"
#include "queue.h"
#include "stop.h"

#include "feed.h"

struct owned {
	void *thing;
	void (*release)(void *);
};

struct q *
feed_queue(struct feed *f)
{
	if (f->q == NULL)
		f->q = queue_open(f->name, f->open);
	return (f->q);
}

/* The line of progress goes away before any other. */
static void
clear_progress(struct feed *f)
{
	if (f->shown != 0)
		(void)!write(STDERR_FILENO, "\r\033[K", 4);
	f->shown = 0;
}

static void
show_progress(struct feed *f)
{
	q_time now;
	char line[64];
	int n;

	if (!f->progress || (now = now_monotonic()) - f->shown < Q_SECOND / 2)
		return;
	f->shown = now;
	n = snprintf(line, sizeof(line), "\r%" PRIu64 " stored\033[K", f->stored);
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static void
forget_batch(struct feed *f)
{
	for (size_t i = 0; i < f->owned_count; i++)
		f->owned[i].release(f->owned[i].thing);
	f->owned_count = f->count = f->bytes = 0;
}

/* What a process leaves behind that ends here: nothing. */
static void
clean_up(struct feed *f)
{
	clear_progress(f);
	diag_flush_stdout();
	q_blob_free(f->blob);
	f->blob = NULL;
	forget_batch(f);
}

/* What became of those that are not known to be stored. */
static const char *
rest(const struct feed *f)
{
	return (
	    f->q != NULL && q_in_doubt(f->q) ? "the rest may be" : "the rest was not");
}

static _Noreturn void
stop(struct feed *f, int status, const char *where, const char *why)
{
	const char *at = where != NULL ? where : f->name;
	int reason = diag_reason(why);

	clean_up(f);
	if (f->stored > 0)
		diag_die(status, at, "%.*s; %" PRIu64 " stored, %s", reason, why,
		    f->stored, rest(f));
	if (why[reason] != '\0')
		diag_die(status, at, "%s", why);
	diag_die(status, at, "%s; %s", why,
	    f->q != NULL && q_in_doubt(f->q) ? "it may be stored" : "nothing stored");
}

void
feed_interrupted(struct feed *f)
{
	clean_up(f);
	diag_error(f->name, "interrupted; %" PRIu64 " stored, %s", f->stored, rest(f));
	stop_exit();
}

void
feed_refuse(struct feed *f, int status, const char *where, const char *why)
{
	/* Flushing may overwrite a text that the caller does not own. */
	char *kept;

	if (asprintf(&kept, "%s", why) == -1)
		kept = NULL;
	if (!f->atomic)
		feed_flush(f);
	stop(f, status, where, kept != NULL ? kept : why);
}

void
feed_check_empty(struct feed *f, size_t size, const char *where)
{
	static const char why[] =
	    "the message is empty; use --allow-empty if that is meant";

	if (size > 0 || f->allow_empty)
		return;
	if (where == NULL && f->stored == 0 && f->count == 0)
		diag_die(DIAG_USAGE, f->name, "%s", why);
	feed_refuse(f, DIAG_USAGE, where, why);
}

void
feed_add_push(struct feed *f, const struct q_push *p)
{
	if (f->count == f->room) {
		f->room = f->room == 0 ? 16 : f->room * 2;
		f->messages = reallocarray(f->messages, f->room, sizeof(*f->messages));
		if (f->messages == NULL)
			stop(f, DIAG_FAILED, NULL, "out of memory");
	}
	f->messages[f->count++] = *p;
	f->bytes += p->size;
}

void
feed_add(struct feed *f, const void *body, size_t size)
{
	struct q_push p = f->model;

	p.body = body;
	p.size = size;
	feed_add_push(f, &p);
}

void
feed_own(struct feed *f, void *thing, void (*release)(void *))
{
	if (f->owned_count == f->owned_room) {
		f->owned_room = f->owned_room == 0 ? 16 : f->owned_room * 2;
		f->owned = reallocarray(f->owned, f->owned_room, sizeof(*f->owned));
		if (f->owned == NULL)
			stop(f, DIAG_FAILED, NULL, "out of memory");
	}
	f->owned[f->owned_count++] = (struct owned){ thing, release };
}

bool
feed_is_full(const struct feed *f)
{
	return (f->bytes >= FEED_BYTES || f->count >= FEED_COUNT);
}

/* Then it is perhaps not the disk that is full. */
static bool
has_size_limit(void)
{
	struct rlimit limit;

	return (
	    getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY);
}

const char *
feed_reason(int code)
{
	return (code == Q_ENOSPC && !has_size_limit()
		    ? "no space left on device; taking and acknowledging still work"
		    : q_errmsg());
}

static void
report(struct feed *f, const struct q_pushed *pushed, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f->print_json)
			(void)fprintf(stdout, "{\"id\":%" PRIu64 ",\"duplicate\":%s}\n",
			    pushed[i].id, pushed[i].known ? "true" : "false");
		else if (f->print_ids)
			(void)fprintf(stdout, "%" PRIu64 "\n", pushed[i].id);
		f->known += pushed[i].known;
		f->last = pushed[i].id;
	}
	f->stored += n;
	if (f->print_ids || f->print_json)
		diag_flush_stdout();
}

/* The reason a push failed ends the process; a full or paused queue may first be waited
 * for. */
static void
failed(struct feed *f, int code, q_time until)
{
	if (stop_signal() != 0)
		feed_interrupted(f);
	if ((code == Q_EFULL || code == Q_EPAUSED) && now_monotonic() < until) {
		q_wait_change(f->q, until);
		return;
	}
	stop(f, diag_status(code), NULL, feed_reason(code));
}

static void
store(struct feed *f)
{
	unsigned flags = (f->atomic ? Q_ATOMIC : 0U) | (f->wait != 0 ? Q_PATIENT : 0U);
	q_time until = f->wait == 0 ? 0 : now_after(f->wait);
	struct q_pushed *pushed;
	size_t done = 0, n;
	int rc;

	if ((pushed = calloc(f->count + 1, sizeof(*pushed))) == NULL)
		stop(f, DIAG_FAILED, NULL, "out of memory");
	while (done < f->count) {
		rc = q_push(feed_queue(f), f->messages + done, f->count - done, flags,
		    &n, pushed);
		report(f, pushed, n);
		done += n;
		if (rc != 0)
			failed(f, rc, until);
	}
	free(pushed);
}

void
feed_end(struct feed *f)
{
	(void)feed_queue(f);
	store(f);
	forget_batch(f);
	clear_progress(f);
	free(f->owned);
	free(f->messages);
	f->owned = NULL;
	f->messages = NULL;
	f->owned_room = f->room = 0;
}

void
feed_flush(struct feed *f)
{
	if (f->atomic)
		return;
	store(f);
	forget_batch(f);
	show_progress(f);
}
