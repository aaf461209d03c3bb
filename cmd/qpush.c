/* SPDX-License-Identifier: ISC */
/* qpush: put messages into a queue. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "diag.h"
#include "feed.h"
#include "now.h"
#include "opt.h"
#include "parse.h"
#include "queue.h"
#include "source.h"
#include "spool.h"
#include "stop.h"
#include "text.h"

enum { O_ATOMIC = OPT_LONG, O_ALLOW_EMPTY, O_AT, O_CALL, O_FROM_COMMAND };

static const struct opt opts[] = {
	{ 'l', "lines", OPT_NONE, NULL, "a message per line of stdin" },
	{ '0', "null", OPT_NONE, NULL, "a message per NUL-terminated record" },
	{ 'J', "json-lines", OPT_NONE, NULL, "a message per line, as a JSON object" },
	{ 'f', "file", OPT_FILE | OPT_REPEAT, "FILE",
	    "a message is what FILE contains" },
	{ 'd', "delay", OPT_TIME, "DURATION", "ready only after DURATION" },
	{ O_AT, "at", OPT_TIME, "TIME", "ready only from TIME on" },
	{ 'e', "expire", OPT_TIME, "DURATION", "drop it if not taken in DURATION" },
	{ 'p', "priority", OPT_COUNT, "N", "-100..100, higher goes first (0)" },
	{ 'm', "max-attempts", OPT_COUNT, "N", "attempts before it is dead (20)" },
	{ 'k', "key", OPT_TEXT, "KEY", "not if one of this KEY waits or is leased" },
	{ 'g', "group", OPT_TEXT, "GROUP",
	    "in order, and one at a time, with others of GROUP" },
	{ 'H', "header", OPT_TEXT | OPT_REPEAT, "NAME=VALUE",
	    "an attribute beside the body" },
	{ 'i', "print-id", OPT_NONE, NULL, "print the id of each message" },
	{ 'j', "json", OPT_NONE, NULL, "the same as JSON, with whether KEY was known" },
	{ 'w', "wait", OPT_TIME | OPT_OPTIONAL, "DURATION",
	    "wait for room in a full queue" },
	{ 'C', "no-create", OPT_NONE, NULL, "the queue must exist" },
	{ O_ATOMIC, "atomic", OPT_NONE, NULL, "store all messages or none" },
	{ O_CALL, "call", OPT_TIME | OPT_OPTIONAL, "DURATION",
	    "wait for its end; print and exit as its COMMAND did" },
	{ O_ALLOW_EMPTY, "allow-empty", OPT_NONE, NULL, "accept an empty message" },
	{ O_FROM_COMMAND, "from-command", OPT_NONE, NULL,
	    "push COMMAND's output if it exits 0" },
	{ 0 },
};
static const struct command cmd = {
	.name = "qpush",
	.synopsis =
	    "[OPTION...] QUEUE [[--] MESSAGE... | --from-command -- COMMAND...]",
	.purpose = "Put messages into a queue; they are on disk when it exits 0",
	.opts = opts,
	.runs = true,
};

struct options {
	int form; /* 'l', '0', 'J', 'f', or 0: operands, or all of stdin */
	bool at, delay, from_command, no_create;
	q_time call; /* how long to wait for the result; 0: not */
	struct feed feed;
	char *headers;
	size_t headers_size;
	const char **files;
	size_t file_count;
};

static void
set_form(struct options *o, int form)
{
	if (o->form != 0 && o->form != form)
		diag_usage("-l, -0, -J and -f exclude each other");
	o->form = form;
}

/* NAME=VALUE, of a NAME that the others do not have: JSON and COMMANDs have one of
 * each. */
static void
check_header(const struct options *o, const char *header)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t name = strspn(header, chars);
	const char *end = o->headers + o->headers_size;

	if (name == 0 || header[name] != '=')
		diag_usage("--header: '%s' is not NAME=VALUE, NAME of letters, "
			   "digits, '_', '-', '.'",
		    header);
	for (const char *p = o->headers; p < end; p += strlen(p) + 1)
		if (strncmp(p, header, name + 1) == 0)
			diag_usage(
			    "--header: '%.*s' is given twice", (int)name, header);
	if (o->headers_size + strlen(header) + 1 > Q_MAX_HEADERS)
		diag_usage("--header: headers of %zu bytes; the most is %d",
		    o->headers_size + strlen(header) + 1, Q_MAX_HEADERS);
}

