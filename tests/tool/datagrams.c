/* SPDX-License-Identifier: ISC */
/*
 * A service manager's ear: datagrams NAME binds a socket, a path or "@" and an abstract
 * name, and prints each datagram as lines, the last of them ".".
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t size = argc == 2 ? strlen(argv[1]) : 0;
	char text[4096];
	ssize_t n;
	int fd;

	if (size == 0 || size >= sizeof(to.sun_path))
		return (2);
	memcpy(to.sun_path, argv[1], size + 1);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	else
		size++;
	if ((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) != 0) {
		perror("datagrams");
		return (3);
	}
	printf("bound\n");
	(void)fflush(stdout);
	while ((n = recv(fd, text, sizeof(text), 0)) >= 0) {
		printf("%.*s\n.\n", (int)n, text);
		(void)fflush(stdout);
	}
	return (0);
}
