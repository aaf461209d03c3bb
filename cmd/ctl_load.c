/* SPDX-License-Identifier: ISC */
/* qctl load: what dump wrote, into a queue. The same again adds nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "diag.h"
#include "dump.h"
#include "now.h"
#include "queue.h"

#include "admin.h"

enum {
	FIRST_ROOM = 1 << 16,
	BATCH = 500,            /* messages in a commit */
	BATCH_BYTES = 4 << 20,  /* of their lines */
	LONG = 4 << 20,         /* a line longer than that has its body go to a file */
	LINE_MOST = 1 << 30,    /* unless there is none in base 64 */
	PIECE = 4 * (16 << 10), /* of such a body */
};

struct item {
	struct dumped d;
	struct q_blob *blob;
	uint64_t line;
};

struct load {
	const struct ctl *c;
	struct q *q;
	const char *file;
	int fd;
	char *buf;
	size_t at, used, room; /* what is read and not yet used: from at on */
	bool ended;            /* there is no more to read */
	uint64_t line;
	struct dump_head head;
	struct item item[BATCH];
	size_t n, bytes;
	uint64_t stored, known;
	bool complete; /* the last line was there */
	bool is_new;   /* nothing was ever in the queue: its options are the dump's */
};

/* ---- what is stored ---- */

static _Noreturn void
refuse(struct load *l, uint64_t line, int status, const char *why)
{
	diag_die(status, l->file, "line %" PRIu64 ": %s; %" PRIu64 " stored", line, why,
	    l->stored);
}

static void
flush(struct load *l)
{
	struct q_load list[BATCH];
	struct q_pushed pushed[BATCH];
	size_t stored = 0;
	int rc;

	for (size_t i = 0; i < l->n; i++)
		list[i] = (struct q_load){ &l->item[i].d.msg, l->item[i].blob };
	rc = q_load(l->q, l->head.uuid, list, l->n, &stored, pushed);
	for (size_t i = 0; i < stored; i++)
		l->known += pushed[i].known;
	l->stored += stored;
	if (rc != 0)
		refuse(l, l->item[stored < l->n ? stored : 0].line, diag_status(rc),
		    q_errmsg());
	for (size_t i = 0; i < l->n; i++) {
		dump_free(&l->item[i].d);
		q_blob_free(l->item[i].blob);
	}
	l->n = l->bytes = 0;
}

/* What came before is stored before a line is refused. */
static _Noreturn void
refuse_line(struct load *l, const char *why)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s", why);
	if (l->q != NULL)
		flush(l);
	refuse(l, l->line, DIAG_USAGE, text);
}

/* ---- what is read ---- */

static void
fill(struct load *l)
{
	ssize_t n;

	if (l->at > 0) {
		memmove(l->buf, l->buf + l->at, l->used - l->at);
		l->used -= l->at;
		l->at = 0;
	}
	if (l->used == l->room) {
		l->room = l->used < FIRST_ROOM ? FIRST_ROOM : 2 * l->used;
		if (l->room > LINE_MOST)
			refuse_line(l, "is over 1 GiB");
		if ((l->buf = realloc(l->buf, l->room)) == NULL)
			diag_die(DIAG_FAILED, NULL, "out of memory");
	}
	while ((n = read(l->fd, l->buf + l->used, l->room - l->used)) == -1)
		if (errno != EINTR)
			diag_die(DIAG_FAILED, l->file,
			    "cannot read: %s; %" PRIu64 " stored", strerror(errno),
			    l->stored);
	l->used += (size_t)n;
	l->ended = n == 0;
}

static const char mark[] = ",\"body_base64\":\"";

/* Where the body of a line begins, from that byte of it on. */
static char *
find_body(const struct load *l, size_t from)
{
	/* Within a string, a quote has a backslash before it. */
	return (memmem(
	    l->buf + l->at + from, l->used - l->at - from, mark, sizeof(mark) - 1));
}

/* The next line in the buffer, without its end: 1; 0 if there is none; 2 if it is
 * long, and the body is in base 64. What a pipe gives piece by piece is searched once.
 */
static int
next_line(struct load *l, size_t *size)
{
	size_t ends = 0, bodies = 0; /* searched for either */

	for (;;) {
		size_t n = l->used - l->at;
		char *p = l->buf + l->at;
		char *end = n > ends ? memchr(p + ends, '\n', n - ends) : NULL;

		*size = end != NULL ? (size_t)(end - p) : n;
		if (end != NULL)
			return (1);
		if (n >= LONG && find_body(l, bodies) != NULL)
			return (2);
		if (l->ended)
			return (n > 0 ? 1 : 0);
		ends = n;
		bodies = n >= LONG ? n - sizeof(mark) : 0;
		fill(l);
	}
}

/* ---- messages ---- */

static struct item *
new_item(struct load *l)
{
	struct item *item = &l->item[l->n];

	*item = (struct item){ .line = l->line };
	return (item);
}

static void
added(struct load *l, size_t bytes)
{
	l->n++;
	l->bytes += bytes;
	if (l->n == BATCH || l->bytes >= BATCH_BYTES)
		flush(l);
}

static void
write_piece(struct load *l, struct q_blob *blob, const char *text, size_t n, bool last)
{
	uint8_t bytes[PIECE / 4 * 3];
	size_t size = 0;
	int rc;

	if (!base64_decode(text, n, bytes, &size) || (!last && size != n / 4 * 3))
		refuse_line(l, "body_base64: not base 64");
	if ((rc = q_blob_write(blob, bytes, size)) != 0)
		refuse(l, l->line, diag_status(rc), q_errmsg());
}