static void
add_header(struct options *o, const char *header)
{
	size_t n = strlen(header) + 1;
	char *p;

	check_header(o, header);
	if ((p = realloc(o->headers, o->headers_size + n)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	memcpy(p + o->headers_size, header, n);
	o->headers = p;
	o->headers_size += n;
}

static void
add_file(struct options *o, const char *file)
{
	o->files = reallocarray(o->files, o->file_count + 1, sizeof(*o->files));
	if (o->files == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	o->files[o->file_count++] = file;
}

static void
set_at(struct options *o)
{
	q_time now = now_wall();

	opt_check(parse_time(opt_arg, now, &o->feed.model.due));
	o->at = true;
	if (o->feed.model.due <= now)
		diag_warn("--at", "%s is in the past; ready at once", opt_arg);
}

/* A key or a group: JSON shows them, too. */
static const char *
check_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > Q_MAX_KEY)
		opt_check("must have 1 to 1024 bytes");
	if (!text_is_utf8(name, n))
		opt_check("is not UTF-8");
	return (name);
}

static void
set_option(struct options *o, int c)
{
	struct feed *f = &o->feed;
	int64_t priority;
	uint64_t n;

	switch (c) {
	case 'l':
	case '0':
	case 'J':
		set_form(o, c);
		break;
	case 'f':
		set_form(o, c);
		add_file(o, opt_arg);
		break;
	case 'd':
		opt_check(parse_duration(opt_arg, &f->model.delay));
		o->delay = true;
		break;
	case O_AT:
		set_at(o);
		break;
	case 'e':
		opt_check(parse_duration(opt_arg, &f->model.ttl));
		if (f->model.ttl == 0)
			opt_check("a message must live for some time");
		break;
	case 'p':
		opt_check(
		    parse_int(opt_arg, Q_MIN_PRIORITY, Q_MAX_PRIORITY, &priority));
		f->model.priority = (int)priority;
		break;
	case 'm':
		opt_check(parse_count(opt_arg, 1, 1000000, &n));
		f->model.max_attempts = (uint32_t)n;
		break;
	case 'H':
		add_header(o, opt_arg);
		break;
	case 'k':
		f->model.key = check_name(opt_arg);
		break;
	case 'g':
		f->model.group = check_name(opt_arg);
		break;
	case 'w':
		f->wait = Q_FOREVER;
		if (opt_arg != NULL)
			opt_check(parse_duration(opt_arg, &f->wait));
		break;
	case 'i':
		f->print_ids = true;
		break;
	case 'j':
		f->print_json = true;
		break;
	case 'C':
		o->no_create = true;
		break;
	case O_ATOMIC:
		f->atomic = true;
		break;
	case O_CALL:
		o->call = Q_FOREVER;
		if (opt_arg != NULL)
			opt_check(parse_duration(opt_arg, &o->call));
		if (o->call == 0)
			opt_check("nothing is done in no time");
		f->model.result = true;
		break;
	case O_ALLOW_EMPTY:
		f->allow_empty = true;
		break;
	case O_FROM_COMMAND:
		o->from_command = true;
		break;
	}
}

static void
check_usage(struct options *o)
{
	size_t messages;
	bool many;

	if (!o->from_command && opt_command != NULL)
		opt_join(); /* such as a message that begins with '-' */
	messages = opt_noperands > 1 ? (size_t)opt_noperands - 1 : 0;
	if (opt_noperands == 0)
		diag_usage("no queue given");
	if (o->delay && o->at)
		diag_usage("--delay and --at exclude each other");
	if (o->from_command && (opt_command == NULL || opt_command[0] == NULL))
		diag_usage("--from-command needs '--' and a command");
	if (o->from_command && (messages > 0 || o->form == 'f'))
		diag_usage("--from-command takes its messages from the command alone");
	many = (o->form != 0 && o->form != 'f') || o->file_count + messages > 1;
	if (many && (o->feed.model.key != NULL || o->call != 0))
		diag_usage("%s is for one message", o->call != 0 ? "--call" : "--key");
	if (o->call != 0 && o->feed.model.key != NULL)
		diag_usage("--call and --key exclude each other");
	if (o->call != 0 && (o->feed.print_ids || o->feed.print_json))
		diag_usage("--call prints COMMAND's output alone, no id");
	if (messages > 0 && o->form != 0 && o->form != 'f')
		diag_usage("messages come from stdin with -%c: '%s' is one too many",
		    o->form, opt_operands[1]);
	if (o->form == 'f') /* qpush jobs -f *.txt */
		for (size_t i = 1; i <= messages; i++)
			add_file(o, opt_operands[i]);
	o->feed.model.headers = o->headers;
	o->feed.model.headers_size = o->headers_size;
}

static void
push_files(struct options *o)
{
	for (size_t i = 0; i < o->file_count; i++) {
		bool is_stdin = strcmp(o->files[i], "-") == 0;
		const char *name = is_stdin ? "stdin" : o->files[i];
		int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

		if (fd == -1 && stop_signal() != 0) /* a pipe without a writer */
			feed_interrupted(&o->feed);
		if (fd == -1)
			feed_refuse(&o->feed, DIAG_FAILED, name, strerror(errno));
		source_whole(&o->feed, fd, name);
		if (!is_stdin)
			(void)close(fd);
	}
}

static void
push_operands(struct feed *f)
{
	for (int i = 1; i < opt_noperands; i++) {
		feed_check_empty(f, strlen(opt_operands[i]), NULL);
		feed_add(f, opt_operands[i], strlen(opt_operands[i]));
	}
}

static void
push_input(struct options *o, int fd)
{
	switch (o->form) {
	case 'l':
		source_records(&o->feed, fd, '\n');
		break;
	case '0':
		source_records(&o->feed, fd, '\0');
		break;
	case 'J':
		source_json(&o->feed, fd);
		break;
	case 'f':
		push_files(o);
		break;
	default:
		if (opt_noperands > 1)
			push_operands(&o->feed);
		else
			source_whole(&o->feed, fd, NULL);
	}
}

int
main(int argc, char **argv)
{
	struct q_open open = { .flags = Q_CREATE };
	struct options o = { 0 };
	int c, fd = STDIN_FILENO, status = 0, closed = 0;
	bool bulk, at_hand;

	diag_start("qpush");
	while ((c = opt_next(&cmd, argc, argv)) != -1)
		set_option(&o, c);
	check_usage(&o);
	bulk = o.form != 0 || opt_noperands == 1;
	if (bulk || o.call != 0) /* else there is nothing to put in order */
		stop_catch();
	if (o.from_command)
		fd = spool_command(opt_command);
	if (o.no_create)
		open.flags = 0;
	o.feed.name = opt_operands[0];
	o.feed.progress = bulk && isatty(STDERR_FILENO) && !opt_common.quiet &&
	                  !o.feed.print_ids && !o.feed.print_json;
	o.feed.open = &open;
	/* While a program makes the first message, others may wait for it there. */
	at_hand = o.form == 'f' || (o.form == 0 && opt_noperands > 1);
	if (o.no_create || !at_hand)
		(void)feed_queue(&o.feed);
	push_input(&o, fd);
	feed_end(&o.feed);
	diag_note(o.feed.name, "%llu stored",
	    (unsigned long long)(o.feed.stored - o.feed.known));
	if (o.feed.known > 0)
		diag_note(o.feed.name, "%llu known by key, not added",
		    (unsigned long long)o.feed.known);
	if (o.call != 0)
		status = call_wait(o.feed.q, o.feed.name, o.feed.last, o.call);
	free(o.headers);
	free(o.files);
	queue_leave(o.feed.q);
	if (o.feed.print_ids || o.feed.print_json || o.call != 0)
		closed = diag_close_stdout();
	return (status != 0 ? status : closed);
}
