/* SPDX-License-Identifier: ISC */
/* qctl check: what is wrong with a queue, and what repairing it has done. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "json.h"
#include "queue.h"
#include "text.h"

#include "admin.h"

/* "1 file", "2 files" */
#define COUNTED(n, word) (n), word, (n) == 1 ? "" : "s"
#define COUNT_FMT        "%" PRIu64 " %s%s"

static void
print_sound(const struct ctl *c, const struct q_check *check)
{
	char size[TEXT_SIZE];

	text_print(stdout, c->queue, strlen(c->queue));
	printf(": sound: " COUNT_FMT ", %s", COUNTED(check->messages, "message"),
	    text_size(size, check->bytes));
	if (check->blobs > 0)
		printf(", " COUNT_FMT, check->blobs, "large bod",
		    check->blobs == 1 ? "y" : "ies");
	if (check->aside > 0)
		printf("; " COUNT_FMT " set aside as dead",
		    COUNTED(check->aside, "damaged message"));
	if (check->orphans > 0)
		printf("; " COUNT_FMT " of ended messages",
		    COUNTED(check->orphans, "file"));
	printf("\n");
}

static void
print_findings(const struct q_check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		const struct q_finding *f = &check->findings[i];

		text_print(stdout, f->object, strlen(f->object));
		printf(" ");
		text_print(stdout, f->what, strlen(f->what));
		printf("\n");
	}
	if (check->found > check->count)
		printf("and %" PRIu64 " more\n", check->found - check->count);
}

static void
print_json(const struct ctl *c, const struct q_check *check)
{
	json_t *object = json_object();

	for (size_t i = 0; i < check->count; i++) {
		const struct q_finding *f = &check->findings[i];
		json_t *line = json_object();

		json_set(line, "queue", json_text(c->queue));
		json_set(line, "object", json_text(f->object));
		if (f->id != 0)
			json_set(line, "id", json_integer((json_int_t)f->id));
		json_set(line, "what", json_text(f->what));
		json_line(line, stdout);
	}
	json_set(object, "queue", json_text(c->queue));
	json_set(object, "found", json_integer((json_int_t)check->found));
	json_set(object, "messages", json_integer((json_int_t)check->messages));
	json_set(object, "aside", json_integer((json_int_t)check->aside));
	json_set(object, "bytes", json_integer((json_int_t)check->bytes));
	json_set(object, "blobs", json_integer((json_int_t)check->blobs));
	json_set(object, "orphans", json_integer((json_int_t)check->orphans));
	json_set(object, "pages", json_integer((json_int_t)check->pages));
	json_set(object, "free_pages", json_integer((json_int_t)check->free));
	json_line(object, stdout);
}

static void
print(const struct ctl *c, const struct q_check *check)
{
	if (ctl_has(c, CTL_JSON))
		print_json(c, check);
	else if (check->found > 0)
		print_findings(check);
	else if (!opt_common.quiet)
		print_sound(c, check);
}

static int
look(const struct ctl *c)
{
	static const struct q_open args = { .flags = Q_RDONLY };
	struct q *q = queue_open(c->queue, &args);
	struct q_check *check = NULL;
	int rc = q_check(q, &check), status = 0;

	q_close(q);
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	print(c, check);
	if (check->found > 0 && ctl_has(c, CTL_REPAIR)) {
		ctl_would(c, "would build the queue again of what can be read");
		status = DIAG_USAGE;
	} else if (check->found > 0) {
		diag_error(c->queue,
		    COUNT_FMT "; 'qctl check --repair' mends what it can",
		    COUNTED(check->found, "finding"));
		status = DIAG_CORRUPT;
	}
	q_check_free(check);
	return (status);
}

static int
repair(const struct ctl *c)
{
	struct q *q = queue_open(c->queue, NULL);
	struct q_check *check = NULL;
	int rc = q_repair(q, &check);

	q_close(q);
	if (rc != 0)
		return (queue_fail(c->queue, rc));
	print(c, check);
	if (check->kept != NULL)
		diag_warn(c->queue,
		    "repaired: " COUNT_FMT ", %" PRIu64
		    " of them set aside as dead; the old file is %s",
		    COUNTED(check->recovered, "message"), check->set_aside,
		    check->kept);
	q_check_free(check);
	return (0);
}

int
ctl_check(const struct ctl *c)
{
	return (ctl_has(c, CTL_REPAIR) && ctl_has(c, CTL_YES) ? repair(c) : look(c));
}
