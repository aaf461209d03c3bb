/* SPDX-License-Identifier: ISC */
/* Messages for people. */
#include <inttypes.h>
#include <string.h>

#include "text.h"

#include "listing.h"

enum {
	NAME = 12,         /* width of the names in a detail */
	BODY_SHOWN = 1024, /* bytes of the body in a detail */
};

void
listing_head(FILE *out)
{
	(void)fprintf(out, "%8s %-8s %8s %4s %8s %8s %11s %s\n", "ID", "STATE",
	    "ATTEMPT", "PRI", "AGE", "DUE", "SIZE", "BODY");
}

/* When it is due, from now; how long a lease still lasts. */
static const char *
due(char buf[TEXT_DURATION], const struct q_msg *m, q_time now)
{
	if (m->state != Q_DELAYED && m->state != Q_LEASED &&
	    (m->state != Q_BLOCKED || m->due == 0))
		return ("-");
	if (m->state == Q_LEASED && m->due == Q_FOREVER)
		return ("held");
	return (text_duration(buf, m->due > now ? m->due - now : 0));
}

static void
print_preview(const struct q_msg *m, FILE *out)
{
	char shown[LISTING_PREVIEW];
	size_t n;

	if (m->body == NULL) {
		(void)fputs(m->damaged ? "(damaged)" : "(a file)", out);
		return;
	}
	n = text_escape(shown, sizeof(shown), m->body, m->body_size);
	(void)fprintf(out, "%s%s", shown, n < m->size ? "..." : "");
}

void
listing_line(const struct q_msg *m, q_time now, FILE *out)
{
	char age[TEXT_DURATION], wait[TEXT_DURATION], size[TEXT_SIZE], attempt[32];

	snprintf(attempt, sizeof(attempt), "%u/%u", m->attempt, m->max_attempts);
	(void)fprintf(out, "%8" PRIu64 " %-8s %8s %4d %8s %8s %11s ", m->id,
	    q_state_name(m->state), attempt, m->priority,
	    m->damaged ? "-" : text_duration(age, now - m->pushed), due(wait, m, now),
	    text_size(size, m->size));
	print_preview(m, out);
	(void)putc('\n', out);
}

static void
print_name(const char *name, FILE *out)
{
	(void)fprintf(out, "%-*s ", NAME, name);
}

/* A time of day, and how far that is from now. */
static void
print_time(const char *name, q_time when, q_time now, FILE *out)
{
	char buf[TEXT_TIME], far[TEXT_DURATION];

	print_name(name, out);
	if (when > now)
		(void)fprintf(out, "%s (in %s)\n", text_time(buf, when),
		    text_duration(far, when - now));
	else
		(void)fprintf(out, "%s (%s ago)\n", text_time(buf, when),
		    text_duration(far, now - when));
}

static void
print_state(const struct q_msg *m, FILE *out)
{
	print_name("state", out);
	(void)fputs(q_state_name(m->state), out);
	if (m->moving)
		(void)fputs(", on its way to another queue", out);
	if (m->state == Q_LEASED)
		(void)fprintf(out, " by pid %ld%s", (long)m->pid,
		    m->due == Q_FOREVER ? ", while it lives" : "");
	(void)putc('\n', out);
}

static void
print_text(const char *name, const char *text, FILE *out)
{
	if (text == NULL)
		return;
	print_name(name, out);
	text_print(out, text, strlen(text));
	(void)putc('\n', out);
}

static void
print_headers(const struct q_msg *m, FILE *out)
{
	const char *end = m->headers + m->headers_size;

	for (const char *p = m->headers; p < end; p += strlen(p) + 1)
		print_text("header", p, out);
}

/* What a command was like, and the end of what it said on stderr. */
static void
print_report(const struct q_report *r, FILE *out)
{
	char took[TEXT_DURATION], cpu[TEXT_DURATION], memory[TEXT_SIZE];
	const char *p = r->output, *end = p + r->output_size, *line;

	if (r->took == 0)
		return;
	print_name("", out);
	(void)fputs("on ", out);
	text_print(out, r->host, strlen(r->host));
	(void)fprintf(out, ", took %s, CPU %s, peak memory %s\n",
	    text_duration(took, r->took), text_duration(cpu, r->cpu),
	    text_size(memory, r->memory));
	for (; p < end; p = line + 1) {
		if ((line = memchr(p, '\n', (size_t)(end - p))) == NULL)
			line = end;
		print_name("", out);
		(void)fputs("stderr: ", out);
		text_print(out, p, (size_t)(line - p));
		(void)putc('\n', out);
	}
}

static void
print_failures(const struct q_msg *m, FILE *out)
{
	char when[TEXT_TIME];

	for (size_t i = 0; i < m->failure_count; i++) {
		const struct q_failure *f = &m->failures[i];

		print_name("failure", out);
		(void)fprintf(out,
		    "%s delivery %u to pid %ld: ", text_time(when, f->when),
		    f->delivery, (long)f->pid);
		text_print(out, f->reason, strlen(f->reason));
		(void)putc('\n', out);
		print_report(&f->report, out);
	}
}

static void
print_body(const struct q_msg *m, FILE *out)
{
	size_t n = m->body_size < BODY_SHOWN ? m->body_size : BODY_SHOWN;

	print_name("body", out);
	if (m->body == NULL)
		(void)fputs("(a file)", out);
	else
		text_print(out, m->body, n);
	(void)fputs(m->body != NULL && n < m->size ? "...\n" : "\n", out);
}

static void
print_receipt(const struct q_msg *m, FILE *out)
{
	char text[Q_MAX_RECEIPT];

	if (m->receipt.id == 0)
		return;
	q_receipt_format(&m->receipt, text);
	print_name("receipt", out);
	(void)fprintf(out, "%s\n", text);
}

void
listing_detail(const struct q_msg *m, q_time now, FILE *out)
{
	char size[TEXT_SIZE];

	(void)fprintf(out, "%-*s %" PRIu64 "\n", NAME, "id", m->id);
	print_state(m, out);
	if (m->damaged) {
		print_name("damaged", out);
		(void)fputs("nothing else can be read\n", out);
		return;
	}
	(void)fprintf(
	    out, "%-*s %u of %u\n", NAME, "attempt", m->attempt, m->max_attempts);
	(void)fprintf(out, "%-*s %u\n", NAME, "delivery", m->delivery);
	(void)fprintf(out, "%-*s %d\n", NAME, "priority", m->priority);
	print_text("group", m->group, out);
	print_text("key", m->key, out);
	print_time("pushed", m->pushed, now, out);
	if (m->state == Q_DELAYED || (m->state == Q_BLOCKED && m->due != 0) ||
	    (m->state == Q_LEASED && m->due != Q_FOREVER))
		print_time("due", m->due, now, out);
	if (m->expires != 0)
		print_time("expires", m->expires, now, out);
	print_time("changed", m->changed, now, out);
	print_receipt(m, out);
	(void)fprintf(out, "%-*s %" PRIu64 " (%s)\n", NAME, "size", m->size,
	    text_size(size, m->size));
	(void)fprintf(out, "%-*s %lu\n", NAME, "uid", (unsigned long)m->uid);
	print_headers(m, out);
	print_failures(m, out);
	print_body(m, out);
}
