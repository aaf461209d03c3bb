/* SPDX-License-Identifier: ISC */
/* Messages of a queue: lists, and single ones. */
#include <stdio.h>

#include "diag.h"
#include "json.h"
#include "listing.h"
#include "now.h"
#include "parse.h"
#include "queue.h"

#include "show.h"

enum { PAGE = 1000 }; /* messages of a list in memory */

int
show_worse(int a, int b)
{
	return (a > b ? a : b);
}

struct q *
show_open(const char *name, int *status)
{
	static const struct q_open args = { .flags = Q_RDONLY };

	return (queue_try(name, &args, status));
}

/* What is damaged is shown as far as it can be, and is an error all the same. */
static int
check_damage(const char *name, const struct q_msg *m)
{
	if (!m->damaged)
		return (0);
	diag_error(name, "message %llu is damaged", (unsigned long long)m->id);
	return (DIAG_CORRUPT);
}

static int
show_message(const struct show *o, const char *name, struct q *q, uint64_t id)
{
	struct q_batch *b = NULL;
	const struct q_msg *m;
	int rc, status = 0;

	if ((rc = q_get(q, id, &b)) != 0) {
		diag_error(name, "%llu: %s", (unsigned long long)id, q_errmsg());
		return (diag_status(rc));
	}
	m = q_batch_get(b, 0);
	if (!o->json)
		listing_detail(m, now_wall(), stdout);
	else if ((rc = json_message(
		      q, m, JSON_BODY | JSON_RECEIPT | JSON_FAILURES, stdout)) != 0)
		status = queue_fail(name, rc);
	status = show_worse(status, check_damage(name, m));
	q_batch_free(b);
	return (status);
}

int
show_messages(const struct show *o, const char *name, char **ids)
{
	int status = 0;
	struct q *q = show_open(name, &status);

	for (char **id = ids; q != NULL && *id != NULL; id++) {
		uint64_t n;
		const char *why = parse_count(*id, 1, UINT64_MAX, &n);

		if (why != NULL) {
			diag_error(name, "%s", why);
			status = show_worse(status, DIAG_USAGE);
			continue;
		}
		if (id != ids && !o->json)
			(void)putchar('\n');
		status = show_worse(status, show_message(o, name, q, n));
	}
	q_close(q);
	return (status);
}

/* With its body, which a list has no room for; it may be gone since it was listed. */
static int
list_whole(const char *name, struct q *q, uint64_t id)
{
	struct q_batch *b = NULL;
	int rc = q_get(q, id, &b);

	if (rc == 0)
		rc = json_message(q, q_batch_get(b, 0), JSON_BODY, stdout);
	q_batch_free(b);
	return (rc == 0 || rc == Q_ENOENT ? 0 : queue_fail(name, rc));
}

/* Of a damaged message nobody knows what was asked for, but its state at most. */
static bool
is_wanted(const struct q_list *by, const struct q_msg *m)
{
	return ((by->state == 0 || m->state == by->state) && by->before == 0 &&
		by->group == NULL && by->header == NULL);
}

static int
list_page(const struct show *o, const char *name, struct q *q, struct q_batch *b)
{
	q_time now = now_wall();
	int status = 0;

	for (size_t i = 0; i < q_batch_count(b) && !ferror(stdout); i++) {
		const struct q_msg *m = q_batch_get(b, i);

		status = show_worse(status, check_damage(name, m));
		if (m->damaged && !is_wanted(&o->list, m))
			continue;
		if (!o->json)
			listing_line(m, now, stdout);
		else if (o->body)
			status = show_worse(status, list_whole(name, q, m->id));
		else
			(void)json_message(q, m, 0, stdout); /* 0 without the body */
	}
	return (status);
}

int
show_list(const struct show *o, const char *name)
{
	struct q_list args = o->list;
	uint64_t left = o->limit != 0 ? o->limit : UINT64_MAX;
	struct q_batch *b = NULL;
	int status = 0, rc = 0;
	struct q *q = show_open(name, &status);

	if (q == NULL)
		return (status);
	args.preview = o->json ? 0 : LISTING_PREVIEW;
	if (!o->json)
		listing_head(stdout);
	while (left > 0 && !ferror(stdout)) {
		args.n = left < PAGE ? (size_t)left : PAGE;
		if ((rc = q_list(q, &args, &b)) != 0)
			break;
		status = show_worse(status, list_page(o, name, q, b));
		left -= q_batch_count(b);
		q_batch_free(b);
	}
	if (rc != 0 && rc != Q_EMPTY) {
		status = show_worse(status, queue_fail(name, rc));
	} else if (args.hidden) { /* of what came before the limit */
		diag_error(name, "data.mdb is damaged, and messages may be missing; "
				 "run 'qctl check'");
		status = show_worse(status, DIAG_CORRUPT);
	}
	q_close(q);
	return (status);
}
