/* SPDX-License-Identifier: ISC */
/* What became of a receipt, for people and for programs. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "diag.h"
#include "json.h"
#include "now.h"
#include "text.h"

#include "settled.h"

enum { PHRASE = 128 };

/* "done", "failed (attempt 2 of 20); next try in 8 s" */
static const char *
outcome(const struct settled *s, char buf[PHRASE])
{
	const struct q_settled *r = s->result;
	q_time now = now_wall();
	char wait[TEXT_DURATION];

	text_duration(wait, r->due > now ? r->due - now : 0);
	switch (s->how->verb) {
	case Q_RELEASE:
		if (r->state != Q_DELAYED)
			return ("released");
		snprintf(buf, PHRASE, "released; next try in %s", wait);
		return (buf);
	case Q_EXTEND:
		text_duration(wait, s->how->lease);
		snprintf(buf, PHRASE, "extended by %s", wait);
		return (buf);
	case Q_FAIL:
		if (r->state == Q_DEAD)
			snprintf(buf, PHRASE, "dead after %u attempt%s", r->attempt,
			    r->attempt == 1 ? "" : "s");
		else
			snprintf(buf, PHRASE,
			    "failed (attempt %u of %u); next try %s%s", r->attempt,
			    r->max_attempts, r->state == Q_DELAYED ? "in " : "at once",
			    r->state == Q_DELAYED ? wait : "");
		return (buf);
	case Q_KILL:
		return ("dead");
	default:
		return ("done");
	}
}

static void
refuse_stale(const char *object, const struct q_settled *r)
{
	char ago[TEXT_DURATION];

	if (r->holder != 0)
		diag_error(object,
		    "lease lost: delivered again (attempt %u) %s ago to pid %ld; "
		    "nothing changed",
		    r->attempt, text_duration(ago, now_wall() - r->since),
		    (long)r->pid);
	else if (r->late > 0)
		diag_error(object, "lease was over for %s; nothing changed",
		    text_duration(ago, r->late));
	else
		diag_error(object, "already settled otherwise; nothing changed");
}

static void
refuse(const char *object, const struct q_settled *r)
{
	switch (r->code) {
	case Q_ESTALE:
		refuse_stale(object, r);
		break;
	case Q_ENOENT:
		diag_error(object, "no such message (done, expired or purged)");
		break;
	case Q_EFOREIGN:
		diag_error(object, "receipt belongs to another queue");
		break;
	default:
		diag_error(object, "%s", q_strerror(r->code));
	}
}

int
settled_report(const struct settled *s)
{
	const struct q_settled *r = s->result;
	char late[TEXT_DURATION], phrase[PHRASE], *object;

	if (asprintf(&object, "%s: %" PRIu64, s->name, s->receipt->id) == -1)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	if (r->code != 0)
		refuse(object, r);
	else if (r->again)
		diag_note(object, "settled so before; nothing changed");
	else if (r->late > 0)
		diag_warn(object, "lease was over for %s, nobody had taken it; %s",
		    text_duration(late, r->late), outcome(s, phrase));
	else
		diag_note(object, "%s", outcome(s, phrase));
	free(object);
	return (diag_status(r->code));
}

static const char *
result_name(int code)
{
	switch (code) {
	case 0:
		return ("ok");
	case Q_ESTALE:
		return ("stale");
	case Q_ENOENT:
		return ("gone");
	case Q_EFOREIGN:
		return ("foreign");
	default:
		return ("corrupt");
	}
}

static void
set_holder(json_t *object, const struct q_settled *r)
{
	json_t *holder = json_object();

	json_set(object, "holder", holder);
	json_set(holder, "delivery", json_integer(r->holder));
	json_set(holder, "attempt", json_integer(r->attempt));
	json_set_time(holder, "since", r->since);
	json_set(holder, "pid", json_integer(r->pid));
}

/* What the message is now, as far as the settlement tells. */
static void
set_state(json_t *object, const struct settled *s)
{
	const struct q_settled *r = s->result;
	const char *state = r->state != 0           ? q_state_name(r->state)
	                    : s->how->verb == Q_ACK ? "done"
	                                            : NULL;

	if (state != NULL)
		json_set(object, "state", json_string(state));
	if (r->attempt != 0) {
		json_set(object, "attempt", json_integer(r->attempt));
		json_set(object, "max_attempts", json_integer(r->max_attempts));
	}
	if (r->due != 0)
		json_set_time(object, "due", r->due);
}

void
settled_json(const struct settled *s, FILE *out)
{
	const struct q_settled *r = s->result;
	json_t *object = json_object();
	char text[Q_MAX_RECEIPT];

	q_receipt_format(s->receipt, text);
	json_set(object, "receipt", json_string(text));
	json_set(object, "id", json_integer((json_int_t)s->receipt->id));
	json_set(object, "result", json_string(result_name(r->code)));
	if (r->code == 0)
		set_state(object, s);
	if (r->again)
		json_set(object, "again", json_true());
	if (r->late > 0)
		json_set(object, "late_seconds",
		    json_real((double)r->late / (double)Q_SECOND));
	if (r->holder != 0)
		set_holder(object, r);
	json_line(object, out);
}
