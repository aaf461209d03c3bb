/* SPDX-License-Identifier: ISC */
/* Writing a taken message in the form that was asked for. */
#include <string.h>
#include <unistd.h>

#include "json.h"

#include "emit.h"

static void
write_receipt(const struct emit *e, const struct q_msg *m)
{
	char text[Q_MAX_RECEIPT];

	q_receipt_format(&m->receipt, text);
	out_write(e->out, text, strlen(text));
	out_write(e->out, e->form == 0 ? "\n" : "\t", 1);
}

/* echo text | qpush: the newline of the body is the line's. */
static void
write_end(const struct emit *e, const struct q_msg *m)
{
	if (e->form == '0')
		out_write(e->out, "", 1);
	else if (e->form == 'l' && (m->size == 0 || e->out->last != '\n'))
		out_write(e->out, "\n", 1);
}

int
emit_message(const struct emit *e, struct q *q, const struct q_msg *m)
{
	int fd = -1, rc;

	if (e->form == 'j')
		return (json_message(q, m, JSON_BODY | (e->receipts ? JSON_RECEIPT : 0),
		    out_stream(e->out)));
	/* Nothing is written of a message whose body cannot be read. */
	if (m->blob && (rc = q_msg_open(q, m, &fd)) != 0)
		return (rc);
	if (e->receipts)
		write_receipt(e, m);
	if (fd == -1)
		out_write(e->out, m->body, m->body_size);
	else
		out_copy(e->out, fd);
	if (fd != -1)
		(void)close(fd);
	write_end(e, m);
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
