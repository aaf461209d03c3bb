/* SPDX-License-Identifier: ISC */
/*
 * The least a durable command can cost on this machine: a process that does nothing but
 *
 *     bench-floor empty           end
 *     bench-floor page FILE       write a page of an existing file and flush it
 *     bench-floor grow FILE       append a page and flush it
 *     bench-floor copy FILE       copy stdin to a new FILE and flush it
 *     bench-floor pass FILE       copy stdin to stdout, then as page
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, BUFFER = 1 << 17 };

static char buffer[BUFFER];

static int
copy(int fd)
{
	ssize_t n;

	while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, buffer + done, (size_t)(n - done))) <= 0)
				return (-1);
	return (n == 0 ? 0 : -1);
}

static int
open_for(const char *what, const char *file)
{
	if (strcmp(what, "grow") == 0)
		return (open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
	if (strcmp(what, "copy") == 0)
		return (open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	return (open(file, O_WRONLY | O_CLOEXEC));
}

static int
write_one(const char *what, int fd)
{
	if (strcmp(what, "copy") == 0)
		return (copy(fd));
	if (strcmp(what, "pass") == 0 && copy(STDOUT_FILENO) != 0)
		return (-1);
	memset(buffer, 'x', PAGE);
	return (write(fd, buffer, PAGE) == PAGE ? 0 : -1);
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc == 2 && strcmp(argv[1], "empty") == 0)
		return (0);
	if (argc != 3 || strstr("page grow copy pass", argv[1]) == NULL) {
		fprintf(
		    stderr, "usage: bench-floor empty | (page|grow|copy|pass) FILE\n");
		return (2);
	}
	fd = open_for(argv[1], argv[2]);
	if (fd == -1 || write_one(argv[1], fd) != 0 || fdatasync(fd) != 0) {
		perror(argv[2]);
		return (3);
	}
	return (0);
}
