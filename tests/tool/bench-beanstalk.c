/* SPDX-License-Identifier: ISC */
/*
 * A client of beanstalkd, which comes with none, as fast as one can be:
 *
 *     bench-beanstalk SOCKET put BODY     store one job
 *     bench-beanstalk SOCKET take         reserve one, print it, delete it
 *     bench-beanstalk SOCKET fill         store each line of stdin, many under way
 *     bench-beanstalk SOCKET drain        take all, many under way; a line each
 *
 * Exit 0: the server has confirmed everything. 1: there was no job.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Requests sent before their answers are read: small enough for the socket's buffers.
 */
enum { WINDOW = 256, MAX_BODY = 65535 };

static FILE *in, *out;
static char body[MAX_BODY + 3];

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench-beanstalk: %s: %s\n", what, why);
	exit(3);
}

static void
dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		die(path, "path is too long");
	memcpy(addr.sun_path, path, strlen(path));
	if (fd == -1 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		die(path, "cannot connect");
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (in == NULL || out == NULL)
		die(path, "out of memory");
}

static void
flush(FILE *f)
{
	if (fflush(f) != 0)
		die("write", "failed");
}

static void
send_put(const char *text, size_t size)
{
	fprintf(out, "put 0 0 3600 %zu\r\n", size);
	fwrite(text, 1, size, out);
	fputs("\r\n", out);
}

/* The next answer, which must begin with expected or else with other, if there is one.
 */
static bool
answer(char line[256], const char *expected, const char *other)
{
	if (fgets(line, 256, in) == NULL)
		die("server", "gone");
	if (strncmp(line, expected, strlen(expected)) == 0)
		return (true);
	if (other != NULL && strncmp(line, other, strlen(other)) == 0)
		return (false);
	die("server", line);
}

static void
stored(long n)
{
	char line[256];

	flush(out);
	while (n-- > 0)
		(void)answer(line, "INSERTED", NULL);
}

static void
fill(void)
{
	long waiting = 0;

	while (fgets(body, sizeof(body), stdin) != NULL) {
		send_put(body, strcspn(body, "\n"));
		if (++waiting == WINDOW) {
			stored(waiting);
			waiting = 0;
		}
	}
	stored(waiting);
}

/* Take up to n jobs, print each with end behind it: how many there were. */
static long
take(long n, const char *end)
{
	unsigned long long id[WINDOW];
	char line[256];
	size_t size;
	long got = 0;

	for (long i = 0; i < n; i++)
		fputs("reserve-with-timeout 0\r\n", out);
	flush(out);
	for (long i = 0; i < n; i++) {
		if (!answer(line, "RESERVED", "TIMED_OUT"))
			continue;
		if (sscanf(line, "RESERVED %llu %zu", &id[got], &size) != 2 ||
		    size > MAX_BODY || fread(body, 1, size + 2, in) != size + 2)
			die("server", "malformed answer");
		fwrite(body, 1, size, stdout);
		fputs(end, stdout);
		got++;
	}
	flush(stdout);
	for (long i = 0; i < got; i++)
		fprintf(out, "delete %llu\r\n", id[i]);
	flush(out);
	for (long i = 0; i < got; i++)
		(void)answer(line, "DELETED", NULL);
	return (got);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";

	if (argc == 4 && strcmp(verb, "put") == 0) {
		dial(argv[1]);
		send_put(argv[3], strlen(argv[3]));
		stored(1);
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
		fprintf(
		    stderr, "usage: bench-beanstalk SOCKET put BODY|take|fill|drain\n");
		return (2);
	}
	return (0);
}
