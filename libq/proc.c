/* SPDX-License-Identifier: ISC */
/* Processes, by /proc. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "error.h"
#include "q.h"

#include "proc.h"

enum { PATH_SIZE = 300, LINE_SIZE = 256 };

static const char *const names[Q_PROCESSES] = {
	[Q_PROCESS_UNKNOWN] = "unknown",
	[Q_PROCESS_RUNNING] = "running",
	[Q_PROCESS_STOPPED] = "stopped",
	[Q_PROCESS_ZOMBIE] = "zombie",
	[Q_PROCESS_GONE] = "gone",
	[Q_PROCESS_ELSEWHERE] = "elsewhere",
};

const char *
q_process_name(enum q_process process)
{
	return ((unsigned)process < Q_PROCESSES ? names[process] : NULL);
}

/* From field 3 of /proc/PID/stat, its state, to field 22, when it started. */
static int
parse_stat(const char *p, struct proc *out)
{
	if (p[0] != ' ' || p[1] == '\0')
		return (-1);
	out->state = p[1];
	for (int field = 3; field < 22; field++)
		if ((p = strchr(p + 1, ' ')) == NULL)
			return (-1);
	out->start = strtoull(p, NULL, 10);
	return (0);
}

int
proc_parse(const char *text, struct proc *out)
{
	const char *name = strchr(text, '('), *end = strrchr(text, ')');
	size_t size;

	/* The command's name may hold anything; the last ')' ends it. */
	if (name == NULL || end == NULL || end < name || parse_stat(end + 1, out) != 0)
		return (-1);
	size = (size_t)(end - name - 1);
	if (size >= sizeof(out->name))
		size = sizeof(out->name) - 1;
	memcpy(out->name, name + 1, size);
	out->name[size] = '\0';
	return (0);
}

int
proc_read(pid_t pid, struct proc *out)
{
	char path[64], text[1024];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return (-1);
	text[n] = '\0';
	return (proc_parse(text, out));
}

bool
proc_is_over(const struct proc *p)
{
	return (p->state == 'Z' || p->state == 'X');
}

bool
proc_is_stopped(const struct proc *p)
{
	return (p->state == 'T' || p->state == 't');
}

uint64_t
proc_namespace(void)
{
	struct stat st;

	return (stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0);
}

static int
add(struct grips *g, struct grip one)
{
	size_t room = g->room == 0 ? 16 : 2 * g->room;
	struct grip *p;

	if (g->count == g->room) {
		if ((p = reallocarray(g->list, room, sizeof(*p))) == NULL)
			return (fail(Q_ENOMEM, "out of memory"));
		g->list = p;
		g->room = room;
	}
	g->list[g->count++] = one;
	return (0);
}

/* The locks of a description: "lock:\t1: OFDLCK  ADVISORY  READ -1 08:01:77 42 42". */
static int
add_locks(struct grips *g, pid_t pid, const char *fd)
{
	struct grip one = { .pid = pid };
	char path[PATH_SIZE], line[LINE_SIZE];
	int rc = add(g, one);
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	if (rc != 0 || (f = fopen(path, "re")) == NULL)
		return (rc);
	one.locked = true;
	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned long long first;
		char last[32];

		if (sscanf(line, "lock: %*d: OFDLCK %*s %*s %*d %*s %llu %31s", &first,
			last) != 2)
			continue;
		one.first = first;
		one.last =
		    strcmp(last, "EOF") == 0 ? UINT64_MAX : strtoull(last, NULL, 10);
		rc = add(g, one);
	}
	(void)fclose(f);
	return (rc);
}

static bool
ends_with(const char *path, const char *name)
{
	size_t n = strlen(path), m = strlen(name);

	return (n > m && path[n - m - 1] == '/' && strcmp(path + n - m, name) == 0);
}

/* By the name first: asking for the status of any file may hang. */
static bool
is_file(int dir, const char *fd, const char *name, const struct stat *st)
{
	char path[PATH_MAX];
	struct stat found;
	ssize_t n = readlinkat(dir, fd, path, sizeof(path) - 1);

	if (n <= 0)
		return (false);
	path[n] = '\0';
	return (ends_with(path, name) && fstatat(dir, fd, &found, 0) == 0 &&
		found.st_ino == st->st_ino && found.st_dev == st->st_dev);
}

static int
look_at(pid_t pid, const char *name, const struct stat *st, struct grips *g)
{
	char path[64];
	struct dirent *e;
	int rc = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((d = opendir(path)) == NULL) {
		g->partial |= errno != ENOENT && errno != ESRCH;
		return (0);
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    is_file(dirfd(d), e->d_name, name, st))
			rc = add_locks(g, pid, e->d_name);
	g->partial |= rc == 0 && errno != 0 && errno != ENOENT && errno != ESRCH;
	(void)closedir(d);
	return (rc);
}

int
proc_grips(const char *name, const struct stat *st, struct grips *g)
{
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if ((d = opendir("/proc")) == NULL)
		return (fail_sys("/proc"));
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			rc = look_at(pid, name, st, g);
	}
	if (rc == 0 && errno != 0)
		rc = fail_sys("/proc");
	(void)closedir(d);
	return (rc);
}

void
proc_free(struct grips *g)
{
	free(g->list);
	*g = (struct grips){ 0 };
}

int
proc_flocks(
    const struct stat *st, int (*found)(void *arg, pid_t pid, bool waits), void *arg)
{
	char line[LINE_SIZE];
	FILE *f;
	int rc = 0;

	if ((f = fopen("/proc/locks", "re")) == NULL)
		return (fail_sys("/proc/locks"));
	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		const char *p = strstr(line, "FLOCK ");
		unsigned major, minor;
		unsigned long long inode;
		int pid;

		if (p == NULL ||
		    sscanf(p, "FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor,
			&inode) != 4 ||
		    inode != st->st_ino || makedev(major, minor) != st->st_dev)
			continue;
		rc = found(arg, pid, strstr(line, "-> FLOCK ") != NULL);
	}
	(void)fclose(f);
	return (rc);
}