/* From the first character of the body on, to the end of its line. */
static void
read_blob(struct load *l, struct q_blob *blob)
{
	for (;;) {
		size_t n = l->used - l->at;
		char *p = l->buf + l->at;
		char *end = memchr(p, '"', n < PIECE ? n : PIECE);

		if (end != NULL) {
			write_piece(l, blob, p, (size_t)(end - p), true);
			l->at += (size_t)(end - p);
			break;
		}
		if (n >= PIECE) {
			write_piece(l, blob, p, PIECE, false);
			l->at += PIECE;
			continue;
		}
		if (l->ended)
			refuse_line(l, "ends in the middle");
		fill(l);
	}
	while (l->used - l->at < 3 && !l->ended)
		fill(l);
	if (l->used - l->at < 2 || memcmp(l->buf + l->at, "\"}", 2) != 0 ||
	    (l->used - l->at > 2 && l->buf[l->at + 2] != '\n'))
		refuse_line(l, "not JSON: something follows a large body");
	l->at += l->used - l->at > 2 ? 3 : 2;
}

static void
long_line(struct load *l)
{
	char *body = find_body(l, 0);
	size_t n = (size_t)(body - l->buf) - l->at;
	struct item *item;
	const char *why;
	int rc;

	flush(l);
	item = new_item(l);
	*body = '}'; /* the line without its body */
	why = dump_parse(l->buf + l->at, n + 1, true, now_wall(), &item->d);
	if (why != NULL)
		refuse_line(l, why);
	l->at += n + sizeof(mark) - 1;
	if ((rc = q_blob_new(l->q, &item->blob)) != 0)
		refuse(l, l->line, diag_status(rc), q_errmsg());
	read_blob(l, item->blob);
	added(l, BATCH_BYTES);
}

static void
short_line(struct load *l, size_t n)
{
	const char *line = l->buf + l->at, *why;

	if (dump_is_end(line, n)) {
		l->complete = true;
		return;
	}
	if ((why = dump_parse(line, n, false, now_wall(), &new_item(l)->d)) != NULL)
		refuse_line(l, why);
	added(l, n);
}

static void
read_messages(struct load *l)
{
	size_t n;
	int kind;

	while (!l->complete && (kind = next_line(l, &n)) != 0) {
		l->line++;
		if (kind == 2) {
			long_line(l);
			continue;
		}
		short_line(l, n);
		l->at += n < l->used - l->at ? n + 1 : n;
	}
	if (!l->complete) {
		l->line++;
		refuse_line(l, "there is none: the dump is cut off");
	}
	if (next_line(l, &n) != 0) {
		l->line++;
		refuse_line(l, "something follows the end of the dump");
	}
	flush(l);
}

/* ---- the queue ---- */

static bool
is_limit(enum q_option option)
{
	return (option == Q_OPT_MAX_MESSAGES || option == Q_OPT_MAX_BYTES ||
		option == Q_OPT_MAX_BODY);
}

/*
 * A limit refuses what comes next, and the queue may have held more: there is none
 * before all is loaded. By that, what was interrupted knows that they are to be set.
 */
static void
set_options(const struct load *l, bool limits)
{
	int rc;

	for (size_t i = 0; i < l->head.options; i++) {
		const struct value *v = &l->head.option[i];

		if (limits && !is_limit(v->option))
			continue;
		rc = q_option_set(
		    l->q, v->option, is_limit(v->option) && !limits ? 0 : v->value);
		if (rc != 0)
			exit(queue_fail(l->c->queue, rc));
	}
}

static bool
has_no_limits(const struct load *l)
{
	uint64_t value = 0;
	int rc;

	for (size_t i = 0; i < l->head.options && value == 0; i++)
		if (is_limit(l->head.option[i].option) &&
		    (rc = q_option_get(l->q, l->head.option[i].option, &value)) != 0)
			exit(queue_fail(l->c->queue, rc));
	return (value == 0);
}

/* Made if need be. It gets the options only as long as nothing was ever in it. */
static void
open_queue(struct load *l)
{
	struct q_open open = l->c->create;
	struct q_stat st;
	int rc;

	open.flags |= Q_CREATE;
	l->q = queue_open(l->c->queue, &open);
	if ((rc = q_stat(l->q, &st)) != 0)
		exit(queue_fail(l->c->queue, rc));
	l->is_new = st.pushed == 0;
	if (l->is_new)
		set_options(l, false);
}

static void
read_head(struct load *l)
{
	const char *why;
	size_t n = 0;

	l->line = 1;
	if (next_line(l, &n) != 1)
		refuse_line(l, "not the beginning of what 'qctl dump' writes");
	if ((why = dump_parse_head(l->buf + l->at, n, &l->head)) != NULL)
		refuse_line(l, why);
	l->at += n < l->used - l->at ? n + 1 : n;
}

int
ctl_load(const struct ctl *c)
{
	bool is_stdin = c->n == 0 || strcmp(c->rest[0], "-") == 0;
	struct load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	l->c = c;
	l->file = is_stdin ? "stdin" : c->rest[0];
	if (!is_stdin &&
	    (l->fd = open(c->rest[0], O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		diag_die(DIAG_FAILED, l->file, "%s", strerror(errno));
	read_head(l);
	open_queue(l);
	read_messages(l);
	if (l->is_new || (l->known > 0 && has_no_limits(l)))
		set_options(l, true);
	if (!opt_common.quiet && l->known > 0)
		printf("loaded %" PRIu64 " messages, %" PRIu64 " were there already\n",
		    l->stored - l->known, l->known);
	else if (!opt_common.quiet)
		printf("loaded %" PRIu64 " message%s\n", l->stored,
		    l->stored == 1 ? "" : "s");
	q_close(l->q);
	free(l->buf);
	free(l);
	return (0);
}
