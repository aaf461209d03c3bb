/* SPDX-License-Identifier: ISC */
/* Writing a taken message in the form that was asked for. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

#include "emit.h"

static int
write_body(struct q *q, const struct q_msg *m, struct out *out)
{
	int fd, rc;

	if (!m->blob) {
		out_write(out, m->body, m->body_size);
		return (0);
	}
	if ((rc = q_msg_open(q, m, &fd)) != 0)
		return (rc);
	out_copy(out, fd);
	(void)close(fd);
	return (0);
}

static void
write_receipt(const struct emit *e, const struct q_msg *m)
{
	char text[Q_MAX_RECEIPT];

	q_receipt_format(&m->receipt, text);
	out_write(e->out, text, strlen(text));
	out_write(e->out, e->form == 0 ? "\n" : "\t", 1);
}

/* echo text | qpush: the newline of the body is the line's. */
static bool
ends_line(const struct q_msg *m)
{
	return (!m->blob && m->body_size > 0 &&
		((const char *)m->body)[m->body_size - 1] == '\n');
}

int
emit_message(const struct emit *e, struct q *q, const struct q_msg *m)
{
	int rc;

	if (e->form == 'j')
		return (json_message(q, m, JSON_BODY | (e->receipts ? JSON_RECEIPT : 0),
		    e->out->stream));
	if (e->receipts)
		write_receipt(e, m);
	if ((rc = write_body(q, m, e->out)) != 0)
		return (rc);
	if (e->form == '0')
		out_write(e->out, "", 1);
	else if (e->form == 'l' && !ends_line(m))
		out_write(e->out, "\n", 1);
	return (0);
}

int
emit_receipt(const char *file, const struct q_receipt *receipt)
{
	char text[Q_MAX_RECEIPT];
	struct out out;
	int rc;

	if (out_open(&out, file, true) != 0)
		return (-1);
	q_receipt_format(receipt, text);
	out_write(&out, text, strlen(text));
	out_write(&out, "\n", 1);
	rc = out_flush(&out);
	out_close(&out);
	return (rc);
}
