/* SPDX-License-Identifier: ISC */
/*
 * A client of NATS JetStream, as fast as one can be, over TCP to a server on this host:
 *
 *     bench-nats PORT make         a stream of subject q, in files, and a consumer of
 * it bench-nats PORT put BODY     store one message bench-nats PORT take         take
 * one, print it, acknowledge it bench-nats PORT fill         store each line of stdin,
 * many under way bench-nats PORT drain        take all, many under way; a line each
 *     bench-nats PORT free         print a port of 127.0.0.1 that nobody has; PORT is
 * not used
 *
 * Exit 0: the server has confirmed everything. 1: there was no message.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests sent before their answers are read: small enough for the socket's buffers.
 */
enum { WINDOW = 256, MAX_BODY = 65535, TEXT = 512 };

static FILE *in, *out;
static char inbox[32]; /* where answers to this process go */
static char body[MAX_BODY + 3];

/* What the server sends us: a body, or a status ("404 No Messages") in place of one. */
struct message {
	char reply[TEXT];
	char *data;
	size_t size;
	bool is_status;
};

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench-nats: %s: %s\n", what, why);
	exit(3);
}

static struct sockaddr_in
local(long port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (addr);
}

static int
new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		die("socket", "failed");
	return (fd);
}

static void
print_free_port(void)
{
	struct sockaddr_in addr = local(0);
	socklen_t size = sizeof(addr);
	int fd = new_socket();

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &size) != 0)
		die("bind", "failed");
	printf("%u\n", (unsigned)ntohs(addr.sin_port));
	(void)close(fd);
}

static void
flush(FILE *f)
{
	if (fflush(f) != 0)
		die("write", "failed");
}

/* The next line, without its end; the server's questions are answered on the way. */
static char *
next_line(char line[TEXT])
{
	for (;;) {
		if (fgets(line, TEXT, in) == NULL)
			die("server", "gone");
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, "PING") != 0)
			return (line);
		fputs("PONG\r\n", out);
		flush(out);
	}
}

static void
dial(const char *port)
{
	struct sockaddr_in addr = local(atol(port));
	int fd = new_socket(), on = 1;
	char line[TEXT];

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		die(port, "cannot connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (in == NULL || out == NULL)
		die(port, "out of memory");
	while (
	    getc(in) != '\n') /* what the server says of itself is longer than a line */
		if (feof(in))
			die("server", "gone");
	snprintf(inbox, sizeof(inbox), "_INBOX.%ld", (long)getpid());
	fprintf(out,
	    "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,"
	    "\"no_responders\":true}\r\nSUB %s 1\r\nPING\r\n",
	    inbox);
	flush(out);
	if (strcmp(next_line(line), "PONG") != 0)
		die("server", line);
}

static void
publish(const char *subject, const char *text, size_t size)
{
	fprintf(out, "PUB %s %s %zu\r\n", subject, inbox, size);
	fwrite(text, 1, size, out);
	fputs("\r\n", out);
}

static void
ask(const char *subject, const char *text)
{
	publish(subject, text, strlen(text));
}

/* MSG subject sid [reply] size, or HMSG subject sid [reply] size-of-headers size. */
static void
read_message(struct message *m)
{
	char line[TEXT], *word[6], *rest = next_line(line);
	size_t words = 0, headers = 0;

	while (words < 6 && (word[words] = strtok_r(rest, " ", &rest)) != NULL)
		words++;
	if (words < 4 || strstr("HMSG", word[0]) == NULL)
		die("server", line);
	m->size = strtoul(word[words - 1], NULL, 10);
	if (*word[0] == 'H')
		headers = strtoul(word[words - 2], NULL, 10);
	if (m->size > MAX_BODY || headers > m->size ||
	    fread(body, 1, m->size + 2, in) != m->size + 2)
		die("server", "malformed message");
	snprintf(
	    m->reply, sizeof(m->reply), "%s", words > 4 + (headers > 0) ? word[3] : "");
	m->is_status = headers > 0 && m->size == headers && strlen(m->reply) == 0;
	m->data = body + headers;
	m->size -= headers;
	body[headers + m->size] = '\0';
}

/* The answer of JetStream's interface is JSON, with "error" in it if it is a refusal.
 */
static void
confirmed(long n)
{
	struct message m;

	flush(out);
	while (n-- > 0) {
		read_message(&m);
		if (m.is_status || strstr(m.data, "\"error\"") != NULL)
			die("server", m.is_status ? "no answer" : m.data);
	}
}

static void
make(void)
{
	ask("$JS.API.STREAM.CREATE.Q",
	    "{\"name\":\"Q\",\"subjects\":[\"q\"],\"retention\":\"workqueue\","
	    "\"storage\":\"file\",\"num_replicas\":1}");
	confirmed(1);
	ask("$JS.API.CONSUMER.DURABLE.CREATE.Q.C",
	    "{\"stream_name\":\"Q\",\"config\":{\"durable_name\":\"C\","
	    "\"ack_policy\":\"explicit\",\"max_ack_pending\":-1}}");
	confirmed(1);
}

static void
fill(void)
{
	long waiting = 0;

	while (fgets(body, sizeof(body), stdin) != NULL) {
		publish("q", body, strcspn(body, "\n"));
		if (++waiting == WINDOW) {
			confirmed(waiting);
			waiting = 0;
		}
	}
	confirmed(waiting);
}

/* Take up to n messages, print each with end behind it: how many there were. */
static long
take(long n, const char *end)
{
	static char reply[WINDOW][TEXT];
	char request[64];
	struct message m = { .size = 0 };
	long got = 0;

	snprintf(request, sizeof(request), "{\"batch\":%ld,\"no_wait\":true}", n);
	ask("$JS.API.CONSUMER.MSG.NEXT.Q.C", request);
	flush(out);
	while (got < n) {
		read_message(&m);
		if (m.is_status)
			break; /* 404: no more */
		fwrite(m.data, 1, m.size, stdout);
		fputs(end, stdout);
		memcpy(reply[got++], m.reply, TEXT);
	}
	flush(stdout);
	for (long i = 0; i < got; i++)
		ask(reply[i], "+ACK");
	confirmed(got);
	return (got);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";

	if (argc == 3 && strcmp(verb, "free") == 0) {
		print_free_port();
	} else if (argc == 3 && strcmp(verb, "make") == 0) {
		dial(argv[1]);
		make();
	} else if (argc == 4 && strcmp(verb, "put") == 0) {
		dial(argv[1]);
		ask("q", argv[3]);
		confirmed(1);
	} else if (argc == 3 && strcmp(verb, "take") == 0) {
		dial(argv[1]);
		return (take(1, "") == 1 ? 0 : 1);
	} else if (argc == 3 && strcmp(verb, "fill") == 0) {
		dial(argv[1]);
		fill();
	} else if (argc == 3 && strcmp(verb, "drain") == 0) {
		dial(argv[1]);
		while (take(WINDOW, "\n") > 0)
			;
	} else {
		fprintf(stderr,
		    "usage: bench-nats PORT make|put BODY|take|fill|drain|free\n");
		return (2);
	}
	return (0);
}
